"""ElastiCache for Redis and Valkey."""

from __future__ import annotations

from typing import Final

from ..lifetimes import must_be_supported
from ..reading import Findings
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, rule

_GROUP: Final = "aws.elasticache.ReplicationGroup"
_CLUSTER: Final = "aws.elasticache.Cluster"
_SERVERLESS: Final = "aws.elasticache.ServerlessCache"
_USER: Final = "aws.elasticache.User"


def _member_of_group(cache: Resource) -> bool:
    """A node of a replication group takes everything from the group."""
    return cache.kind == _CLUSTER and not cache["replicationGroupId"].absent


def _is_redis(engine: object) -> bool:
    return engine != "memcached"


@rule(
    "elasticache-encrypted-at-rest",
    "Caches encrypt their data at rest with a customer-managed key",
    on=(_GROUP, _SERVERLESS),
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="ELASTICACHE_REPL_GRP_ENCRYPTED_AT_REST",
    severity=HIGH,
    remedy="set atRestEncryptionEnabled to true and kmsKeyId to the ARN of a customer-managed key",
)
def encrypted_at_rest(cache: Resource) -> Findings:
    # A serverless cache is always encrypted; only the key is a choice.
    enabled = cache["atRestEncryptionEnabled"].must_be(True) if cache.kind == _GROUP else []
    return enabled or cache["kmsKeyId"].must_name_own_key()


@rule(
    "elasticache-encrypted-in-transit",
    "Caches accept TLS only",
    on=_GROUP,
    requirements="4.2.1 2.2.7 8.3.2",
    controls="ElastiCache.5 ELASTICACHE_REPL_GRP_ENCRYPTED_IN_TRANSIT",
    severity=HIGH,
    remedy="set transitEncryptionEnabled to true and transitEncryptionMode to required",
)
def encrypted_in_transit(group: Resource) -> Findings:
    # AWS default of the mode for a new group: required.
    enabled = group["transitEncryptionEnabled"].must_be(True)
    return enabled or group["transitEncryptionMode"].must_be("required", default="required")


@rule(
    "elasticache-no-single-node",
    "Redis runs as a replication group, which alone can be encrypted",
    on=_CLUSTER,
    requirements="3.5.1 4.2.1",
    severity=HIGH,
    remedy="use elasticache.ReplicationGroup with encryption at rest and in transit",
)
def no_single_node(cluster: Resource) -> Findings:
    if _member_of_group(cluster):
        return []
    if cluster["engine"].value == "memcached":
        return cluster["transitEncryptionEnabled"].must_be(True)
    return cluster["replicationGroupId"].must_be_given("a replication group")


@rule(
    "elasticache-authenticated",
    "Caches ask their clients who they are",
    on=(_GROUP, _SERVERLESS),
    requirements="8.3.1 8.2.1 7.3.1",
    controls="ElastiCache.6",
    severity=HIGH,
    remedy="set userGroupIds (userGroupId) to a group without an open default user",
)
def authenticated(cache: Resource) -> Findings:
    if cache.kind == _SERVERLESS:
        return [] if cache["engine"].value == "memcached" else cache["userGroupId"].must_be_given("a user group")
    return [] if not cache["authToken"].absent else cache["userGroupIds"].must_be_given("a user group")


@rule(
    "elasticache-user-authenticates",
    "Every user that is on has a password or an IAM identity",
    on=_USER,
    requirements="8.3.1 8.2.1",
    severity=CRITICAL,
    remedy="set authenticationMode.type to iam or password, or start accessString with off",
)
def user_authenticates(user: Resource) -> Findings:
    if str(user["accessString"].value).split()[:1] == ["off"]:
        return []
    return user["noPasswordRequired"].must_be(False, default=False) + user["authenticationMode"]["type"].must_not_be(
        "no-password-required", wanted="iam or password", default="password"
    )


@rule(
    "elasticache-default-user-off",
    "The user named default, which every client is without a name, is off",
    on=_USER,
    requirements="2.2.2 8.2.1",
    severity=HIGH,
    remedy="start accessString with off and give the application a user of its own",
)
def default_user_off(user: Resource) -> Findings:
    if user["userName"].value != "default":
        return []
    return user["accessString"].must(lambda text: str(text).split()[:1] == ["off"], "off")


@rule(
    "elasticache-user-least-privilege",
    "Users may not run administrative commands",
    on=_USER,
    requirements="7.2.1 7.2.2 7.2.5",
    severity=MEDIUM,
    remedy="name the command categories that the application needs, and take @dangerous and @admin away",
)
def user_least_privilege(user: Resource) -> Findings:
    return user["accessString"].must(_without_administration, "without administrative commands")


def _without_administration(text: object) -> bool:
    """Whether the access string ends without @admin and @dangerous; its words count in order, as in Redis itself."""
    words = str(text).lower().split()
    if words[:1] == ["off"]:
        return True
    open_categories: set[str] = set()
    for word in words:
        category = {"allcommands": "+@all", "nocommands": "-@all"}.get(word, word)
        if category == "+@all":
            open_categories = {"@admin", "@dangerous"}
        elif category == "-@all":
            open_categories = set()
        elif category[1:] in ("@admin", "@dangerous"):
            (open_categories.add if category[0] == "+" else open_categories.discard)(category[1:])
    return not open_categories


@rule(
    "elasticache-minor-upgrades",
    "Caches take over minor versions, which carry security fixes, by themselves",
    on=(_GROUP, _CLUSTER),
    requirements="6.3.3",
    controls="ElastiCache.2 ELASTICACHE_AUTO_MINOR_VERSION_UPGRADE_CHECK",
    severity=MEDIUM,
    remedy="leave autoMinorVersionUpgrade out, or set it to true",
)
def minor_upgrades(cache: Resource) -> Findings:
    return cache["autoMinorVersionUpgrade"].must_be(True, default=True)  # AWS default


@rule(
    "elasticache-backups",
    "Caches are backed up by themselves, far enough back",
    on=(_GROUP, _CLUSTER, _SERVERLESS),
    requirements="10.3.3",
    controls="ELASTICACHE_REDIS_CLUSTER_AUTOMATIC_BACKUP_CHECK",
    severity=LOW,
    remedy="set snapshotRetentionLimit to 1 day or more",
)
def backups(cache: Resource, *, minimum_days: int = 1) -> Findings:
    if _member_of_group(cache):
        return []
    findings = cache["snapshotRetentionLimit"].must_be_at_least(minimum_days, "days", default=0)  # provider default
    return cache["engine"].guards(_is_redis, findings)


@rule(
    "elasticache-in-chosen-subnets",
    "Caches stand in chosen subnets, never in the default VPC",
    on=(_GROUP, _CLUSTER),
    requirements="1.3.1 1.4.1 1.4.4",
    controls="ELASTICACHE_SUBNET_GROUP_CHECK",
    severity=HIGH,
    remedy="set subnetGroupName to a subnet group of the data tier",
)
def in_chosen_subnets(cache: Resource) -> Findings:
    if _member_of_group(cache):
        return []
    return cache["subnetGroupName"].must_be_given("a subnet group of the stack", other_than="default")


@rule(
    "elasticache-logs",
    "Caches send their engine log to CloudWatch",
    on=_GROUP,
    requirements="10.2.1 10.2.2",
    severity=LOW,
    remedy="add a log delivery of type engine-log",
)
def logs(group: Resource) -> Findings:
    deliveries = group["logDeliveryConfigurations"]
    if deliveries.unknown or any(delivery["logType"].value == "engine-log" for delivery in deliveries):
        return deliveries.unjudged("with the engine log") if deliveries.unknown else []
    return deliveries.breach("with the engine log")


@rule(
    "elasticache-failover",
    "Production caches fail over to another availability zone by themselves",
    on=_GROUP,
    severity=LOW,
    remedy="set automaticFailoverEnabled and multiAzEnabled to true, with two nodes or more",
    production_only=True,
)
def failover(group: Resource) -> Findings:
    return group["automaticFailoverEnabled"].must_be(True) + group["multiAzEnabled"].must_be(True)


@rule(
    "elasticache-supported-engine",
    "Caches run a supported engine with access control lists",
    on=(_GROUP, _CLUSTER),
    requirements="6.3.3 12.3.4",
    severity=MEDIUM,
    remedy="set engineVersion to 7.0 or newer",
)
def supported_engine(cache: Resource) -> Findings:
    if _member_of_group(cache):
        return []
    return cache["engine"].guards(_is_redis, must_be_supported(cache["engineVersion"], "redis"))

"""What must be there before, and what is there once only: secrets, image, zone, subscription, singletons, roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from operations.account.answers import Answer, Question, failed, passed, warned

SETTLE = "set it to adopt or off for this stack, or remove the one that exists"
TRAILS_OF_A_REGION = 5
"""AWS CloudTrail user guide, quotas: it cannot be raised."""
DMS_ROLES = ("dms-vpc-role", "dms-cloudwatch-logs-role")
AUTO_SCALING_ROLE = "AWSServiceRoleForAutoScaling"
"""The key policy of the nodes' disks names it, so that it must exist before the key."""


def agent_secret(asked: Question) -> Iterator[Answer]:
    """The secret with the host agent's token exists; nobody reads it here."""
    name = asked.settings.agent.secret_name
    if _answers(lambda: asked.session.client("secretsmanager").describe_secret(SecretId=name)):
        yield passed("agent's secret", name)
    else:
        yield failed(
            "agent's secret", f"{name} does not exist", "store the tenant's id and token there (README, step 6)"
        )


def image(asked: Question) -> Iterator[Answer]:
    """The service's image is in its registry."""
    registry, _, rest = asked.settings.service.image.partition("/")
    repository, _, digest = rest.partition("@")
    ecr = asked.session.client("ecr")
    found = _answers(
        lambda: ecr.describe_images(
            registryId=registry.partition(".")[0], repositoryName=repository, imageIds=[{"imageDigest": digest}]
        )
    )
    if found:
        yield passed("image", f"{repository}@{digest[:19]}...")
    else:
        yield failed("image", f"{repository} has no {digest[:19]}...", "push the image and write its digest")


def zone(asked: Question) -> Iterator[Answer]:
    """The DNS zone that the settings give exists and is the zone of the name."""
    given, name = asked.settings.edge.zone_id, asked.settings.edge.zone_name
    if not given:
        mend = f"delegate {name} within 15 minutes of its creation, or give a delegated zone as softpos:edgeZoneId"
        yield warned("DNS zone", "the stack makes the zone, which nobody has delegated yet", mend)
        return
    found = _answers(lambda: asked.session.client("route53").get_hosted_zone(Id=given))
    if found is None:
        yield failed("DNS zone", f"{given} does not exist", "correct softpos:edgeZoneId")
    elif found["HostedZone"]["Name"].rstrip(".") != name:
        yield failed("DNS zone", f"{given} is {found['HostedZone']['Name']}, not {name}", "correct softpos:edgeZoneId")
    else:
        yield passed("DNS zone", f"{given} is {name}")


def firewall_subscription(asked: Question) -> Iterator[Answer]:
    """The account may use the firewall's rule groups; those of a vendor need a subscription in AWS Marketplace."""
    waf = asked.session.client("wafv2")
    groups = {
        (group["vendorName"], group["name"])
        for acl in asked.recording.of("aws:wafv2/webAcl:WebAcl")
        for rule in acl.inputs.get("rules") or ()
        if (group := (rule.get("statement") or {}).get("managedRuleGroupStatement"))
    }
    for vendor, name in sorted(groups):
        try:
            waf.describe_managed_rule_group(VendorName=vendor, Name=name, Scope="REGIONAL")
        except ClientError as error:
            if error.response["Error"]["Code"] != "WAFSubscriptionNotFoundException":
                raise
            mend = "subscribe in AWS Marketplace, or set softpos:edgeWafRules to aws"
            yield failed("firewall rules", f"no subscription to {vendor} {name}", mend)
        else:
            yield passed("firewall rules", f"{vendor} {name}")


def singletons(asked: Question) -> Iterator[Answer]:
    """What an account has once in a Region, against what the settings mean to do with it."""
    settings = asked.settings.audit
    wanted = {
        "config": settings.config,
        "guardduty": settings.guardduty,
        "security_hub": settings.security_hub,
    }
    for name, choice in wanted.items():
        check, look = SINGLETONS[name]
        exists = bool(_answers(partial(look, asked)))
        if choice == "create" and exists:
            yield failed(check, "exists already, and the settings create it", SETTLE)
        elif choice == "adopt" and not exists:
            yield failed(check, "does not exist, and the settings adopt it", "set it to create")
        else:
            yield passed(check, f"{'exists' if exists else 'does not exist'}; settings: {choice}")
    trails = len(asked.session.client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"])
    if settings.trail == "create" and trails >= TRAILS_OF_A_REGION:
        yield failed("CloudTrail", f"{trails} trails of {TRAILS_OF_A_REGION}", "remove one; AWS raises this never")
    else:
        yield passed("CloudTrail", f"{trails} trails of {TRAILS_OF_A_REGION}; settings: {settings.trail}")


def roles(asked: Question) -> Iterator[Answer]:
    """Roles that AWS finds by name, and the one that must exist before a key names it."""
    iam, settings = asked.session.client("iam"), asked.settings.migration
    if settings.facts.moves_data:
        for name in DMS_ROLES:
            exists = bool(_answers(partial(iam.get_role, RoleName=name)))
            if exists == (settings.service_roles == "create"):
                state = "exists already" if exists else "does not exist"
                mend = (
                    "set softpos:migrationServiceRoles to adopt"
                    if exists
                    else "set softpos:migrationServiceRoles to create"
                )
                yield failed("role of DMS", f"{name} {state}; settings: {settings.service_roles}", mend)
            else:
                yield passed("role of DMS", f"{name}; settings: {settings.service_roles}")
    if _answers(lambda: iam.get_role(RoleName=AUTO_SCALING_ROLE)):
        yield passed("service-linked role", AUTO_SCALING_ROLE)
    else:
        mend = "aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com"
        yield failed("service-linked role", f"{AUTO_SCALING_ROLE} does not exist; nodes could not use their key", mend)


SINGLETONS: Mapping[str, tuple[str, Callable[[Question], Any]]] = {
    "config": (
        "AWS Config",
        lambda asked: asked.session.client("config").describe_configuration_recorders()["ConfigurationRecorders"],
    ),
    "guardduty": ("GuardDuty", lambda asked: asked.session.client("guardduty").list_detectors()["DetectorIds"]),
    "security_hub": ("Security Hub", lambda asked: asked.session.client("securityhub").describe_hub()),
}
"""How each is looked for."""
ABSENT = (
    *("ImageNotFoundException", "InvalidAccessException", "NoSuchEntity", "NoSuchHostedZone"),
    *("RepositoryNotFoundException", "ResourceNotFoundException"),
)
"""How services say that a thing is not there."""


def _answers(ask: Callable[[], Any]) -> Any:
    """The answer, or nothing where the thing does not exist; every other error is the caller's."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise

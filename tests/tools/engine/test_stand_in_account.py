"""The stand-in account itself, without any engine: it refuses what AWS refuses."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from recording.names import named
from recording.replacement import replaces
from recording.sdk import UNKNOWN, checked, resource_type
from tests.recorded import recorded
from tools.engine.account import Account
from tools.engine.answers import answered
from tools.engine.clock import Clock
from tools.engine.faults import Fault
from tools.engine.texts import TEXTS, unreadable
from tools.engine.thing import Refused, Thing

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"


@pytest.fixture
def account() -> Account:
    return Account("eu-central-1", "123456789012")


def create(account: Account, type_: str, logical: str, /, **inputs: Any) -> Thing:
    return account.create(f"urn:pulumi:dev::softpos::{type_}::{logical}", type_, inputs, "dev")


def delete(account: Account, thing: Thing) -> None:
    account.delete(thing.type, thing.id, thing.urn, thing.home)


@pytest.mark.parametrize(
    ("type_", "inputs", "property_"),
    [
        (VPC, {"cidrBlock": "10.0.0.0/16", "cidr": "10.0.0.0/16"}, "cidr"),
        ("aws:eks/cluster:Cluster", {"vpcConfig": {"subnetIds": []}}, "roleArn"),
        ("aws:eks/cluster:Cluster", {"roleArn": "arn", "vpcConfig": {}}, "vpcConfig.subnetIds"),
        ("aws:rds/subnetGroup:SubnetGroup", {"subnetIds": "subnet-1"}, "subnetIds"),
        (
            "aws:rds/cluster:Cluster",
            {"engine": "aurora-mysql", "backupRetentionPeriod": "a week"},
            "backupRetentionPeriod",
        ),
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"blockDeviceMappings": [{"ebs": {"volumeSize": True}}]},
            "blockDeviceMappings[0].ebs.volumeSize",
        ),
        (
            "kubernetes:apps/v1:Deployment",
            {"metadata": {"name": "x"}, "spec": {"selector": {}, "template": {"spec": {"containers": [{}]}}}},
            "spec.template.spec.containers[0].name",
        ),
    ],
)
def test_unknown_missing_and_mistyped_properties_are_refused_by_name(
    type_: str, inputs: dict[str, Any], property_: str
) -> None:
    _, failures = checked(resource_type(type_), inputs)
    assert [failure.property for failure in failures] == [property_]


def test_values_are_turned_as_the_real_provider_turns_them() -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": "true", "ipv4NetmaskLength": "16"}
    taken, failures = checked(resource_type(VPC), inputs)
    assert failures == []
    assert taken == {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True, "ipv4NetmaskLength": 16}


def test_unknown_values_of_a_preview_pass_every_check() -> None:
    _, failures = checked(resource_type(SUBNET), {"vpcId": UNKNOWN, "mapPublicIpOnLaunch": UNKNOWN})
    assert failures == []


@pytest.mark.parametrize(
    ("type_", "property_", "longest"),
    [
        (LOAD_BALANCER, "name", 32),
        ("aws:lb/targetGroup:TargetGroup", "name", 32),
        ("aws:iam/role:Role", "name", 64),
        ("aws:s3/bucket:Bucket", "bucket", 63),
        ("aws:rds/cluster:Cluster", "clusterIdentifier", 63),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "replicationGroupId", 40),
    ],
)
def test_names_that_are_too_long_are_refused_given_or_made(type_: str, property_: str, longest: int) -> None:
    kind = resource_type(type_)

    def refused(logical: str, **inputs: str) -> bool:
        return bool(named(kind, logical, inputs, {}, b"seed", lambda *_: False)[1])

    assert not refused("x", **{property_: "a" * longest})
    assert refused("x", **{property_: "a" * (longest + 1)})
    assert not refused("a" * (longest - 8))
    assert refused("a" * (longest - 7))


def test_a_made_name_stays_and_is_made_anew_when_it_is_taken() -> None:
    kind = resource_type("aws:iam/role:Role")
    first, _ = named(kind, "role", {}, {}, b"one", lambda *_: False)
    again, _ = named(kind, "role", {}, first, b"two", lambda *_: True)
    anew, _ = named(kind, "role", {}, {}, b"two", lambda *_: True)
    assert first["name"] == again["name"]
    assert anew["name"] != first["name"]


def test_two_things_of_one_name_collide(account: Account) -> None:
    create(account, "aws:iam/role:Role", "one", name="dms-vpc-role")
    with pytest.raises(Refused, match="AlreadyExists"):
        create(account, "aws:iam/role:Role", "two", name="dms-vpc-role")


def test_singletons_of_an_account_collide(account: Account) -> None:
    create(account, "aws:guardduty/detector:Detector", "one")
    with pytest.raises(Refused, match="AlreadyExists"):
        create(account, "aws:guardduty/detector:Detector", "two")


def test_a_secret_keeps_its_name_while_it_could_be_recovered(account: Account) -> None:
    secret = "aws:secretsmanager/secret:Secret"
    delete(account, create(account, secret, "one", name="a", recoveryWindowInDays=0))
    delete(account, create(account, secret, "one", name="a"))
    with pytest.raises(Refused, match="scheduled for deletion"):
        create(account, secret, "one", name="a")


def test_what_does_not_exist_cannot_be_used(account: Account) -> None:
    with pytest.raises(Refused, match="vpc-1 does not exist"):
        create(account, SUBNET, "subnet", vpcId="vpc-1")


@pytest.mark.parametrize(
    ("held", "user", "reference"),
    [
        (VPC, SUBNET, "vpcId"),
        (VPC, "aws:ec2/securityGroup:SecurityGroup", "vpcId"),
        ("aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role"),
        ("aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance", "clusterIdentifier"),
        ("aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "clusterName"),
    ],
)
def test_what_is_in_use_cannot_be_deleted(account: Account, held: str, user: str, reference: str) -> None:
    database = {"clusterIdentifier": "held", "engine": "aurora-mysql", "skipFinalSnapshot": True}
    thing = create(account, held, "held", **(database if "rds" in held else {"name": "held"}))
    using = create(account, user, "user", **{reference: thing.id})
    with pytest.raises(Refused, match="in use"):
        delete(account, thing)
    delete(account, using)
    delete(account, thing)
    assert account.things == {}


def test_the_own_rules_of_a_security_group_do_not_hold_it_but_those_of_others_do(account: Account) -> None:
    group = create(account, "aws:ec2/securityGroup:SecurityGroup", "group")
    other = create(account, "aws:ec2/securityGroup:SecurityGroup", "other")
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    create(account, rule, "own", securityGroupId=group.id)
    foreign = create(account, rule, "foreign", securityGroupId=other.id, referencedSecurityGroupId=group.id)
    with pytest.raises(Refused, match="in use"):
        delete(account, group)
    delete(account, foreign)
    delete(account, group)


def test_a_bucket_that_received_logs_is_not_empty(account: Account) -> None:
    bucket = create(account, "aws:s3/bucket:Bucket", "bucket", bucket="logs")
    create(account, "aws:s3/bucketPolicy:BucketPolicy", "policy", bucket="logs")
    delete(account, create(account, "aws:cloudtrail/trail:Trail", "trail", name="trail", s3BucketName="logs"))
    with pytest.raises(Refused, match="BucketNotEmpty"):
        delete(account, bucket)


def test_a_trail_needs_the_bucket_policy_first(account: Account) -> None:
    create(account, "aws:s3/bucket:Bucket", "bucket", bucket="logs")
    with pytest.raises(Refused, match="bucket policy"):
        create(account, "aws:cloudtrail/trail:Trail", "trail", name="trail", s3BucketName="logs")


@pytest.mark.parametrize("protection", ["deletionProtection", "enableDeletionProtection"])
def test_protected_things_stay(account: Account, protection: str) -> None:
    thing = create(account, LOAD_BALANCER, "thing", name="thing", internal=True, **{protection: True})
    with pytest.raises(Refused, match=protection):
        delete(account, thing)


@pytest.mark.parametrize(
    ("type_", "name", "before", "after", "replaced"),
    [
        ("aws:rds/cluster:Cluster", "storageEncrypted", False, True, True),
        ("aws:rds/cluster:Cluster", "clusterIdentifier", "a", "b", True),
        ("aws:rds/cluster:Cluster", "engineVersion", "8.4.7", "8.4.8", False),
        ("aws:rds/clusterInstance:ClusterInstance", "instanceClass", "db.r7g.large", "db.r7g.xlarge", False),
        ("aws:eks/nodeGroup:NodeGroup", "scalingConfig", {"maxSize": 3}, {"maxSize": 4}, False),
        (
            "aws:eks/nodeGroup:NodeGroup",
            "launchTemplate",
            {"id": "a", "version": "1"},
            {"id": "a", "version": "2"},
            False,
        ),
        (
            "aws:eks/nodeGroup:NodeGroup",
            "launchTemplate",
            {"id": "a", "version": "1"},
            {"id": "b", "version": "1"},
            True,
        ),
        ("kubernetes:core/v1:Service", "metadata", {"name": "a", "labels": {}}, {"name": "a"}, False),
        ("kubernetes:core/v1:Service", "metadata", {"name": "a"}, {"name": "b"}, True),
    ],
)
def test_a_change_replaces_only_what_aws_replaces(
    type_: str, name: str, before: object, after: object, replaced: bool
) -> None:
    assert replaces(resource_type(type_), {name: before}, {name: after}, name) is replaced


def test_a_failed_creation_leaves_nothing_and_a_lost_answer_leaves_the_thing(account: Account) -> None:
    account.faults.add(Fault("fail", name="one"))
    account.faults.add(Fault("lose-answer", name="two"))
    for name in ("one", "two"):
        with pytest.raises(Refused):
            create(account, VPC, name)
    assert [thing.name for thing in account.things.values()] == ["two"]


def test_the_nth_creation_of_a_type_fails_once(account: Account) -> None:
    fault = account.faults.add(Fault("fail", type=VPC, skip=1))
    create(account, VPC, "one")
    with pytest.raises(Refused, match="failed on demand"):
        create(account, VPC, "two")
    create(account, VPC, "two")
    assert fault.happened == ["two"]


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that goes on as soon as all who use it wait: there is no engine to wait for."""
    started = Clock()
    started.follow(lambda: True)
    yield started
    started.close()


def test_creations_take_their_time_and_those_beside_each_other_the_longest(clock: Clock) -> None:
    account = Account("eu-central-1", "123456789012", clock=clock)
    ready = threading.Barrier(2)

    def create_one(type_: str) -> None:
        with account.clock.at_work():
            ready.wait()
            create(account, type_, "thing")

    threads = [threading.Thread(target=create_one, args=(type_,)) for type_ in (VPC, "aws:kms/key:Key")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.clock.now == 23
    with account.clock.at_work():
        create(account, VPC, "another")
    assert account.clock.now == 23 + 12


def test_a_role_is_not_usable_before_it_has_spread(clock: Clock) -> None:
    account = Account("eu-central-1", "123456789012", clock=clock, role_propagation_seconds=10)
    with account.clock.at_work():
        role = create(account, "aws:iam/role:Role", "role", name="role")
        ready = account.clock.now
        create(account, "aws:iam/instanceProfile:InstanceProfile", "profile", name="p", role=role.outputs["arn"])
        assert account.clock.now - ready >= 10
        account.role_propagation_seconds = 1000
        with pytest.raises(Refused, match="cannot be assumed"):
            create(account, "aws:iam/instanceProfile:InstanceProfile", "late", name="q", role=role.outputs["arn"])


def test_an_updated_launch_template_has_another_version(account: Account) -> None:
    template = create(account, "aws:ec2/launchTemplate:LaunchTemplate", "template", name="template")
    before = template.outputs["latestVersion"]
    account.update(template.type, template.id, template.urn, {"name": "template", "userData": "new"}, template.home)
    assert template.outputs["latestVersion"] == before + 1


def test_a_record_of_another_zone_of_the_same_name_does_not_hold_a_zone(account: Account) -> None:
    names = ("one", "two")
    zones = [create(account, "aws:route53/zone:Zone", logical, name="pay.example.org") for logical in names]
    records = [
        create(account, "aws:route53/record:Record", "record", name="pay.example.org", type="CAA", zoneId=zone.id)
        for zone in zones
    ]
    assert records[0].id != records[1].id
    delete(account, records[1])
    delete(account, zones[1])
    with pytest.raises(Refused, match="in use"):
        delete(account, zones[0])


@pytest.mark.parametrize("type_", sorted(TEXTS))
def test_a_description_that_ec2_refuses_is_refused(type_: str) -> None:
    assert unreadable(type_, {"description": "Nodes of the cluster (HTTPS), port 443"}) == []
    assert unreadable(type_, {"description": UNKNOWN}) == []
    [failure] = unreadable(type_, {"description": "The cluster's nodes"})
    assert failure.property == "description"


def test_aws_answers_more_than_was_declared() -> None:
    feature = "aws:guardduty/detectorFeature:DetectorFeature"
    some = [{"name": "EKS_ADDON_MANAGEMENT", "status": "ENABLED"}]
    told = answered(feature, {"name": "RUNTIME_MONITORING", "additionalConfigurations": some})
    assert len(told["additionalConfigurations"]) == 3
    assert answered(feature, {"name": "S3_DATA_EVENTS"}) == {"name": "S3_DATA_EVENTS"}
    user = "aws:elasticache/user:User"
    assert answered(user, {"accessString": "off ~* -@all"})["accessString"] == "off ~* resetchannels -@all"
    whole = {"accessString": "on ~* &* -@all +@read"}
    assert answered(user, whole) == whole


def test_the_program_declares_all_that_aws_answers() -> None:
    """Else each night's refresh finds drift; an order of AWS's own is no difference where it is ignored."""
    for stack in ("dev", "prod"):
        for resource in recorded(stack).resources:
            told = answered(resource.type, resource.inputs)
            different = {name for name, value in told.items() if value != resource.inputs.get(name)}
            assert different <= set(resource.ignore_changes), resource.name
            listed = {name for name in different if isinstance(told[name], list)}
            for name in listed:
                assert sorted(map(str, told[name])) == sorted(map(str, resource.inputs[name])), resource.name

"""What AWS refuses: names that are taken, references to nothing, what comes too early, what goes too soon.

Tables where a rule has a common form; from the API references of the services. Not all of AWS: what this program uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.engine.names import namings
from operations.engine.replacement import value_at
from operations.engine.sdk import BRIDGE_DEFAULTS

ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
KUBERNETES = "kubernetes:"


class Refused(Exception):  # noqa: N818 (AWS's answer, not a fault here)
    """The account does not do it; the message is AWS's kind of error and the reason."""


@dataclass(eq=False)
class Thing:
    """Something that exists, or is being created (`ready` is then false)."""

    number: str
    type: str
    name: str
    """Logical name."""
    urn: str
    inputs: dict[str, Any]
    home: str = ""
    """The cluster of a Kubernetes object."""
    id: str = ""
    invented: dict[str, Any] = field(default_factory=dict)
    """Outputs that AWS makes up."""
    outputs: dict[str, Any] = field(default_factory=dict)
    ready: bool = False
    since: float = 0.0
    """Played second at which it was ready."""
    known: frozenset[str] = frozenset()
    """By what others may refer to it: its id and every text in its outputs."""

    def __str__(self) -> str:
        return f"{self.type.rpartition(':')[2]} {self.id or self.name}"


def texts(value: Any) -> frozenset[str]:
    """Every text inside a value."""
    return frozenset(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, member in value.items():
                if key != BRIDGE_DEFAULTS:
                    yield from _texts(member)
        case list() | tuple():
            for member in value:
                yield from _texts(member)


# ---- Names that are taken -------------------------------------------------------------------------------------------

IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "aws:autoscaling/attachment:Attachment": ("autoscalingGroupName", "lbTargetGroupArn"),
    "aws:ebs/encryptionByDefault:EncryptionByDefault": (),
    "aws:ebs/defaultKmsKey:DefaultKmsKey": (),
    "aws:ec2/route:Route": ("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("subnetId", "gatewayId"),
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": ("routeTableId", "vpnGatewayId"),
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": (),
    "aws:eks/accessEntry:AccessEntry": ("clusterName", "principalArn"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ("clusterName", "principalArn", "policyArn"),
    "aws:eks/addon:Addon": ("clusterName", "addonName"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("clusterName", "namespace", "serviceAccount"),
    "aws:guardduty/detector:Detector": (),
    "aws:guardduty/detectorFeature:DetectorFeature": ("detectorId", "name"),
    "aws:cfg/recorder:Recorder": (),
    "aws:cfg/deliveryChannel:DeliveryChannel": (),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": (),
    "aws:inspector2/enabler:Enabler": (),
    "aws:lb/listener:Listener": ("loadBalancerArn", "port"),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": (),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("bucket",),
    "aws:s3/bucketVersioning:BucketVersioning": ("bucket",),
    "aws:securityhub/account:Account": (),
    "aws:securityhub/standardsSubscription:StandardsSubscription": ("standardsArn",),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        *("securityGroupId", "ipProtocol", "fromPort", "toPort"),
        *("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        *("securityGroupId", "ipProtocol", "fromPort", "toPort"),
        *("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": ("resourceArn",),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": ("resourceArn",),
}
"""Types of which there can be one for each value of these properties; one in the account where there are none. Where
AWS would not refuse but silently overwrite (settings of the account or of a bucket), two owners are refused here."""


def uniqueness(thing: Thing, others: Iterable[Thing], remains: set[tuple[str, str]]) -> None:
    """Refuse a second thing of the same identity."""
    identity = _identity(thing)
    if identity is None:
        return
    if identity and (thing.type, str(identity[0])) in remains:
        raise Refused(f"AlreadyExists: {identity[0]} is still taken by one that is scheduled for deletion")
    for other in others:
        if other.type == thing.type and other.home == thing.home and _identity(other) == identity:
            shown = ", ".join(str(part) for part in identity if part is not None) or "one in this account and Region"
            raise Refused(f"AlreadyExists: there is one already: {shown}")


def kubernetes_id(thing: Thing) -> str:
    """``namespace/name`` of a Kubernetes object, or only its name where it has no namespace; empty for all else."""
    if not thing.type.startswith(KUBERNETES):
        return ""
    metadata = thing.inputs["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def _identity(thing: Thing) -> tuple[Any, ...] | None:
    if thing.type.startswith(KUBERNETES):
        metadata = thing.inputs.get("metadata", {})
        return metadata.get("name"), metadata.get("namespace", "default")
    if thing.type in IDENTITIES:
        return tuple(thing.inputs.get(name) for name in IDENTITIES[thing.type])
    rule = namings().get(thing.type)
    if rule is None or rule.property not in thing.inputs:
        return None
    return thing.inputs[rule.property], thing.inputs.get(rule.within) if rule.within else None


# ---- References to nothing ------------------------------------------------------------------------------------------

# fmt: off
REFERENCES = frozenset((
    "allocationId", "autoscalingGroupName", "bucket", "certificateArn", "clusterIdentifier", "clusterName",
    "customerGatewayId", "dbClusterIdentifier", "dbClusterParameterGroupName", "dbParameterGroupName",
    "dbSubnetGroupName", "defaultNetworkAclId", "detectorId", "gatewayId", "iamInstanceProfile", "instanceId",
    "keyName", "kmsKeyArn", "kmsKeyId", "lbTargetGroupArn", "loadBalancerArn", "logDestination", "logGroupName",
    "monitoringRoleArn", "natGatewayId", "networkInterfaceId", "nodeRoleArn", "referencedSecurityGroupId",
    "replicationInstanceArn", "replicationSubnetGroupId", "role", "roleArn", "routeTableId", "routeTableIds",
    "s3BucketName", "secretArn", "secretId", "secretsManagerAccessRoleArn", "secretsManagerArn", "securityGroupId",
    "securityGroupIds", "securityGroups", "snsTopicArn", "sourceEndpointArn", "sourceSecurityGroupId",
    "subnetGroupName", "subnetId", "subnetIds", "subnets", "targetEndpointArn", "targetGroupArn", "targetKeyId",
    "topic", "topicArn", "transitGatewayId", "userGroupIds", "userIds", "vpcId", "vpcSecurityGroupIds",
    "vpnConnectionId", "vpnGatewayId", "webAclArn", "zoneId",
))
# fmt: on
"""Properties that name another thing, by id, name or ARN."""
MANAGED_BY_AWS = ("arn:aws:iam::aws:", "alias/aws/", "default.", "arn:aws:iam::", "ami-")
"""Beginnings of what exists without the program. Roles of people and services are given by settings."""


def references(type_: str, inputs: Mapping[str, Any], others: Sequence[Thing]) -> None:
    """Refuse to use what does not exist, or is not ready."""
    own = namings()[type_].property if type_ in namings() else ""
    wanted = {text for name, value in inputs.items() if name in REFERENCES and name != own for text in texts(value)}
    wanted = {text for text in wanted if text and not text.startswith(MANAGED_BY_AWS)}
    for other in others:
        if not wanted:
            return
        if other.ready:
            wanted -= other.known
    if wanted:
        raise Refused(f"NotFound: {', '.join(sorted(wanted))} does not exist or is not ready")


# ---- What comes too early -------------------------------------------------------------------------------------------

_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


@dataclass(frozen=True)
class Prerequisite:
    """What must be there before a type can be created."""

    needs: str
    """As AWS's error would say it."""
    met: Callable[[Thing, Sequence[Thing]], bool]
    applies: Callable[[Thing], bool] = lambda _: True


def _exists(type_: str, *pairs: tuple[str, str]) -> Callable[[Thing, Sequence[Thing]], bool]:
    """One of `type_` is ready whose property (first) equals a property of the thing (second)."""
    return lambda thing, others: any(
        other.ready
        and other.type == type_
        and all(value_at(other.inputs, theirs) == value_at(thing.inputs, ours) for theirs, ours in pairs)
        for other in others
    )


def _permitted(role_property: str) -> Prerequisite:
    def met(thing: Thing, others: Sequence[Thing]) -> bool:
        arn = value_at(thing.inputs, role_property)
        names = {role.outputs["name"] for role in others if role.type == ROLE and role.outputs.get("arn") == arn}
        kinds = (_ATTACHMENT, "aws:iam/rolePolicy:RolePolicy")
        return not names or any(one.ready and one.type in kinds and one.inputs["role"] in names for one in others)

    return Prerequisite(
        f"permissions of {role_property}", met, lambda thing: bool(value_at(thing.inputs, role_property))
    )


_BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_RECORDING = Prerequisite("a configuration recorder that records", _exists("aws:cfg/recorderStatus:RecorderStatus"))
PREREQUISITES: Mapping[str, tuple[Prerequisite, ...]] = {
    "aws:cloudtrail/trail:Trail": (
        Prerequisite("a bucket policy that lets CloudTrail write", _exists(_BUCKET_POLICY, ("bucket", "s3BucketName"))),
        _permitted("cloudWatchLogsRoleArn"),
    ),
    "aws:cfg/deliveryChannel:DeliveryChannel": (
        Prerequisite("a configuration recorder", _exists("aws:cfg/recorder:Recorder")),
        Prerequisite("a bucket policy that lets Config write", _exists(_BUCKET_POLICY, ("bucket", "s3BucketName"))),
    ),
    "aws:cfg/recorderStatus:RecorderStatus": (
        Prerequisite("a delivery channel", _exists("aws:cfg/deliveryChannel:DeliveryChannel")),
    ),
    "aws:cfg/conformancePack:ConformancePack": (_RECORDING,),
    "aws:cfg/rule:Rule": (_RECORDING,),
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": (
        Prerequisite(
            "the role dms-vpc-role with its policy",
            lambda _, others: any(
                other.ready and other.type == _ATTACHMENT and other.inputs["role"] == "dms-vpc-role" for other in others
            ),
        ),
    ),
    "aws:dms/endpoint:Endpoint": (_permitted("secretsManagerAccessRoleArn"),),
    "aws:ec2/flowLog:FlowLog": (_permitted("iamRoleArn"),),
    "aws:eks/cluster:Cluster": (_permitted("roleArn"),),
    _NODE_GROUP: (_permitted("nodeRoleArn"),),
    "aws:lb/loadBalancer:LoadBalancer": (
        Prerequisite(
            "a bucket policy that lets the load balancer write",
            _exists(_BUCKET_POLICY, ("bucket", "accessLogs.bucket")),
            lambda thing: bool(value_at(thing.inputs, "accessLogs.enabled")),
        ),
        Prerequisite(
            "an internet gateway in the VPC",
            _exists("aws:ec2/internetGateway:InternetGateway"),
            lambda thing: not thing.inputs.get("internal"),
        ),
    ),
    "aws:rds/clusterInstance:ClusterInstance": (_permitted("monitoringRoleArn"),),
    "aws:securityhub/standardsSubscription:StandardsSubscription": (
        Prerequisite("Security Hub", _exists("aws:securityhub/account:Account")),
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        Prerequisite("versioning of the bucket", _exists("aws:s3/bucketVersioning:BucketVersioning", ("bucket",) * 2)),
    ),
    "kubernetes:apps/v1:Deployment": (Prerequisite("nodes to run on", _exists(_NODE_GROUP)),),
}
"""By type. A missing one is a dependency that the program forgot."""


def prerequisites(thing: Thing, others: Sequence[Thing]) -> None:
    """Refuse what comes before what it needs."""
    for one in PREREQUISITES.get(thing.type, ()):
        if one.applies(thing) and not one.met(thing, others):
            raise Refused(f"InvalidRequest: {one.needs} must exist first")
    namespace = value_at(thing.inputs, "metadata.namespace")
    if thing.type.startswith(KUBERNETES) and namespace not in (None, "default", "kube-system"):
        named = [other.id for other in others if other.ready and other.type == "kubernetes:core/v1:Namespace"]
        if namespace not in named:
            raise Refused(f'NotFound: namespaces "{namespace}" not found')


# ---- Deletions that come too soon -----------------------------------------------------------------------------------

PROTECTED_BY = (
    "deletionProtection",
    "deletionProtectionEnabled",
    "enableDeletionProtection",
    "disableApiTermination",
)
"""Properties by which AWS itself refuses a deletion."""
ANYTHING = ("*",)
HELD_BY: Mapping[str, tuple[str, ...]] = {
    "aws:acm/certificate:Certificate": ("aws:lb/listener:Listener",),
    "aws:dms/certificate:Certificate": ("aws:dms/endpoint:Endpoint",),
    "aws:dms/endpoint:Endpoint": ("aws:dms/replicationTask:ReplicationTask",),
    "aws:dms/replicationInstance:ReplicationInstance": ("aws:dms/replicationTask:ReplicationTask",),
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": ("aws:dms/replicationInstance:ReplicationInstance",),
    "aws:ec2/customerGateway:CustomerGateway": ("aws:ec2/vpnConnection:VpnConnection",),
    "aws:ec2/eip:Eip": ("aws:ec2/natGateway:NatGateway", "aws:lb/loadBalancer:LoadBalancer"),
    "aws:ec2/internetGateway:InternetGateway": ("aws:ec2/natGateway:NatGateway",),
    "aws:ec2/routeTable:RouteTable": ("aws:ec2/routeTableAssociation:RouteTableAssociation",),
    "aws:ec2/securityGroup:SecurityGroup": ANYTHING,
    "aws:ec2/subnet:Subnet": ANYTHING,
    "aws:ec2/vpc:Vpc": ANYTHING,
    "aws:ec2/vpnGateway:VpnGateway": ("aws:ec2/vpnConnection:VpnConnection",),
    "aws:eks/cluster:Cluster": (_NODE_GROUP,),
    "aws:elasticache/parameterGroup:ParameterGroup": ("aws:elasticache/replicationGroup:ReplicationGroup",),
    "aws:elasticache/subnetGroup:SubnetGroup": ("aws:elasticache/replicationGroup:ReplicationGroup",),
    "aws:elasticache/user:User": ("aws:elasticache/userGroup:UserGroup",),
    "aws:elasticache/userGroup:UserGroup": ("aws:elasticache/replicationGroup:ReplicationGroup",),
    "aws:iam/instanceProfile:InstanceProfile": ("aws:ec2/instance:Instance",),
    "aws:iam/policy:Policy": ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",),
    ROLE: (
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    ),
    "aws:lb/targetGroup:TargetGroup": ("aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule"),
    "aws:rds/cluster:Cluster": ("aws:rds/clusterInstance:ClusterInstance",),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": ("aws:rds/cluster:Cluster",),
    "aws:rds/parameterGroup:ParameterGroup": ("aws:rds/clusterInstance:ClusterInstance",),
    "aws:rds/subnetGroup:SubnetGroup": ("aws:rds/cluster:Cluster",),
    "aws:route53/zone:Zone": ("aws:route53/record:Record",),
    "aws:wafv2/ipSet:IpSet": ("aws:wafv2/webAcl:WebAcl",),
    "aws:wafv2/webAcl:WebAcl": ("aws:wafv2/webAclAssociation:WebAclAssociation",),
}
"""Types that AWS keeps while one of these (or anything at all) refers to them."""
GOES_ALONG: Mapping[str, tuple[str, ...]] = {
    "aws:ec2/securityGroup:SecurityGroup": ("securityGroupId",),
    "aws:ec2/vpc:Vpc": (),
}
"""Properties by which a thing is only part of the held one: a group's own rules vanish with it."""
NO_HINDRANCE = frozenset(
    {
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
    }
)
"""Types that refer to others without holding them."""
BUCKET_WRITERS: Mapping[str, str] = {
    "aws:cfg/deliveryChannel:DeliveryChannel": "s3BucketName",
    "aws:cloudtrail/trail:Trail": "s3BucketName",
    "aws:lb/loadBalancer:LoadBalancer": "accessLogs.bucket",
    "aws:s3/bucketLogging:BucketLogging": "targetBucket",
}
"""What writes into a bucket from the moment it exists; the bucket is never empty again."""
STOPPED_BEFORE: Mapping[str, str] = {
    "aws:cfg/deliveryChannel:DeliveryChannel": "aws:cfg/recorderStatus:RecorderStatus",
}
"""What must be gone first, though nothing refers to it: Config keeps its channel while it records."""


def written_buckets(thing: Thing, others: Iterable[Thing]) -> Iterator[Thing]:
    """The buckets into which `thing` writes."""
    written = value_at(thing.inputs, BUCKET_WRITERS[thing.type]) if thing.type in BUCKET_WRITERS else None
    return (
        other for other in others if written and other.type == BUCKET and written in (other.id, other.outputs["arn"])
    )


def deletion(thing: Thing, others: Sequence[Thing]) -> None:
    """Refuse to delete what is protected, in use, or not empty."""
    for name in PROTECTED_BY:
        # A forced destruction ends the protection of an instance first.
        if thing.inputs.get(name) and not (name == "disableApiTermination" and thing.inputs.get("forceDestroy")):
            raise Refused(f"OperationNotPermitted: {thing} has {name}")
    if thing.type == "aws:rds/cluster:Cluster" and not thing.inputs.get("skipFinalSnapshot"):
        _final_snapshot(thing)
    if thing.type == BUCKET and thing.invented.get("written") and not thing.inputs.get("forceDestroy"):
        raise Refused(f"BucketNotEmpty: {thing} holds objects")
    for other in others:
        if _holds(other, thing) or other.type == STOPPED_BEFORE.get(thing.type):
            raise Refused(f"DependencyViolation: {thing} is in use by {other}")


def _holds(other: Thing, thing: Thing) -> bool:
    kinds = HELD_BY.get(thing.type, ())
    if (
        other.type in NO_HINDRANCE
        or not (kinds is ANYTHING or other.type in kinds)
        or other.type.startswith(KUBERNETES)
    ):
        return False
    own = GOES_ALONG.get(thing.type, ())
    handles = {thing.id, str(thing.outputs.get("arn", thing.id)), str(thing.outputs.get("name", thing.id))}
    return bool(handles & texts({name: value for name, value in other.inputs.items() if name not in own}))


def _final_snapshot(thing: Thing) -> None:
    if not thing.inputs.get("finalSnapshotIdentifier"):
        raise Refused(f"InvalidParameterCombination: {thing} needs finalSnapshotIdentifier or skipFinalSnapshot")


def remains(thing: Thing, before: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Names that stay taken when `thing` goes."""
    if thing.type == "aws:secretsmanager/secret:Secret" and thing.inputs.get("recoveryWindowInDays", 30) != 0:
        return {(thing.type, thing.inputs.get("name", thing.id))}
    snapshot = ("final snapshot", str(thing.inputs.get("finalSnapshotIdentifier")))
    if thing.type == "aws:rds/cluster:Cluster" and not thing.inputs.get("skipFinalSnapshot"):
        if snapshot in before:
            raise Refused(f"DBClusterSnapshotAlreadyExistsFault: {snapshot[1]}")
        return {snapshot}
    return set()

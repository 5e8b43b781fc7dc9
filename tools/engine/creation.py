"""What AWS does not create: a name that is taken, a reference to nothing, what comes before what it needs.

From the API references of the services. Not all of AWS: what this program uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facts.names import namings
from recording.replacement import value_at
from tools.engine.thing import KUBERNETES, ROLE, Refused, Thing, texts

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
    "aws:route53/record:Record": ("zoneId", "name", "type", "setIdentifier"),
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


SETTINGS = frozenset(
    {
        "aws:guardduty/detectorFeature:DetectorFeature",
        "aws:securityhub/standardsSubscription:StandardsSubscription",
    }
)
"""Types that switch something on in what is shared; switching it on again changes nothing, so two may say the same."""


def overwritten(thing: Thing, others: Iterable[Thing]) -> list[Thing]:
    """What a creation takes over where the program says so: a Route 53 record with ``allowOverwrite`` is an UPSERT."""
    if not thing.inputs.get("allowOverwrite"):
        return []
    return [other for other in others if other.type == thing.type and _identity(other) == _identity(thing)]


def uniqueness(thing: Thing, others: Iterable[Thing], remains: set[tuple[str, str]]) -> None:
    """Refuse a second thing of the same identity."""
    identity = _identity(thing)
    if identity is None:
        return
    if identity and (thing.type, str(identity[0])) in remains:
        raise Refused(f"AlreadyExists: {identity[0]} is still taken by one that is scheduled for deletion")
    for other in others:
        agreed = thing.type in SETTINGS and other.inputs == thing.inputs
        if other.type == thing.type and other.home == thing.home and _identity(other) == identity and not agreed:
            shown = ", ".join(str(part) for part in identity if part is not None) or "one in this account and Region"
            raise Refused(f"AlreadyExists: there is one already: {shown}")


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
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
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
    NODE_GROUP: (_permitted("nodeRoleArn"),),
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
    "kubernetes:apps/v1:Deployment": (Prerequisite("nodes to run on", _exists(NODE_GROUP)),),
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

"""What AWS does not delete: what is protected, in use, or not empty; and what stays behind of what it deletes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from recording.replacement import value_at
from tools.engine.creation import NODE_GROUP
from tools.engine.thing import BUCKET, KUBERNETES, ROLE, Refused, Thing, texts

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
    "aws:eks/cluster:Cluster": (NODE_GROUP,),
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
    own = ("name", *GOES_ALONG.get(thing.type, ()))  # what another is called itself refers to nothing
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

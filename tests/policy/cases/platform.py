"""A small compliant stack, for the rules over the whole graph, and the changes that break each of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from policy.reading import sentinels_to_unknown
from policy.rule import Resource
from policy.stack import Stack
from tests.policy.cases import UNKNOWN
from tests.policy.cases.resources import Properties, token, urn

_AGENT = base64.b64encode(
    b"#!/bin/bash\n/opt/ds_agent/dsa_control -a dsm://agents.example.com:443/ $ARGUMENTS\n"
).decode()


@dataclass(frozen=True)
class Made:
    """A resource of the stack. refers: which properties refer to which other resources, by name."""

    kind: str
    properties: Properties = field(default_factory=dict)
    refers: dict[str, tuple[str, ...]] = field(default_factory=dict)


Platform = dict[str, Made]


def _bucket(name: str, log_bucket: str = "log-bucket", **properties: Any) -> Platform:
    def about(kind: str, more: Properties | None = None) -> Made:
        return Made(f"aws.s3.{kind}", more or {}, {"bucket": (name,)})

    parts = {
        name: Made("aws.s3.Bucket", properties),
        f"{name}-block": about("BucketPublicAccessBlock"),
        f"{name}-policy": about("BucketPolicy", {"policy": "{}"}),
        f"{name}-encryption": about("BucketServerSideEncryptionConfiguration"),
        f"{name}-versioning": about("BucketVersioning"),
        f"{name}-lifecycle": about("BucketLifecycleConfiguration"),
    }
    if name != log_bucket:
        parts[f"{name}-logging"] = Made("aws.s3.BucketLogging", {}, {"bucket": (name,), "targetBucket": (log_bucket,)})
    return parts


PLATFORM: Platform = {
    "vpc": Made("aws.ec2.Vpc"),
    "default-group": Made("aws.ec2.DefaultSecurityGroup", {}, {"vpcId": ("vpc",)}),
    "flow-log": Made("aws.ec2.FlowLog", {}, {"vpcId": ("vpc",)}),
    "public-subnet": Made("aws.ec2.Subnet", {"availabilityZone": "a"}, {"vpcId": ("vpc",)}),
    "private-subnet": Made("aws.ec2.Subnet", {"availabilityZone": "a"}, {"vpcId": ("vpc",)}),
    "data-subnet": Made("aws.ec2.Subnet", {"availabilityZone": "a"}, {"vpcId": ("vpc",)}),
    "gateway": Made("aws.ec2.InternetGateway", {}, {"vpcId": ("vpc",)}),
    "nat": Made("aws.ec2.NatGateway", {}, {"subnetId": ("public-subnet",)}),
    "public-table": Made("aws.ec2.RouteTable", {}, {"vpcId": ("vpc",)}),
    "private-table": Made("aws.ec2.RouteTable", {}, {"vpcId": ("vpc",)}),
    "data-table": Made("aws.ec2.RouteTable", {}, {"vpcId": ("vpc",)}),
    "public-route": Made("aws.ec2.Route", {}, {"routeTableId": ("public-table",), "gatewayId": ("gateway",)}),
    "private-route": Made("aws.ec2.Route", {}, {"routeTableId": ("private-table",), "natGatewayId": ("nat",)}),
    **{
        f"{tier}-association": Made(
            "aws.ec2.RouteTableAssociation", {}, {"routeTableId": (f"{tier}-table",), "subnetId": (f"{tier}-subnet",)}
        )
        for tier in ("public", "private", "data")
    },
    "acl": Made("aws.ec2.NetworkAcl", {}, {"vpcId": ("vpc",), "subnetIds": ("public-subnet",)}),
    "disk": Made("aws.ebs.Volume"),
    "disk-attached": Made("aws.ec2.VolumeAttachment", {}, {"volumeId": ("disk",)}),
    # Security groups: the internet reaches the edge, the edge the nodes, the nodes the data.
    "edge-group": Made("aws.ec2.SecurityGroup"),
    "node-group": Made("aws.ec2.SecurityGroup"),
    "data-group": Made("aws.ec2.SecurityGroup"),
    "edge-in": Made(
        "aws.vpc.SecurityGroupIngressRule",
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"},
        {"securityGroupId": ("edge-group",)},
    ),
    "nodes-in": Made(
        "aws.vpc.SecurityGroupIngressRule",
        {"ipProtocol": "tcp", "fromPort": 30443, "toPort": 30443},
        {"securityGroupId": ("node-group",), "referencedSecurityGroupId": ("edge-group",)},
    ),
    "data-in": Made(
        "aws.vpc.SecurityGroupIngressRule",
        {"ipProtocol": "tcp", "fromPort": 3306, "toPort": 3306},
        {"securityGroupId": ("data-group",), "referencedSecurityGroupId": ("node-group",)},
    ),
    "balancer": Made("aws.lb.LoadBalancer", {"loadBalancerType": "application"}),
    "firewall": Made("aws.wafv2.WebAcl", {"rules": [{"name": "managed"}]}),
    "firewall-on": Made("aws.wafv2.WebAclAssociation", {}, {"resourceArn": ("balancer",), "webAclArn": ("firewall",)}),
    "api": Made("aws.apigateway.Stage"),
    "firewall-on-api": Made("aws.wafv2.WebAclAssociation", {}, {"resourceArn": ("api",), "webAclArn": ("firewall",)}),
    "firewall-logs": Made("aws.wafv2.WebAclLoggingConfiguration", {}, {"resourceArn": ("firewall",)}),
    "database-subnets": Made("aws.rds.SubnetGroup", {}, {"subnetIds": ("data-subnet",)}),
    "database": Made(
        "aws.rds.Cluster",
        {"engine": "aurora-mysql", "clusterIdentifier": "pos", "enabledCloudwatchLogsExports": ["audit"]},
        {"vpcSecurityGroupIds": ("data-group",)},
    ),
    "writer": Made("aws.rds.ClusterInstance", {}, {"clusterIdentifier": ("database",)}),
    "reader": Made("aws.rds.ClusterInstance", {}, {"clusterIdentifier": ("database",)}),
    "database-logs": Made("aws.cloudwatch.LogGroup", {"name": "/aws/rds/cluster/pos/audit"}),
    **{
        f"events-of-{source}": Made("aws.rds.EventSubscription", {"sourceType": source})
        for source in ("db-instance", "db-parameter-group", "db-security-group")
    },
    "cluster": Made("aws.eks.Cluster", {"name": "pos", "enabledClusterLogTypes": ["api"]}),
    "cluster-logs": Made("aws.cloudwatch.LogGroup", {"name": "/aws/eks/pos/cluster"}),
    "template": Made("aws.ec2.LaunchTemplate", {"userData": _AGENT}),
    "nodes": Made(
        "aws.eks.NodeGroup",
        {"launchTemplate": {"id": "template-id"}},
        {"subnetIds": ("private-subnet",), "launchTemplate": ("template",)},
    ),
    "network-add-on": Made(
        "aws.eks.Addon", {"addonName": "vpc-cni", "configurationValues": '{"enableNetworkPolicy": "true"}'}
    ),
    "acl-high-ports": Made(
        "aws.ec2.NetworkAclRule",
        {
            "ruleNumber": 110,
            "ruleAction": "allow",
            "protocol": "tcp",
            "fromPort": 1024,
            "toPort": 65535,
            "cidrBlock": "0.0.0.0/0",
        },
        {"networkAclId": ("acl",)},
    ),
    "acl-remote-desktop": Made(
        "aws.ec2.NetworkAclRule",
        {
            "ruleNumber": 90,
            "ruleAction": "deny",
            "protocol": "tcp",
            "fromPort": 3389,
            "toPort": 3389,
            "cidrBlock": "0.0.0.0/0",
        },
        {"networkAclId": ("acl",)},
    ),
    "listener": Made("aws.lb.Listener", {"protocol": "HTTPS"}),
    "listener-rule": Made("aws.lb.ListenerRule", {"actions": [{"type": "forward"}]}, {"listenerArn": ("listener",)}),
    "alarm": Made("aws.cloudwatch.MetricAlarm", {"name": "errors", "alarmActions": ["arn:aws:sns:::alarms"]}),
    "topic": Made("aws.sns.Topic", {"lambdaFailureFeedbackRoleArn": "arn:aws:iam::111122223333:role/feedback"}),
    "topic-subscription": Made("aws.sns.TopicSubscription", {"protocol": "lambda"}, {"topic": ("topic",)}),
    "workload": Made(
        "kubernetes.Deployment",
        {"metadata": {"namespace": "softpos"}, "spec": {"template": {"spec": {"serviceAccountName": "pos"}}}},
    ),
    "account": Made(
        "kubernetes.ServiceAccount",
        {"metadata": {"namespace": "softpos", "name": "pos"}, "automountServiceAccountToken": False},
    ),
    "images": Made("aws.ecr.Repository", {"imageScanningConfiguration": {"scanOnPush": True}}),
    "images-lifecycle": Made("aws.ecr.LifecyclePolicy", {}, {"repository": ("images",)}),
    "tunnel": Made("aws.ec2.VpnConnection"),
    "migration": Made("aws.dms.ReplicationTask", {}, {"sourceEndpointArn": ("source",)}),
    "source": Made("aws.dms.Endpoint", {}, {"tags": ("tunnel",)}),
    "trail": Made("aws.cloudtrail.Trail", {}, {"s3BucketName": ("audit-bucket",)}),
    **_bucket("log-bucket"),
    **_bucket("store-bucket"),
    **_bucket("audit-bucket", objectLockEnabled=True),
    "audit-lock": Made("aws.s3.BucketObjectLockConfiguration", {}, {"bucket": ("audit-bucket",)}),
    "secret": Made("aws.secretsmanager.Secret"),
    "secret-rotation": Made("aws.secretsmanager.SecretRotation", {}, {"secretId": ("secret",)}),
    "vault": Made("aws.backup.Vault"),
    "vault-lock": Made("aws.backup.VaultLockConfiguration", {}, {"backupVaultName": ("vault",)}),
    "detector": Made("aws.guardduty.Detector"),
    **{
        f"feature-{name}": Made("aws.guardduty.DetectorFeature", {"name": name}, {"detectorId": ("detector",)})
        for name in ("RDS_LOGIN_EVENTS", "S3_DATA_EVENTS", "RUNTIME_MONITORING")
    },
    "inspector": Made("aws.inspector2.Enabler", {"resourceTypes": ["EC2", "ECR", "LAMBDA", "LAMBDA_CODE"]}),
    "function": Made("aws.lambda.Function", {"name": "rotate"}),
    "function-logs": Made("aws.cloudwatch.LogGroup", {"name": "/aws/lambda/rotate"}),
    "hub": Made("aws.securityhub.Account"),
    "standard": Made(
        "aws.securityhub.StandardsSubscription",
        {"standardsArn": "arn:aws:securityhub:eu-central-1::standards/pci-dss/v/4.0.1"},
    ),
    "zone": Made("aws.route53.Zone", {"name": "pay.example.com"}),
    "zone-log": Made("aws.route53.QueryLog", {}, {"zoneId": ("zone",)}),
    "namespace": Made("kubernetes.Namespace", {"metadata": {"name": "softpos"}}),
    "deny-all": Made(
        "kubernetes.NetworkPolicy",
        {"metadata": {"namespace": "softpos"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}},
    ),
}


def stack(platform: Platform, *, known: bool, name: str = "prod") -> Stack:
    """The stack as a deployment shows it (references are known ids) or as a preview does (they are unknown)."""
    urns = {made: urn(token(one.kind), made, name) for made, one in platform.items()}
    return Stack([_resource(made, one, platform, urns, known) for made, one in platform.items()])


def _resource(name: str, made: Made, platform: Platform, urns: dict[str, str], known: bool) -> Resource:
    properties = dict(made.properties)
    for path, targets in made.refers.items():
        there = [target for target in targets if target in platform]
        if path not in properties and there:
            values = [f"{target}-id" for target in there] if known else [UNKNOWN for _ in there]
            properties[path] = values if path.endswith("Ids") else values[0]
    if known:
        properties["id"] = f"{name}-id"
    dependencies = {
        path: [urns[target] for target in targets if target in platform] for path, targets in made.refers.items()
    }
    return Resource(
        token(made.kind),
        name,
        urns[name],
        sentinels_to_unknown(properties),
        property_dependencies={} if known else dependencies,  # a value that is known must be enough
        dependencies=[urn for found in dependencies.values() for urn in found],
    )


Change = Callable[[Platform], Platform]


def without(*names: str) -> Change:
    return lambda platform: {name: made for name, made in platform.items() if name not in names}


def with_(
    name: str, kind: str | None = None, refers: dict[str, tuple[str, ...]] | None = None, **properties: Any
) -> Change:
    """A resource added, or one given other properties and references (None: the property is gone)."""

    def change(platform: Platform) -> Platform:
        before = platform.get(name, Made(kind or ""))
        given = {key: value for key, value in {**before.properties, **properties}.items() if value is not None}
        return {**platform, name: replace(before, properties=given, refers={**before.refers, **(refers or {})})}

    return change


# rule, the change, the resource that is named (empty: the stack), the words that say what was found
ROWS: list[tuple[str, Change, str, str]] = [
    ("ec2-default-security-group-managed", without("default-group"), "vpc", "AWS's open default group"),
    ("ec2-vpc-flow-logs", without("flow-log"), "vpc", "without a flow log"),
    ("ec2-network-acl-in-use", with_("stray", "aws.ec2.NetworkAcl"), "stray", "on no subnet"),
    ("ec2-volume-in-use", without("disk-attached"), "disk", "attached to nothing"),
    ("ec2-nat-gateway-per-zone", with_("private-subnet", availabilityZone="b"), "nat", "1 NAT gateway for 2"),
    (
        "ec2-data-tier-without-internet",
        with_("data-association", refers={"routeTableId": ("private-table",)}),
        "database-subnets",
        "data-subnet, which has a route through a NAT gateway",
    ),
    (
        "ec2-data-tier-without-internet",
        with_("private-association", refers={"routeTableId": ("public-table",)}),
        "nodes",
        "private-subnet, which has a route through an internet gateway",
    ),
    (
        "ec2-data-not-next-to-the-internet",
        with_("data-in", refers={"referencedSecurityGroupId": ("edge-group",)}),
        "database",
        "data-group, which lets in edge-group, open to the internet",
    ),
    (
        "ec2-data-not-next-to-the-internet",
        with_("edge-in", refers={"securityGroupId": ("data-group",)}),
        "database",
        "data-group, open to the internet",
    ),
    ("wafv2-attached-to-load-balancers", without("firewall-on"), "balancer", "without a web ACL"),
    ("apigateway-firewall", without("firewall-on-api"), "api", "without a web ACL"),
    ("wafv2-has-rules", with_("firewall", rules=[]), "firewall", "not set"),
    ("wafv2-logged", without("firewall-logs"), "firewall", "without logs"),
    ("rds-cluster-has-reader", without("reader"), "database", "1 instances"),
    ("rds-event-subscriptions", without("events-of-db-instance"), "", "db-instance (RDS.20)"),
    (
        "eks-nodes-with-agent",
        with_("template", userData=base64.b64encode(b"#!/bin/bash\necho hello to every node that boots").decode()),
        "nodes",
        "template, which has no such user data",
    ),
    (
        "eks-nodes-with-agent",
        with_(
            "template",
            userData=base64.b64encode(
                b"#!/bin/bash\nBREAK_GLASS_UNTIL=2026-12-01T18:00:00Z\n/opt/ds_agent/dsa_control -a dsm://x:443/\n"
            ).decode(),
        ),
        "nodes",
        "template, open until 2026-12-01T18:00:00Z",
    ),
    ("eks-nodes-with-agent", with_("nodes", launchTemplate=None, refers={"launchTemplate": ()}), "nodes", "not set"),
    ("eks-network-policies-enforced", with_("network-add-on", configurationValues="{}"), "network-add-on", "{}"),
    ("ecr-lifecycle", without("images-lifecycle"), "images", "without a lifecycle policy"),
    ("ecr-images-scanned", with_("images", imageScanningConfiguration=None), "images", "scanOnPush is not set"),
    ("cloudwatch-alarm-is-heard", with_("alarm", alarmActions=None), "alarm", "alarmActions is not set"),
    ("sns-delivery-logged", with_("topic", lambdaFailureFeedbackRoleArn=None), "topic", "is not set"),
    (
        "kubernetes-token-when-needed",
        with_("account", automountServiceAccountToken=True),
        "workload",
        "neither here nor at its ServiceAccount",
    ),
    (
        "ec2-network-acl-as-a-whole",
        with_("acl-remote-desktop", ruleNumber=120),
        "acl-high-ports",
        "the internet allowed to port 3389",
    ),
    (
        "lb-listener-rules-behind-tls",
        with_("listener", protocol="HTTP"),
        "listener-rule",
        "listener, which takes plain HTTP",
    ),
    ("dms-behind-vpn", without("tunnel"), "migration", "without a VPN"),
    ("dms-behind-vpn", with_("source", refers={"tags": ()}), "migration", "independent of the VPN"),
    ("cloudtrail-present", without("trail"), "vpc", "without a trail"),
    ("s3-bucket-public-access-block", without("audit-bucket-block"), "audit-bucket", "without a public access block"),
    ("s3-bucket-policy", without("audit-bucket-policy"), "audit-bucket", "without a bucket policy"),
    ("s3-bucket-encryption", without("audit-bucket-encryption"), "audit-bucket", "without an encryption"),
    ("s3-bucket-versioning", without("audit-bucket-versioning"), "audit-bucket", "without versioning"),
    ("s3-bucket-access-logs", without("audit-bucket-logging"), "audit-bucket", "without access logs"),
    ("s3-bucket-lifecycle", without("audit-bucket-lifecycle"), "audit-bucket", "without a lifecycle"),
    ("s3-audit-bucket-locked", with_("audit-bucket", objectLockEnabled=False), "audit-bucket", "false"),
    ("s3-audit-bucket-locked", without("audit-lock"), "audit-bucket", "without a default retention"),
    ("secrets-rotated", without("secret-rotation"), "secret", "without a rotation"),
    ("backup-cannot-be-deleted", without("vault-lock"), "vault", "without a lock"),
    ("guardduty-features", without("feature-RDS_LOGIN_EVENTS"), "detector", "RDS_LOGIN_EVENTS (GuardDuty.9)"),
    ("inspector-scans-functions", with_("inspector", resourceTypes=["EC2", "ECR"]), "inspector", "EC2"),
    ("securityhub-pci-standard", without("standard"), "hub", "without PCI DSS v4.0.1"),
    ("route53-query-logs", without("zone-log"), "zone", "without a query log"),
    ("logs-group-before-service", without("cluster-logs"), "cluster", "/aws/eks/pos/cluster"),
    ("logs-group-before-service", without("database-logs"), "database", "/aws/rds/cluster/pos/audit"),
    ("logs-group-before-service", without("function-logs"), "function", "/aws/lambda/rotate"),
    ("kubernetes-default-deny", without("deny-all"), "namespace", "without a policy that denies by default"),
    (
        "kubernetes-default-deny",
        with_("deny-all", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]}),
        "namespace",
        "without a policy that denies by default",
    ),
]

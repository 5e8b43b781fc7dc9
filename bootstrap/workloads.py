"""What the platform's workloads do in AWS: the most that any role of the program may ever do.

The list is what the recorded policies of every stack and AWS's managed policies on them say. So a role that somebody
makes and enters gains nothing that its maker lacks. `tests/bootstrap/test_workloads.py` holds both directions.
A workload that needs more gets a row here first; an administrator brings it into the account before the program asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

OPENED_SECRET = "kms:EncryptionContext:SecretARN"  # noqa: S105 (a condition key)


class Grant(NamedTuple):
    """Actions that a workload may do, and where."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    """ARNs with the places ``{partition}``, ``{region}``, ``{account}`` and ``{stack}``."""
    condition: Mapping[str, Mapping[str, Any]] = {}
    permanent: bool = False
    """Only for the permanent stack: no test environment has such a workload."""


ON_OUR_INSTANCES = {"ArnLike": {"ec2:SourceInstanceArn": "arn:{partition}:ec2:{region}:{account}:instance/*"}}
"""Credentials that an instance of this account got for itself. Whoever enters the role in another way has no such
instance (IAM user guide, "AWS global condition context keys": a property of the session, which nobody can set)."""
LOGS = "arn:{partition}:logs:{region}:{account}:log-group:"
SECRETS = "arn:{partition}:secretsmanager:{region}:{account}:secret:softpos/"

GRANTS: tuple[Grant, ...] = (
    Grant(
        "Look",
        (
            *("autoscaling:Describe*", "ec2:Describe*", "ec2:GetInstanceTypesFromInstanceRequirements"),
            *("eks:DescribeCluster", "eks:DescribeNodegroup", "elasticloadbalancing:Describe*", "kms:DescribeKey"),
            *("logs:DescribeLogGroups", "logs:DescribeLogStreams"),
        ),
    ),
    Grant(
        "Instances",  # nodes and the bastion
        (
            *("ec2messages:*", "ssmmessages:*", "ecr:BatchGetImage", "ecr:BatchImportUpstreamImage"),
            *("ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer", "eks-auth:AssumeRoleForPodIdentity"),
            *("ssm:DescribeAssociation", "ssm:DescribeDocument", "ssm:GetDeployablePatchSnapshotForInstance"),
            *("ssm:GetDocument", "ssm:GetManifest", "ssm:GetParameter", "ssm:GetParameters", "ssm:ListAssociations"),
            *("ssm:ListInstanceAssociations", "ssm:Put*", "ssm:UpdateAssociationStatus"),
            *("ssm:UpdateInstanceAssociationStatus", "ssm:UpdateInstanceInformation"),
        ),
        condition=ON_OUR_INSTANCES,
    ),
    Grant(
        "AgentsSecret",
        ("secretsmanager:GetSecretValue",),
        (f"{SECRETS}{{agent}}-??????",),
        ON_OUR_INSTANCES,
    ),
    Grant(
        "Network",  # the cluster's control plane, its network plug-in and DMS
        (
            *("autoscaling:UpdateAutoScalingGroup", "ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface"),
            *("ec2:AuthorizeSecurityGroupIngress", "ec2:CreateNetworkInterface", "ec2:CreateRoute"),
            *("ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:DeleteNetworkInterface", "ec2:DeleteRoute"),
            *("ec2:DeleteSecurityGroup", "ec2:DetachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"),
            *("ec2:RevokeSecurityGroupIngress", "ec2:UnassignPrivateIpAddresses"),
        ),
    ),
    Grant(
        "Autoscaler",
        ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
        ("arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/eks-*",),
    ),
    Grant(
        "Logs",
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        (f"{LOGS}/softpos/{{stack}}/*", f"{LOGS}/aws/containerinsights/softpos-{{stack}}/*"),
    ),
    Grant(
        "DatabaseMonitoring",
        (
            *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents"),
            "logs:PutRetentionPolicy",
        ),
        (f"{LOGS}RDS*",),
    ),
    Grant(
        "MigrationLogs",
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        (f"{LOGS}dms-*",),
        permanent=True,
    ),
    Grant(
        "Metrics",
        ("cloudwatch:PutMetricData",),
        condition={"StringEquals": {"cloudwatch:namespace": "ContainerInsights"}},
    ),
    Grant(
        "DataOfTheApplication",
        ("elasticache:Connect", "rds-db:connect"),
        (
            "arn:{partition}:elasticache:{region}:{account}:*:softpos-{stack}-*",
            "arn:{partition}:rds-db:{region}:{account}:dbuser:*/softpos_app",
        ),
    ),
    Grant(
        "WhereTheDatabaseIs", ("secretsmanager:GetSecretValue",), (f"{SECRETS}{{stack}}/database-connection-??????",)
    ),
    Grant(
        "MigrationAccounts",
        ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
        tuple(f"{SECRETS}{{stack}}/migration/{end}-*" for end in ("source", "target", "reverse")),
        permanent=True,
    ),
    Grant(
        "DecryptThose",
        ("kms:Decrypt",),
        ("arn:{partition}:kms:{region}:{account}:key/*",),
        {
            "StringEquals": {"kms:ViaService": "secretsmanager.{region}.amazonaws.com"},
            "StringLike": {OPENED_SECRET: f"{SECRETS}*"},
        },
    ),
    Grant("Support", ("support:*", "support-console:*"), permanent=True),
)

MANAGED_POLICIES: Mapping[str, bool] = {
    "AWSSupportAccess": True,
    "AmazonEC2ContainerRegistryPullOnly": False,
    "AmazonEKSClusterPolicy": False,
    "AmazonEKSWorkerNodePolicy": False,
    "AmazonEKS_CNI_Policy": False,
    "AmazonSSMManagedInstanceCore": False,
    "service-role/AmazonDMSCloudWatchLogsRole": True,
    "service-role/AmazonDMSVPCManagementRole": True,
    "service-role/AmazonRDSEnhancedMonitoringRole": False,
}
"""AWS's policies that the program attaches, and no others may be: by name, whether only the permanent stack does."""

"""What a deployment may call in AWS: for each resource type of the program the actions that make, change and remove it.

Reading is by service (`READS`), because the provider reads a resource, its tags and what it refers to after each step.
A type of the program that has no row here fails `tests/bootstrap/test_permissions.py` by name, and so would the first
deployment by the deploy role. Types of Kubernetes and `random` call no AWS API.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

READS: Mapping[str, tuple[str, ...]] = {
    "access-analyzer": ("access-analyzer:GetAnalyzer", "access-analyzer:List*"),
    "acm": ("acm:DescribeCertificate", "acm:GetCertificate", "acm:ListTagsForCertificate"),
    "application-autoscaling": ("application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource"),
    "autoscaling": ("autoscaling:Describe*",),
    "cloudtrail": (
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetInsightSelectors",
        "cloudtrail:GetTrail*",
        "cloudtrail:ListTags",
    ),
    "cloudwatch": ("cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"),
    "config": ("config:Describe*", "config:GetConformancePack*", "config:ListTagsForResource"),
    "dms": ("dms:Describe*", "dms:ListTagsForResource"),
    "dynamodb": ("dynamodb:Describe*", "dynamodb:ListTagsOfResource", "dynamodb:GetResourcePolicy"),
    "ec2": (
        "ec2:Describe*",
        "ec2:GetEbsDefaultKmsKeyId",
        "ec2:GetEbsEncryptionByDefault",
        "ec2:GetImageBlockPublicAccessState",
        "ec2:GetInstanceMetadataDefaults",
        "ec2:GetSerialConsoleAccessStatus",
        "ec2:GetSnapshotBlockPublicAccessState",
    ),
    "ecr": ("ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource"),
    "eks": ("eks:Describe*", "eks:List*"),
    "elasticache": ("elasticache:Describe*", "elasticache:ListTagsForResource"),
    "elasticloadbalancing": ("elasticloadbalancing:Describe*",),
    "events": ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
    "guardduty": ("guardduty:GetDetector", "guardduty:List*"),
    "iam": ("iam:Get*", "iam:List*"),
    "inspector2": ("inspector2:BatchGetAccountStatus", "inspector2:ListDelegatedAdminAccounts"),
    "kms": ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:List*"),
    "logs": (
        "logs:Describe*",
        "logs:GetDataProtectionPolicy",
        "logs:GetDelivery*",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:ListTagsForResource",
        "logs:ListTagsLogGroup",
    ),
    "rds": ("rds:Describe*", "rds:ListTagsForResource"),
    "route53": ("route53:Get*", "route53:List*"),
    "s3": (
        "s3:GetAccelerateConfiguration",
        "s3:GetAccountPublicAccessBlock",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ListTagsForResource",
    ),
    "secretsmanager": (
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:ListSecretVersionIds",
    ),
    "securityhub": ("securityhub:Describe*", "securityhub:Get*", "securityhub:List*"),
    "sns": ("sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:List*", "sns:GetDataProtectionPolicy"),
    "ssm": ("ssm:Describe*", "ssm:GetDocument", "ssm:GetParameter", "ssm:GetServiceSetting", "ssm:List*"),
    "sts": ("sts:GetCallerIdentity",),
    "wafv2": ("wafv2:Describe*", "wafv2:Get*", "wafv2:List*"),
}
"""What previews, refreshes and deployments read, by IAM service prefix. No content: no object, no secret, no row."""

TAGS_EC2 = ("ec2:CreateTags", "ec2:DeleteTags")
LOG_DELIVERY = ("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy", "logs:UpdateLogDelivery")
"""WAF, VPN tunnels, flow logs and replication groups set up the delivery of their logs in the caller's name (Amazon
CloudWatch Logs user guide, "Enable logging from AWS services")."""

WRITES: Mapping[str, tuple[str, ...]] = {
    "aws:accessanalyzer/analyzer:Analyzer": (
        *("access-analyzer:CreateAnalyzer", "access-analyzer:DeleteAnalyzer", "access-analyzer:TagResource"),
        *("access-analyzer:UntagResource", "access-analyzer:UpdateAnalyzer"),
    ),
    "aws:acm/certificate:Certificate": (
        *("acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:RemoveTagsFromCertificate"),
        *("acm:RequestCertificate", "acm:UpdateCertificateOptions"),
    ),
    "aws:acm/certificateValidation:CertificateValidation": (),
    "aws:appautoscaling/policy:Policy": (
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:PutScalingPolicy",
    ),
    "aws:appautoscaling/target:Target": (
        *("application-autoscaling:DeregisterScalableTarget", "application-autoscaling:RegisterScalableTarget"),
        *("application-autoscaling:TagResource", "application-autoscaling:UntagResource"),
    ),
    "aws:autoscaling/attachment:Attachment": (
        *("autoscaling:AttachLoadBalancerTargetGroups", "autoscaling:DetachLoadBalancerTargetGroups"),
        *("autoscaling:AttachTrafficSources", "autoscaling:DetachTrafficSources"),
    ),
    "aws:autoscaling/tag:Tag": ("autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"),
    "aws:cfg/conformancePack:ConformancePack": ("config:DeleteConformancePack", "config:PutConformancePack"),
    "aws:cfg/deliveryChannel:DeliveryChannel": ("config:DeleteDeliveryChannel", "config:PutDeliveryChannel"),
    "aws:cfg/recorder:Recorder": (
        *("config:DeleteConfigurationRecorder", "config:PutConfigurationRecorder"),
        *("config:TagResource", "config:UntagResource"),
    ),
    "aws:cfg/recorderStatus:RecorderStatus": (
        "config:StartConfigurationRecorder",
        "config:StopConfigurationRecorder",
    ),
    "aws:cfg/rule:Rule": (
        *("config:DeleteConfigRule", "config:PutConfigRule", "config:TagResource", "config:UntagResource"),
    ),
    "aws:cloudtrail/trail:Trail": (
        *("cloudtrail:AddTags", "cloudtrail:CreateTrail", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors"),
        *("cloudtrail:PutInsightSelectors", "cloudtrail:RemoveTags", "cloudtrail:StartLogging"),
        *("cloudtrail:StopLogging", "cloudtrail:UpdateTrail"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": ("cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"),
    "aws:cloudwatch/eventRule:EventRule": (
        *("events:DeleteRule", "events:DisableRule", "events:EnableRule", "events:PutRule"),
        *("events:TagResource", "events:UntagResource"),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ("events:PutTargets", "events:RemoveTargets"),
    "aws:cloudwatch/logDelivery:LogDelivery": (
        *("logs:CreateDelivery", "logs:DeleteDelivery", "logs:UpdateDeliveryConfiguration", "logs:TagResource"),
        "logs:UntagResource",
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        *("logs:DeleteDeliveryDestination", "logs:PutDeliveryDestination", "logs:TagResource", "logs:UntagResource"),
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": (
        *("logs:DeleteDeliverySource", "logs:PutDeliverySource", "logs:TagResource", "logs:UntagResource"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        *("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DisassociateKmsKey"),
        *("logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"),
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("logs:DeleteMetricFilter", "logs:PutMetricFilter"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        *("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"),
        "cloudwatch:UntagResource",
    ),
    "aws:dms/certificate:Certificate": (
        *("dms:AddTagsToResource", "dms:DeleteCertificate", "dms:ImportCertificate", "dms:RemoveTagsFromResource"),
    ),
    "aws:dms/endpoint:Endpoint": (
        *("dms:AddTagsToResource", "dms:CreateEndpoint", "dms:DeleteEndpoint", "dms:ModifyEndpoint"),
        "dms:RemoveTagsFromResource",
    ),
    "aws:dms/eventSubscription:EventSubscription": (
        *("dms:AddTagsToResource", "dms:CreateEventSubscription", "dms:DeleteEventSubscription"),
        *("dms:ModifyEventSubscription", "dms:RemoveTagsFromResource"),
    ),
    "aws:dms/replicationInstance:ReplicationInstance": (
        *("dms:AddTagsToResource", "dms:CreateReplicationInstance", "dms:DeleteReplicationInstance"),
        *("dms:ModifyReplicationInstance", "dms:RemoveTagsFromResource"),
    ),
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": (
        *("dms:AddTagsToResource", "dms:CreateReplicationSubnetGroup", "dms:DeleteReplicationSubnetGroup"),
        *("dms:ModifyReplicationSubnetGroup", "dms:RemoveTagsFromResource"),
    ),
    "aws:dms/replicationTask:ReplicationTask": (
        # No StartReplicationTask: a deployment never starts a migration, the cutover tool does.
        *("dms:AddTagsToResource", "dms:CreateReplicationTask", "dms:DeleteReplicationTask"),
        *("dms:ModifyReplicationTask", "dms:RemoveTagsFromResource", "dms:StopReplicationTask"),
    ),
    "aws:dynamodb/table:Table": (
        *("dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:TagResource", "dynamodb:UntagResource"),
        *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
    ),
    "aws:ebs/encryptionByDefault:EncryptionByDefault": (
        "ec2:DisableEbsEncryptionByDefault",
        "ec2:EnableEbsEncryptionByDefault",
    ),
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": (
        "ec2:DisableSnapshotBlockPublicAccess",
        "ec2:EnableSnapshotBlockPublicAccess",
    ),
    "aws:ec2/customerGateway:CustomerGateway": ("ec2:CreateCustomerGateway", "ec2:DeleteCustomerGateway", *TAGS_EC2),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": (
        *("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry", "ec2:ReplaceNetworkAclAssociation", *TAGS_EC2),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        *("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", *TAGS_EC2),
    ),
    "aws:ec2/eip:Eip": ("ec2:AllocateAddress", "ec2:ReleaseAddress", "ec2:DisassociateAddress", *TAGS_EC2),
    "aws:ec2/eipAssociation:EipAssociation": ("ec2:AssociateAddress", "ec2:DisassociateAddress"),
    "aws:ec2/flowLog:FlowLog": ("ec2:CreateFlowLogs", "ec2:DeleteFlowLogs", *TAGS_EC2, *LOG_DELIVERY),
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": (
        "ec2:DisableImageBlockPublicAccess",
        "ec2:EnableImageBlockPublicAccess",
    ),
    "aws:ec2/instance:Instance": (
        *("ec2:ModifyInstanceAttribute", "ec2:ModifyInstanceMaintenanceOptions", "ec2:ModifyInstanceMetadataOptions"),
        *("ec2:MonitorInstances", "ec2:RunInstances", "ec2:StartInstances", "ec2:StopInstances"),
        *("ec2:TerminateInstances", "ec2:UnmonitorInstances", *TAGS_EC2),
    ),
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": ("ec2:ModifyInstanceMetadataDefaults",),
    "aws:ec2/internetGateway:InternetGateway": (
        *("ec2:AttachInternetGateway", "ec2:CreateInternetGateway", "ec2:DeleteInternetGateway"),
        *("ec2:DetachInternetGateway", *TAGS_EC2),
    ),
    "aws:ec2/keyPair:KeyPair": ("ec2:DeleteKeyPair", "ec2:ImportKeyPair", *TAGS_EC2),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        # EKS starts nodes from the template with the caller's permission, so that RunInstances is checked here too.
        *("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate"),
        *("ec2:DeleteLaunchTemplateVersions", "ec2:ModifyLaunchTemplate", "ec2:RunInstances", *TAGS_EC2),
    ),
    "aws:ec2/natGateway:NatGateway": ("ec2:CreateNatGateway", "ec2:DeleteNatGateway", *TAGS_EC2),
    "aws:ec2/networkAcl:NetworkAcl": (
        *("ec2:CreateNetworkAcl", "ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl", "ec2:DeleteNetworkAclEntry"),
        *("ec2:ReplaceNetworkAclAssociation", *TAGS_EC2),
    ),
    "aws:ec2/networkAclRule:NetworkAclRule": (
        *("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry", "ec2:ReplaceNetworkAclEntry"),
    ),
    "aws:ec2/route:Route": ("ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"),
    "aws:ec2/routeTable:RouteTable": (
        *("ec2:CreateRouteTable", "ec2:DeleteRouteTable", "ec2:CreateRoute", "ec2:DeleteRoute"),
        *("ec2:DisassociateRouteTable", *TAGS_EC2),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        *("ec2:AssociateRouteTable", "ec2:DisassociateRouteTable", "ec2:ReplaceRouteTableAssociation"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        *("ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateSecurityGroup"),
        *("ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", *TAGS_EC2),
        # A group that goes may still be on a network interface that AWS left behind.
        *("ec2:DeleteNetworkInterface", "ec2:DetachNetworkInterface"),
    ),
    "aws:ec2/serialConsoleAccess:SerialConsoleAccess": (
        "ec2:DisableSerialConsoleAccess",
        "ec2:EnableSerialConsoleAccess",
    ),
    "aws:ec2/subnet:Subnet": (
        *("ec2:CreateSubnet", "ec2:DeleteSubnet", "ec2:ModifySubnetAttribute", *TAGS_EC2),
        *("ec2:DeleteNetworkInterface", "ec2:DetachNetworkInterface"),
    ),
    "aws:ec2/tag:Tag": TAGS_EC2,
    "aws:ec2/vpc:Vpc": ("ec2:CreateVpc", "ec2:DeleteVpc", "ec2:ModifyVpcAttribute", *TAGS_EC2),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "ec2:CreateVpcEndpoint",
        *("ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint", *TAGS_EC2),
        # Private DNS of an interface endpoint is a zone that the caller ties to the VPC.
        "route53:AssociateVPCWithHostedZone",
    ),
    "aws:ec2/vpnConnection:VpnConnection": (
        *("ec2:CreateVpnConnection", "ec2:DeleteVpnConnection", "ec2:ModifyVpnConnection"),
        *("ec2:ModifyVpnConnectionOptions", "ec2:ModifyVpnTunnelOptions", *TAGS_EC2),
        # AWS keeps the pre-shared keys in Secrets Manager in the caller's name; nothing here reads them.
        *("secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue"),
        *("secretsmanager:TagResource", "secretsmanager:UpdateSecret"),
        *LOG_DELIVERY,
    ),
    "aws:ec2/vpnConnectionRoute:VpnConnectionRoute": (
        "ec2:CreateVpnConnectionRoute",
        "ec2:DeleteVpnConnectionRoute",
    ),
    "aws:ec2/vpnGateway:VpnGateway": (
        *("ec2:AttachVpnGateway", "ec2:CreateVpnGateway", "ec2:DeleteVpnGateway", "ec2:DetachVpnGateway", *TAGS_EC2),
    ),
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": (
        "ec2:DisableVgwRoutePropagation",
        "ec2:EnableVgwRoutePropagation",
    ),
    "aws:eks/accessEntry:AccessEntry": (
        *("eks:CreateAccessEntry", "eks:DeleteAccessEntry", "eks:TagResource", "eks:UntagResource"),
        "eks:UpdateAccessEntry",
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "eks:AssociateAccessPolicy",
        "eks:DisassociateAccessPolicy",
    ),
    "aws:eks/addon:Addon": (
        *("eks:CreateAddon", "eks:DeleteAddon", "eks:TagResource", "eks:UntagResource", "eks:UpdateAddon"),
    ),
    "aws:eks/cluster:Cluster": (
        *("eks:AssociateEncryptionConfig", "eks:CreateCluster", "eks:DeleteCluster", "eks:TagResource"),
        *("eks:UntagResource", "eks:UpdateClusterConfig", "eks:UpdateClusterVersion"),
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        *("eks:CreateNodegroup", "eks:DeleteNodegroup", "eks:TagResource", "eks:UntagResource"),
        *("eks:UpdateNodegroupConfig", "eks:UpdateNodegroupVersion"),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        *("eks:CreatePodIdentityAssociation", "eks:DeletePodIdentityAssociation", "eks:TagResource"),
        *("eks:UntagResource", "eks:UpdatePodIdentityAssociation"),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": (
        *("elasticache:AddTagsToResource", "elasticache:CreateCacheParameterGroup"),
        *("elasticache:DeleteCacheParameterGroup", "elasticache:ModifyCacheParameterGroup"),
        *("elasticache:RemoveTagsFromResource", "elasticache:ResetCacheParameterGroup"),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        *("elasticache:AddTagsToResource", "elasticache:CreateReplicationGroup"),
        *("elasticache:DecreaseReplicaCount", "elasticache:DeleteReplicationGroup"),
        *("elasticache:IncreaseReplicaCount", "elasticache:ModifyReplicationGroup"),
        *("elasticache:ModifyReplicationGroupShardConfiguration", "elasticache:RemoveTagsFromResource"),
        *("elasticache:CreateSnapshot", "elasticache:TestFailover", *LOG_DELIVERY),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (
        *("elasticache:AddTagsToResource", "elasticache:CreateCacheSubnetGroup"),
        *("elasticache:DeleteCacheSubnetGroup", "elasticache:ModifyCacheSubnetGroup"),
        "elasticache:RemoveTagsFromResource",
    ),
    "aws:elasticache/user:User": (
        *("elasticache:AddTagsToResource", "elasticache:CreateUser", "elasticache:DeleteUser"),
        *("elasticache:ModifyUser", "elasticache:RemoveTagsFromResource"),
    ),
    "aws:elasticache/userGroup:UserGroup": (
        *("elasticache:AddTagsToResource", "elasticache:CreateUserGroup", "elasticache:DeleteUserGroup"),
        *("elasticache:ModifyUserGroup", "elasticache:RemoveTagsFromResource"),
    ),
    "aws:guardduty/detector:Detector": (
        *("guardduty:CreateDetector", "guardduty:DeleteDetector", "guardduty:TagResource"),
        *("guardduty:UntagResource", "guardduty:UpdateDetector"),
    ),
    "aws:guardduty/detectorFeature:DetectorFeature": ("guardduty:UpdateDetector",),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": (
        "iam:DeleteAccountPasswordPolicy",
        "iam:UpdateAccountPasswordPolicy",
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        *("iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile"),
        *("iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile"),
    ),
    "aws:iam/policy:Policy": (
        *("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion"),
        *("iam:TagPolicy", "iam:UntagPolicy"),
    ),
    "aws:iam/role:Role": (
        *("iam:CreateRole", "iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"),
        *("iam:UpdateRole", "iam:UpdateRoleDescription", "iam:PassRole", "iam:CreateServiceLinkedRole"),
        "iam:PutRolePermissionsBoundary",
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    "aws:inspector2/enabler:Enabler": ("inspector2:Disable", "inspector2:Enable"),
    "aws:kms/alias:Alias": ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
    "aws:kms/key:Key": (
        *("kms:CreateKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy"),
        *("kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription"),
        # RDS, ElastiCache, Secrets Manager, DMS and DynamoDB use a key in the caller's name, through a grant.
        *(
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
        ),
    ),
    "aws:lb/listener:Listener": (
        *("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateListener"),
        *("elasticloadbalancing:DeleteListener", "elasticloadbalancing:ModifyListener"),
        *("elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:RemoveTags"),
    ),
    "aws:lb/listenerCertificate:ListenerCertificate": (
        *("elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates"),
    ),
    "aws:lb/listenerRule:ListenerRule": (
        *("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateRule", "elasticloadbalancing:DeleteRule"),
        *(
            "elasticloadbalancing:ModifyRule",
            "elasticloadbalancing:RemoveTags",
            "elasticloadbalancing:SetRulePriorities",
        ),
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        *("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateLoadBalancer"),
        *("elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:ModifyLoadBalancerAttributes"),
        *("elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetIpAddressType"),
        *("elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets"),
    ),
    "aws:lb/targetGroup:TargetGroup": (
        *("elasticloadbalancing:AddTags", "elasticloadbalancing:CreateTargetGroup"),
        *("elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyTargetGroup"),
        *("elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RemoveTags"),
    ),
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": (
        *("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
    ),
    "aws:rds/cluster:Cluster": (
        *("rds:AddTagsToResource", "rds:CreateDBCluster", "rds:DeleteDBCluster", "rds:ModifyDBCluster"),
        *("rds:RemoveTagsFromResource", "rds:RestoreDBClusterFromSnapshot", "rds:CreateDBClusterSnapshot"),
        *("secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"),
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        *("rds:AddTagsToResource", "rds:CreateDBInstance", "rds:DeleteDBInstance", "rds:ModifyDBInstance"),
        *("rds:RebootDBInstance", "rds:RemoveTagsFromResource"),
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": (
        *("rds:AddTagsToResource", "rds:CreateDBClusterParameterGroup", "rds:DeleteDBClusterParameterGroup"),
        *("rds:ModifyDBClusterParameterGroup", "rds:RemoveTagsFromResource", "rds:ResetDBClusterParameterGroup"),
    ),
    "aws:rds/eventSubscription:EventSubscription": (
        *("rds:AddTagsToResource", "rds:CreateEventSubscription", "rds:DeleteEventSubscription"),
        *("rds:ModifyEventSubscription", "rds:RemoveTagsFromResource", "rds:AddSourceIdentifierToSubscription"),
        "rds:RemoveSourceIdentifierFromSubscription",
    ),
    "aws:rds/parameterGroup:ParameterGroup": (
        *("rds:AddTagsToResource", "rds:CreateDBParameterGroup", "rds:DeleteDBParameterGroup"),
        *("rds:ModifyDBParameterGroup", "rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup"),
    ),
    "aws:rds/subnetGroup:SubnetGroup": (
        *("rds:AddTagsToResource", "rds:CreateDBSubnetGroup", "rds:DeleteDBSubnetGroup", "rds:ModifyDBSubnetGroup"),
        "rds:RemoveTagsFromResource",
    ),
    "aws:route53/queryLog:QueryLog": ("route53:CreateQueryLoggingConfig", "route53:DeleteQueryLoggingConfig"),
    "aws:route53/record:Record": ("route53:ChangeResourceRecordSets",),
    "aws:route53/zone:Zone": (
        *("route53:ChangeTagsForResource", "route53:CreateHostedZone", "route53:DeleteHostedZone"),
        "route53:UpdateHostedZoneComment",
    ),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": ("s3:PutAccountPublicAccessBlock",),
    "aws:s3/bucket:Bucket": (
        *("s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging", "s3:TagResource", "s3:UntagResource"),
        # An environment's buckets are emptied before they go, locked (governance) objects among them.
        *("s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"),
        *("s3:GetObjectRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObjectLegalHold"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "aws:s3/bucketLogging:BucketLogging": ("s3:PutBucketLogging",),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration",),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "aws:s3/bucketPolicy:BucketPolicy": ("s3:DeleteBucketPolicy", "s3:PutBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3:PutEncryptionConfiguration",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ("s3:PutBucketVersioning",),
    "aws:secretsmanager/secret:Secret": (
        *("secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:TagResource"),
        *("secretsmanager:UntagResource", "secretsmanager:UpdateSecret", "secretsmanager:RestoreSecret"),
    ),
    "aws:secretsmanager/secretRotation:SecretRotation": (
        "secretsmanager:CancelRotateSecret",
        "secretsmanager:RotateSecret",
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ),
    "aws:securityhub/account:Account": (
        *("securityhub:DisableSecurityHub", "securityhub:EnableSecurityHub"),
        "securityhub:UpdateSecurityHubConfiguration",
    ),
    "aws:securityhub/standardsSubscription:StandardsSubscription": (
        "securityhub:BatchDisableStandards",
        "securityhub:BatchEnableStandards",
    ),
    "aws:sns/topic:Topic": (
        *("sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"),
    ),
    "aws:sns/topicPolicy:TopicPolicy": ("sns:SetTopicAttributes",),
    "aws:sns/topicSubscription:TopicSubscription": (
        "sns:SetSubscriptionAttributes",
        "sns:Subscribe",
        "sns:Unsubscribe",
    ),
    "aws:ssm/association:Association": (
        *("ssm:AddTagsToResource", "ssm:CreateAssociation", "ssm:DeleteAssociation", "ssm:UpdateAssociation"),
        "ssm:RemoveTagsFromResource",
    ),
    "aws:ssm/serviceSetting:ServiceSetting": ("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        *("ec2:AuthorizeSecurityGroupEgress", "ec2:ModifySecurityGroupRules", "ec2:RevokeSecurityGroupEgress"),
        *TAGS_EC2,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        *("ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules", "ec2:RevokeSecurityGroupIngress"),
        *TAGS_EC2,
    ),
    "aws:wafv2/webAcl:WebAcl": (
        *("wafv2:CreateWebACL", "wafv2:DeleteWebACL", "wafv2:TagResource", "wafv2:UntagResource"),
        "wafv2:UpdateWebACL",
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (
        *("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "elasticloadbalancing:SetWebAcl"),
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        *("wafv2:DeleteLoggingConfiguration", "wafv2:PutLoggingConfiguration"),
        *LOG_DELIVERY,
    ),
}
"""Actions by Pulumi type. An empty row: the provider only reads."""

NOT_IN_ENVIRONMENTS = (
    *("aws:accessanalyzer/analyzer:Analyzer", "aws:cfg/conformancePack:ConformancePack"),
    *("aws:cfg/deliveryChannel:DeliveryChannel", "aws:cfg/recorder:Recorder", "aws:cfg/recorderStatus:RecorderStatus"),
    *(
        "aws:cfg/rule:Rule",
        "aws:cloudtrail/trail:Trail",
        "aws:dms/certificate:Certificate",
        "aws:dms/endpoint:Endpoint",
    ),
    *("aws:dms/eventSubscription:EventSubscription", "aws:dms/replicationInstance:ReplicationInstance"),
    *("aws:dms/replicationSubnetGroup:ReplicationSubnetGroup", "aws:dms/replicationTask:ReplicationTask"),
    *("aws:ebs/encryptionByDefault:EncryptionByDefault", "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess"),
    *("aws:ec2/customerGateway:CustomerGateway", "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess"),
    *("aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults", "aws:ec2/serialConsoleAccess:SerialConsoleAccess"),
    *("aws:ec2/vpnConnection:VpnConnection", "aws:ec2/vpnConnectionRoute:VpnConnectionRoute"),
    *("aws:ec2/vpnGateway:VpnGateway", "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"),
    *("aws:guardduty/detector:Detector", "aws:guardduty/detectorFeature:DetectorFeature"),
    *("aws:iam/accountPasswordPolicy:AccountPasswordPolicy", "aws:inspector2/enabler:Enabler"),
    *(
        "aws:route53/queryLog:QueryLog",
        "aws:route53/zone:Zone",
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
    ),
    *("aws:securityhub/account:Account", "aws:securityhub/standardsSubscription:StandardsSubscription"),
    "aws:ssm/serviceSetting:ServiceSetting",
)
"""Types that a test environment never makes: what an account has once, the zone, the VPN and the migration."""

WITHOUT_AWS = ("kubernetes:", "random:", "pulumi:", "command:")
"""Beginnings of types whose provider calls no AWS API."""


def missing(types: Iterable[str]) -> list[str]:
    """The types that the table has no row for, sorted."""
    return sorted({type_ for type_ in types if type_ not in WRITES and not type_.startswith(WITHOUT_AWS)})


def writes_by_service(without: Collection[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Every action of the table by IAM service prefix, sorted, each once; `without` the rows of these types."""
    found: dict[str, set[str]] = {}
    for type_, actions in WRITES.items():
        for action in actions if type_ not in without else ():
            found.setdefault(action.partition(":")[0], set()).add(action)
    return {service: tuple(sorted(actions)) for service, actions in sorted(found.items())}

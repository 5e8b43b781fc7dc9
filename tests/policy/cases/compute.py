"""EC2, EKS, ECR, Lambda, Step Functions, and what is wrong with any resource."""

from __future__ import annotations

import base64

from tests.policy.cases import FINE, Row

_INSTANCE = "aws.ec2.Instance"
_TEMPLATE = "aws.ec2.LaunchTemplate"
_CONFIGURATION = "aws.ec2.LaunchConfiguration"
_SPOT = "aws.ec2.SpotInstanceRequest"
_CLUSTER = "aws.eks.Cluster"
_NODES = "aws.eks.NodeGroup"
_REPOSITORY = "aws.ecr.Repository"
_MACHINE = "aws.sfn.StateMachine"

_LAUNCHED = {
    "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
    "associatePublicIpAddress": False,
    "rootBlockDevice": {"encrypted": True},
    "ebsBlockDevices": [{"deviceName": "/dev/sdf", "encrypted": True}],
}

BASELINES = {
    _INSTANCE: {**_LAUNCHED, "subnetId": "subnet-1", "iamInstanceProfile": "profile", "monitoring": True},
    _SPOT: {**_LAUNCHED, "subnetId": "subnet-1", "monitoring": True},
    _CONFIGURATION: {**_LAUNCHED},
    _TEMPLATE: {
        "metadataOptions": {"httpTokens": "required"},
        "monitoring": {"enabled": True},
        "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
    },
    "aws.ec2.InstanceMetadataDefaults": {"httpTokens": "required"},
    "aws.ec2.Eip": {"domain": "vpc"},
    "aws.ec2.EipAssociation": {"allocationId": "eip-1", "networkInterfaceId": "eni-1"},
    "aws.ebs.Volume": {"encrypted": True},
    "aws.ebs.SnapshotCopy": {"encrypted": True},
    "aws.ec2.AmiCopy": {"encrypted": True},
    "aws.ebs.EncryptionByDefault": {"enabled": True},
    "aws.ebs.SnapshotBlockPublicAccess": {"state": "block-all-sharing"},
    "aws.ec2.ImageBlockPublicAccess": {"state": "block-new-sharing"},
    "aws.ec2.AmiLaunchPermission": {"accountId": "111122223333"},
    "aws.ssm.Document": {"content": "{}"},
    _CLUSTER: {
        "version": "1.36",
        "vpcConfig": {"endpointPublicAccess": False, "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": "API"},
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:::key/1"}},
        "deletionProtection": True,
    },
    _NODES: {"amiType": "AL2023_x86_64_STANDARD", "launchTemplate": {"id": "lt-1"}},
    _REPOSITORY: {"imageScanningConfiguration": {"scanOnPush": True}, "imageTagMutability": "IMMUTABLE"},
    "aws.lambda.Function": {"runtime": "python3.13"},
    "aws.lambda.Permission": {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b"},
    "aws.lambda.FunctionUrl": {"authorizationType": "AWS_IAM"},
    _MACHINE: {"loggingConfiguration": {"level": "ALL", "includeExecutionData": False}},
}

_PLAIN = "any-no-secret-in-plain-text"
_TOKEN_SCRIPT = (
    "#!/bin/bash\n/opt/ds_agent/dsa_control -a dsm://agents:443/ 'token:0C0A5A5E-1F2D-3C4B-5A69-788796A5B4C3'\n"
)
_KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
_PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"

# Nobody but one role may call, so that no source is asked for.
_NO_SERVICE = (("principal", "arn:aws:iam::111122223333:role/caller"), ("sourceArn", None))

ROWS = [
    *(
        Row("ec2-imdsv2-required", kind, "metadataOptions.httpTokens", "optional")
        for kind in (_INSTANCE, _TEMPLATE, _CONFIGURATION, _SPOT)
    ),
    Row("ec2-metadata-defaults-imdsv2", "aws.ec2.InstanceMetadataDefaults", "httpTokens", "optional"),
    *(
        Row("ec2-instance-without-key-pair", kind, "keyName", "bastion", absent=FINE, unknown="broken")
        for kind in (_INSTANCE, _TEMPLATE, _CONFIGURATION, _SPOT)
    ),
    Row("ec2-no-public-address", _INSTANCE, "associatePublicIpAddress", True, absent=FINE),
    Row("ec2-no-public-address", _CONFIGURATION, "associatePublicIpAddress", True, absent=FINE),
    Row("ec2-no-public-address", _TEMPLATE, "networkInterfaces[0].associatePublicIpAddress", "true", absent=FINE),
    Row("ec2-no-elastic-address-on-instances", "aws.ec2.Eip", "instance", "i-1", absent=FINE, unknown="broken"),
    Row(
        "ec2-no-elastic-address-on-instances",
        "aws.ec2.EipAssociation",
        "instanceId",
        "i-1",
        absent=FINE,
        unknown="broken",
    ),
    Row("ec2-instance-in-subnet", _INSTANCE, "subnetId", None, unknown=FINE),
    Row("ec2-instance-profile", _INSTANCE, "iamInstanceProfile", None, unknown=FINE),
    Row("ec2-detailed-monitoring", _INSTANCE, "monitoring", False),
    Row("ec2-detailed-monitoring", _TEMPLATE, "monitoring.enabled", False),
    Row("ec2-disks-encrypted", _INSTANCE, "rootBlockDevice.encrypted", False),
    Row("ec2-disks-encrypted", _INSTANCE, "ebsBlockDevices[0].encrypted", False),
    Row("ec2-disks-encrypted", _TEMPLATE, "blockDeviceMappings[0].ebs.encrypted", "false"),
    Row("ec2-disks-encrypted", _TEMPLATE, "blockDeviceMappings", None),
    Row("ec2-volume-encrypted", "aws.ebs.Volume", "encrypted", False),
    Row("ec2-volume-encrypted", "aws.ebs.SnapshotCopy", "encrypted", False),
    Row("ec2-encryption-by-default", "aws.ebs.EncryptionByDefault", "enabled", False, absent=FINE),
    Row(
        "ec2-snapshots-and-images-not-public",
        "aws.ec2.AmiLaunchPermission",
        "group",
        "all",
        absent=FINE,
        unknown="broken",
    ),
    Row("ec2-snapshots-and-images-not-public", "aws.ebs.SnapshotBlockPublicAccess", "state", "unblocked"),
    Row(
        "ec2-session-documents-not-public",
        "aws.ssm.Document",
        "permissions",
        {"type": "Share", "account_ids": "All"},
        absent=FINE,
        property="permissions.account_ids",
    ),
    # EKS
    Row("eks-endpoint-not-open", _CLUSTER, "vpcConfig.endpointPublicAccess", True),
    Row(
        "eks-endpoint-not-open",
        _CLUSTER,
        "vpcConfig.publicAccessCidrs",
        ["203.0.113.0/28", "0.0.0.0/0"],
        setup=(("vpcConfig.endpointPublicAccess", True), ("vpcConfig.publicAccessCidrs", ["203.0.113.0/28"])),
        property="vpcConfig.endpointPublicAccess",
    ),
    Row(
        "eks-control-plane-logs",
        _CLUSTER,
        "enabledClusterLogTypes",
        ["api", "authenticator", "controllerManager", "scheduler"],
    ),
    Row("eks-secrets-encrypted", _CLUSTER, "encryptionConfig.provider.keyArn", None, unknown=FINE),
    Row("eks-secrets-encrypted", _CLUSTER, "encryptionConfig", None, property="encryptionConfig.resources"),
    Row("eks-supported-version", _CLUSTER, "version", "1.34", absent=FINE),
    Row("eks-access-entries", _CLUSTER, "accessConfig.authenticationMode", "CONFIG_MAP"),
    Row("eks-deletion-protection", _CLUSTER, "deletionProtection", False),
    Row(
        "eks-nodes-can-carry-agent",
        _CLUSTER,
        "computeConfig",
        {"enabled": True},
        absent=FINE,
        property="computeConfig.enabled",
    ),
    Row("eks-nodes-can-carry-agent", _NODES, "amiType", "BOTTLEROCKET_x86_64", absent=FINE),
    Row(
        "eks-node-ssh-from-groups",
        _NODES,
        "remoteAccess",
        {"ec2SshKey": "ops"},
        absent=FINE,
        property="remoteAccess.sourceSecurityGroupIds",
    ),
    # ECR, Lambda, Step Functions
    Row("ecr-scan-on-push", _REPOSITORY, "imageScanningConfiguration.scanOnPush", False, absent=FINE),
    Row("ecr-immutable-tags", _REPOSITORY, "imageTagMutability", "MUTABLE"),
    Row("lambda-supported-runtime", "aws.lambda.Function", "runtime", "python3.8", absent=FINE),
    Row("lambda-supported-runtime", "aws.lambda.Function", "runtime", "nodejs16.x", absent=FINE),
    Row("lambda-not-public", "aws.lambda.Permission", "principal", "*", setup=_NO_SERVICE),
    Row("lambda-not-public", "aws.lambda.FunctionUrl", "authorizationType", "NONE"),
    Row("stepfunctions-logged", _MACHINE, "loggingConfiguration.level", "OFF"),
    Row("stepfunctions-logged", _MACHINE, "loggingConfiguration.includeExecutionData", True, absent=FINE),
    # Secrets in plain text, wherever they stand
    Row(_PLAIN, _TEMPLATE, "userData", base64.b64encode(_TOKEN_SCRIPT.encode()).decode(), absent=FINE, unknown=FINE),
    Row(_PLAIN, _INSTANCE, "userData", f"export AWS_ACCESS_KEY_ID={_KEY_ID}", absent=FINE, unknown=FINE),
    Row(_PLAIN, _INSTANCE, "tags.note", "test card 4111 1111 1111 1111", absent=FINE, unknown=FINE),
    Row(_PLAIN, _INSTANCE, "tags.note", "5555555555554444", absent=FINE, unknown=FINE),
    Row(_PLAIN, _INSTANCE, "tags.note", "378282246310005", absent=FINE, unknown=FINE),
    Row(
        _PLAIN,
        "aws.lambda.Function",
        "environment",
        {"variables": {"DB_PASSWORD": "hunter2hunter2"}},
        absent=FINE,
        unknown=FINE,
        property="environment.variables.DB_PASSWORD",
    ),
    Row(
        _PLAIN,
        "aws.lambda.Function",
        "environment",
        {"variables": {"DSN": "mysql://app:s3cr3tpw@db:3306/pos"}},
        absent=FINE,
        unknown=FINE,
        property="environment.variables.DSN",
    ),
    Row(_PLAIN, "aws.ssm.Document", "content", _PRIVATE_KEY, unknown=FINE, absent=FINE),
]

"""Resources of AWS's Cloud Control API, as `aws-native` and `aws.cloudcontrol` declare them, read as those of `aws`.

CloudFormation's property names differ from the provider's. The table says which kinds are read, and under which names;
of a property that it does not name, the name is the same. Such a resource is partial: what it does not set is not held
against it, because the same thing may have another name here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .reading import UNKNOWN, sentinels_to_unknown

_DOCUMENT: Final = {"policyDocument": "policy"}
_OPENING: Final = {"ipProtocol": "protocol", "cidrIp": "cidrBlocks", "cidrIpv6": "ipv6CidrBlocks"}
_OPENINGS: Final = {
    "securityGroupIngress": "ingress",
    "securityGroupEgress": "egress",
    "sourceSecurityGroupId": "securityGroups",
    **_OPENING,
}

# By CloudFormation's service and type, in lower case: the provider's type token, and the names that differ.
_KINDS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "apigateway.method": ("aws:apigateway/method:Method", {"authorizationType": "authorization"}),
    "apigatewayv2.route": ("aws:apigatewayv2/route:Route", {}),
    "cloudfront.distribution": (
        "aws:cloudfront/distribution:Distribution",
        {"cacheBehaviors": "orderedCacheBehaviors"},
    ),
    "cloudtrail.trail": (
        "aws:cloudtrail/trail:Trail",
        {"isLogging": "enableLogging", "includeGlobalServiceEvents": "includeGlobalServiceEvents"},
    ),
    "cognito.userpool": ("aws:cognito/userPool:UserPool", {}),
    "docdb.dbcluster": ("aws:docdb/cluster:Cluster", {"masterUserPassword": "masterPassword"}),
    "dynamodb.table": (
        "aws:dynamodb/table:Table",
        {
            "sseSpecification": "serverSideEncryption",
            "sseEnabled": "enabled",
            "kmsMasterKeyId": "kmsKeyArn",
            "pointInTimeRecoverySpecification": "pointInTimeRecovery",
            "pointInTimeRecoveryEnabled": "enabled",
        },
    ),
    "ec2.launchtemplate": ("aws:ec2/launchTemplate:LaunchTemplate", {}),
    "ec2.subnet": ("aws:ec2/subnet:Subnet", {}),
    "ec2.vpcendpointservice": ("aws:ec2/vpcEndpointService:VpcEndpointService", {}),
    "ecs.service": ("aws:ecs/service:Service", {}),
    "ecs.taskdefinition": ("aws:ecs/taskDefinition:TaskDefinition", {}),
    "eks.accessentry": ("aws:eks/accessEntry:AccessEntry", {}),
    "eks.cluster": (
        "aws:eks/cluster:Cluster",
        {"resourcesVpcConfig": "vpcConfig"},
    ),
    "guardduty.detector": ("aws:guardduty/detector:Detector", {}),
    "iam.group": ("aws:iam/group:Group", {}),
    "iam.grouppolicy": ("aws:iam/groupPolicy:GroupPolicy", _DOCUMENT),
    "iam.user": ("aws:iam/user:User", {}),
    "iam.userpolicy": ("aws:iam/userPolicy:UserPolicy", _DOCUMENT),
    "kinesis.stream": ("aws:kinesis/stream:Stream", {"keyId": "kmsKeyId"}),
    "msk.cluster": ("aws:msk/cluster:Cluster", {}),
    "neptune.dbcluster": ("aws:neptune/cluster:Cluster", {}),
    "opensearchservice.domain": (
        "aws:opensearch/domain:Domain",
        {
            "encryptionAtRestOptions": "encryptAtRest",
            "nodeToNodeEncryptionOptions": "nodeToNodeEncryption",
            "enforceHttps": "enforceHttps",
        },
    ),
    "s3.bucket": ("aws:s3/bucket:Bucket", {"accessControl": "acl"}),
    "secretsmanager.resourcepolicy": (
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        {"resourcePolicy": "policy"},
    ),
    "sqs.queue": ("aws:sqs/queue:Queue", {}),
    "ec2.instance": ("aws:ec2/instance:Instance", {}),
    "ec2.securitygroup": ("aws:ec2/securityGroup:SecurityGroup", _OPENINGS),
    "ec2.securitygroupingress": ("aws:ec2/securityGroupRule:SecurityGroupRule", _OPENING),
    "ec2.volume": ("aws:ebs/volume:Volume", {}),
    "ecr.repository": ("aws:ecr/repository:Repository", {}),
    "efs.filesystem": ("aws:efs/fileSystem:FileSystem", {}),
    "elasticache.replicationgroup": ("aws:elasticache/replicationGroup:ReplicationGroup", {}),
    "elasticloadbalancingv2.listener": ("aws:lb/listener:Listener", {"redirectConfig": "redirect"}),
    "iam.managedpolicy": ("aws:iam/policy:Policy", _DOCUMENT),
    "iam.rolepolicy": ("aws:iam/rolePolicy:RolePolicy", _DOCUMENT),
    "iam.role": (
        "aws:iam/role:Role",
        {"assumeRolePolicyDocument": "assumeRolePolicy", "policies": "inlinePolicies", **_DOCUMENT},
    ),
    "kms.key": ("aws:kms/key:Key", {"keyPolicy": "policy", "enabled": "isEnabled"}),
    "lambda.function": ("aws:lambda/function:Function", {}),
    "lambda.permission": ("aws:lambda/permission:Permission", {"principalOrgId": "principalOrgId"}),
    "lambda.url": ("aws:lambda/functionUrl:FunctionUrl", {"authType": "authorizationType"}),
    "logs.loggroup": ("aws:cloudwatch/logGroup:LogGroup", {}),
    "rds.dbcluster": ("aws:rds/cluster:Cluster", {"masterUserPassword": "masterPassword"}),
    "rds.dbinstance": ("aws:rds/instance:Instance", {"masterUserPassword": "password"}),
    "redshift.cluster": ("aws:redshift/cluster:Cluster", {"masterUserPassword": "masterPassword"}),
    "s3.bucketpolicy": ("aws:s3/bucketPolicy:BucketPolicy", _DOCUMENT),
    "sns.topicpolicy": ("aws:sns/topicPolicy:TopicPolicy", _DOCUMENT),
    "sqs.queuepolicy": ("aws:sqs/queuePolicy:QueuePolicy", _DOCUMENT),
}
_DOCUMENTS: Final = ("policyDocument", "assumeRolePolicyDocument", "keyPolicy", "resourcePolicy")
# What CloudFormation puts into an object of its own, and the provider does not.
_WRAPPERS: Final = ("distributionConfig", "launchTemplateData", "policies", "streamEncryption")
# What is a part of a resource there, and a resource of its own here.
_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "s3.bucket": ("publicAccessBlockConfiguration", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
}
_PUBLIC_NAMES: Final = {"PublicRead": "public-read", "PublicReadWrite": "public-read-write", "Private": "private"}
_LISTS: Final = ("cidrIp", "cidrIpv6", "sourceSecurityGroupId")


def translated(resource_type: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The type token and properties that the provider `aws` would have; nothing where the table has no such kind."""
    if resource_type == "aws:cloudcontrol/resource:Resource":
        kind, content = str(properties.get("typeName", "")).removeprefix("AWS::").replace("::", "."), _state(properties)
    else:
        _, _, rest = resource_type.partition(":")
        kind, content = rest.replace(":", "."), dict(properties)
    found = _KINDS.get(kind.lower())
    if found is not None and content:
        token, names = found
        read = _renamed(content, names)
        for wrapper in _WRAPPERS:
            inner = read.get(names.get(wrapper, wrapper))
            if isinstance(inner, dict):
                read |= inner
        if "acl" in read:
            read["acl"] = _PUBLIC_NAMES.get(str(read["acl"]), read["acl"])
        yield token, read
        part, part_token = _PARTS.get(kind.lower(), ("", ""))
        if isinstance(read.get(part), dict):
            yield part_token, read[part]


def _state(properties: Mapping[str, Any]) -> dict[str, Any]:
    try:
        content = sentinels_to_unknown(json.loads(str(properties.get("desiredState", ""))))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        camel = f"{key[:1].lower()}{key[1:]}"
        whole = camel in _DOCUMENTS or item is UNKNOWN  # a policy document keeps its own names
        read = item if whole else _renamed(item, names)
        found[names.get(camel, camel)] = [read] if camel in _LISTS and not isinstance(read, list) else read
    return found

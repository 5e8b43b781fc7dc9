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
_DOCUMENTS: Final = ("policyDocument", "assumeRolePolicyDocument", "keyPolicy")
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
        yield token, _renamed(content, names)


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

"""The API calls of a deployment, as the real provider makes them, put to the roles that bootstrap makes.

`facts/provider_calls.csv` holds the calls that the AWS provider (hashicorp/aws 5.100.0, November 2026) made for each
type against stand-in endpoints: on apply, read and destroy. `facts/implied_calls.csv` holds what AWS itself checks of
the caller in addition: roles passed, grants of keys, log deliveries, service-linked roles; each with its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bootstrap.account import PLATFORM_PATH, Account
from bootstrap.deployers import Deployer
from facts.calls import implied_calls, provider_calls
from recording.recorder import Resource

GLOBAL_SERVICES = ("iam", "route53", "sts")
"""Services whose requests go to us-east-1, whatever the stack's Region."""


class Call(NamedTuple):
    """One request that somebody must be allowed."""

    type: str
    name: str
    """Logical name of the resource that needs it."""
    phase: str
    action: str
    resource: str
    context: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.type} {self.name}: {self.action} on {self.resource} ({self.phase}) {dict(self.context)}"


def calls_for(resources: Iterable[Resource], by: Deployer, *, tag: str) -> Iterator[Call]:
    """Every request for `resources`, on its real ARN; `tag` is the value of the tag Stack on what exists."""
    account = by.account
    here = {"region": account.region, "account": account.account_id}
    for resource in resources:
        base = {"aws:ResourceTag/Stack": tag}
        for phase, actions in provider_calls().get(resource.type, {}).items():
            for action in actions:
                context = {**base, **_region(action, account), **_of_role(resource, by)}
                yield Call(resource.type, resource.name, phase, action, _arn(action, resource, by), context)
        for row in implied_calls():
            if row.type == resource.type:
                given = dict(part.split("=", 1) for part in row.context.format(**here).split("&") if part)
                context = {**base, **_region(row.action, account), **given}
                target = row.resource.format(**here).replace(PLATFORM_PATH, by.path)
                yield Call(resource.type, resource.name, "implied", row.action, target, context)


def _region(action: str, account: Account) -> Mapping[str, str]:
    is_global = action.partition(":")[0] in GLOBAL_SERVICES
    return {"aws:RequestedRegion": "us-east-1" if is_global else account.region}


def _of_role(resource: Resource, by: Deployer) -> Mapping[str, str]:
    """What IAM tells of the role that a request changes: the boundary that it carries, and the policy that it gets."""
    if resource.type == "aws:iam/role:Role":
        return {"iam:PermissionsBoundary": str(resource.inputs.get("permissionsBoundary", ""))}
    is_attachment = resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    policy = str(resource.inputs.get("policyArn", ""))
    return {"iam:PermissionsBoundary": by.workload_boundary_arn, "iam:PolicyARN": policy} if is_attachment else {}


ACCOUNTS = {"dev": "111122223333", "prod": "123456789012"}
"""The accounts of the repository's example settings."""


def _arn(action: str, resource: Resource, by: Deployer) -> str:
    """The resource of a request, as the service names it; ``*`` where it checks no resource."""
    service, account = action.partition(":")[0], by.account
    given = resource.inputs
    match service:
        case "iam":
            return _iam_arn(action, resource, by)
        case "s3" if "Account" in action:
            return "*"
        case "s3":
            return f"arn:{account.partition}:s3:::{given.get('bucket', '*')}"
        case "cloudwatch" if "dashboard" in resource.type:
            return account.arn("cloudwatch", f"dashboard/{given['dashboardName']}", region="")
        case "sns" if resource.type == "aws:sns/topic:Topic":
            return account.arn("sns", str(given["name"]))
        case "kms" if action == "kms:CreateKey":
            return "*"
        case "kms":
            return account.arn("kms", str(given["name"]) if "alias" in resource.type else "key/1a2b3c4d")
        case "secretsmanager":
            return _secret_arn(resource, account)
        case _:
            return str(resource.outputs.get("arn") or "*")


def _iam_arn(action: str, resource: Resource, by: Deployer) -> str:
    given = resource.inputs
    if action.endswith("AccountPasswordPolicy") or action == "iam:GetUser":
        return "*"
    kind = {
        "aws:iam/policy:Policy": "policy",
        "aws:iam/instanceProfile:InstanceProfile": "instance-profile",
    }.get(resource.type, "role")
    name = str(given.get("role") or given.get("name") or f"{resource.name}-1a2b3c4")
    root = name.startswith("dms-")
    return by.account.arn("iam", f"{kind}{'/' if root else given.get('path', by.path)}{name}", region="")


def _secret_arn(resource: Resource, account: Account) -> str:
    given: Mapping[str, Any] = resource.inputs
    if "secretId" in given and str(given["secretId"]).startswith("arn:"):
        return str(given["secretId"])
    name = str(given.get("name") or f"{given.get('namePrefix', '')}1a2b3c4")
    return account.arn("secretsmanager", f"secret:{name}-AbCdEf")

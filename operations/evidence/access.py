"""Requirement 7.2.4: every principal of the stack that can reach card data, its keys or its logs, for the review.

Principals are read from IAM, the Kubernetes access entries, and the accounts of database and cache. People take
roles at the identity provider; who they are only the entity can say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from operations.evidence.tables import as_table
from recording.recorder import Resource

ROLE, POLICY = "aws:iam/role:Role", "aws:iam/policy:Policy"
ATTACHMENT, INLINE = "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/rolePolicy:RolePolicy"
REACHES: Mapping[str, str] = {
    "rds-db:connect": "logs in to the database",
    "elasticache:Connect": "logs in to the cache",
    "secretsmanager:GetSecretValue": "reads secrets",
    "kms:Decrypt": "decrypts with keys",
    "dynamodb:GetItem": "reads the record of the migration",
    "s3:GetObject": "reads objects of buckets",
    "logs:GetLogEvents": "reads logs",
    "dms:StartReplicationTask": "starts copies of the database",
    "rds:CreateDBClusterSnapshot": "makes copies of the database",
}
"""By action: what a principal that may do it reaches."""
MANAGED: Mapping[str, str] = {
    "AmazonSSMManagedInstanceCore": "is administered by Systems Manager",
    "AWSSupportAccess": "opens cases with AWS's support",
    "AmazonEKSClusterAdminPolicy": "may do everything in Kubernetes, also read what pods hold",
    "AmazonEKSAdminPolicy": "may do nearly everything in its namespaces, also read what pods hold",
    "AmazonEKSViewPolicy": "reads objects of Kubernetes, no secrets",
}
"""By policy of AWS: what it gives; others are named without words."""


@dataclass(frozen=True)
class Principal:
    """One row of the review; the last three cells are the reviewer's."""

    principal: str
    kind: str
    used_by: str
    reaches: str
    log_in: str
    reviewer: str = ""
    reviewed_on: str = ""
    decision: str = ""


def principals(resources: Iterable[Resource]) -> tuple[Principal, ...]:
    """Every principal that reaches card data, keys or logs, by kind and name."""
    known = tuple(resources)
    found = [*_roles(known), *_of_kubernetes(known), *_of_database(known), *_of_cache(known), *_of_hosts(known)]
    return tuple(sorted(found, key=lambda one: (one.kind, one.principal)))


def as_csv(rows: Iterable[Principal]) -> str:
    """The review for a spreadsheet."""
    return as_table([field.name for field in fields(Principal)], map(astuple, rows))


def _roles(known: tuple[Resource, ...]) -> Iterator[Principal]:
    for role in known:
        if role.type == ROLE:
            reaches = list(dict.fromkeys(_reached_by(role, known)))
            yield Principal(
                role.name,
                "IAM role",
                _trusted(role),
                "; ".join(reaches) or "no card data, keys or logs, by its own policies",
                "AWS STS",
            )


def _trusted(role: Resource) -> str:
    names = [
        name
        for statement in _statements(role.inputs.get("assumeRolePolicy"))
        for names in (statement.get("Principal") or {}).values()
        for name in (names if isinstance(names, list) else [names])
    ]
    return ", ".join(names)


def _reached_by(role: Resource, known: tuple[Resource, ...]) -> Iterator[str]:
    own = {role.id, role.outputs.get("name"), role.outputs.get("arn")} - {None, ""}
    for one in known:
        if one.type == INLINE and one.inputs.get("role") in own:
            yield from _granted(one.inputs.get("policy"))
        if one.type == ATTACHMENT and one.inputs.get("role") in own:
            arn = str(one.inputs.get("policyArn"))
            policy = next((other for other in known if other.type == POLICY and other.outputs.get("arn") == arn), None)
            if policy:
                yield from _granted(policy.inputs.get("policy"))
            else:
                name = arn.rpartition("/")[2]
                yield MANAGED.get(name, f"what AWS's policy {name} gives")


def _granted(document: Any) -> Iterator[str]:
    for statement in _statements(document):
        if statement.get("Effect") != "Allow":
            continue
        actions = statement.get("Action") or []
        for pattern in [actions] if isinstance(actions, str) else actions:
            for action, words in REACHES.items():
                if fnmatchcase(action.lower(), pattern.lower()):
                    yield f"{words} ({_resources(statement)})"


def _resources(statement: Mapping[str, Any]) -> str:
    found = statement.get("Resource") or []
    listed = [found] if isinstance(found, str) else list(found)
    return ", ".join(_short(one) for one in listed)


def _short(arn: str) -> str:
    """An ARN without account and Region, as people read it."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else arn


def _statements(document: Any) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(document).get("Statement") or [] if isinstance(document, str) else []
    except ValueError:
        return []
    return [found] if isinstance(found, dict) else list(found)


def _of_kubernetes(known: tuple[Resource, ...]) -> Iterator[Principal]:
    given = [one for one in known if one.type == "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"]
    for entry in known:
        if entry.type == "aws:eks/accessEntry:AccessEntry":
            arn = entry.inputs.get("principalArn")
            names = [
                str(one.inputs["policyArn"]).rpartition("/")[2] for one in given if one.inputs["principalArn"] == arn
            ]
            words = "; ".join(f"{name}: {MANAGED.get(name, 'see its documentation')}" for name in names)
            yield Principal(str(arn), "Kubernetes access entry", "people, by their role", words or "nothing", "IAM")
    for one in known:
        if one.type == "aws:eks/podIdentityAssociation:PodIdentityAssociation":
            account = f"{one.inputs['namespace']}/{one.inputs['serviceAccount']}"
            role = _short(str(one.inputs["roleArn"]))
            yield Principal(account, "Kubernetes service account", "pods", f"is {role}", "EKS Pod Identity")


def _of_database(known: tuple[Resource, ...]) -> Iterator[Principal]:
    for one in known:
        if one.type == "aws:rds/cluster:Cluster" and one.inputs.get("masterUsername"):
            kept = (
                "password in Secrets Manager, managed by RDS"
                if one.inputs.get("manageMasterUserPassword")
                else "password"
            )
            yield Principal(
                str(one.inputs["masterUsername"]), "database account", "the DBA, in emergencies", "everything", kept
            )
        if one.type == POLICY:
            for statement in _statements(one.inputs.get("policy")):
                actions = statement.get("Action") or []
                if "rds-db:connect" in ([actions] if isinstance(actions, str) else actions):
                    user = _resources(statement).rpartition("/")[2]
                    yield Principal(user, "database account", "the application", "its schema", "IAM token")
        if one.type == "aws:secretsmanager/secret:Secret" and "account" in str(one.inputs.get("description", "")):
            name = str(one.inputs.get("namePrefix") or one.inputs.get("name") or one.name).rstrip("-")
            words = str(one.inputs["description"]).partition(": ")[2] or str(one.inputs["description"])
            yield Principal(
                f"account in {name}", "database account", "the migration", words, "password in Secrets Manager"
            )


def _of_cache(known: tuple[Resource, ...]) -> Iterator[Principal]:
    for one in known:
        if one.type == "aws:elasticache/user:User":
            way = str((one.inputs.get("authenticationMode") or {}).get("type", "not named"))
            yield Principal(
                str(one.inputs.get("userName")),
                "cache account",
                "the application",
                str(one.inputs["accessString"]),
                way,
            )


def _of_hosts(known: tuple[Resource, ...]) -> Iterator[Principal]:
    for one in known:
        if one.type == "aws:ec2/keyPair:KeyPair":
            owner = str(one.inputs.get("publicKey", "")).rpartition(" ")[2]
            words = "hosts that have this key pair; from there database and cache, with an account of its own"
            yield Principal(one.name, "SSH key pair", owner, words, "SSH key, one factor")

"""Trusts of roles that stay inside: this platform's own wish, because no condition of IAM can ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..documents import Statement, statements
from ..reading import Findings
from ..rule import HIGH, Resource, rule
from .iam import trusts_anybody

_ACCOUNT: Final = re.compile(r"arn:aws[\w-]*:(?:iam|sts)::(\d{12}):.*|(\d{12})")
_WANTED: Final = "an AWS service, or an identity of the account that the permissions boundary names"


@rule(
    "iam-role-trusts-stay-inside",
    "Roles are taken by AWS services and by identities of their own account only",
    on="aws.iam.Role",
    severity=HIGH,
    remedy="name the service that needs the role; for people of another account make a role outside this program",
    wish=True,
)
def trusts_stay_inside(role: Resource) -> Findings:
    document, boundary = role["assumeRolePolicy"], role["permissionsBoundary"]
    if document.unknown:
        return document.unjudged(_WANTED)
    home = _account(boundary.text or "")
    findings: Findings = []
    for statement in statements(document):
        foreign = list(_foreign(statement, home))
        if foreign:
            findings += statement.place.breach(_WANTED, f"trust of {', '.join(foreign)}")
        elif statement.incomplete and statement.allows:
            findings += statement.place.unjudged(_WANTED)
    return findings


def _foreign(statement: Statement, home: str) -> Iterator[str]:
    if not statement.allows or trusts_anybody(statement):
        return  # the rule iam-role-trusts-named-principals reports a trust of everybody
    for kind, who in statement.principals:
        if kind != "Service" and not (kind == "AWS" and home and _account(who) == home):
            yield who


def _account(name: str) -> str:
    found = _ACCOUNT.fullmatch(name)
    return (found[1] or found[2]) if found else ""

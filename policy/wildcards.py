"""Wildcards as IAM reads them: `*` is any text, `?` one character, and every other character is itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Names that no author of a pattern had in mind: a pattern that matches both of them names nothing.
_ANY_NAMES: Final = ("Qz7-unnamed", "0f1e2d3c-4b5a")

# The types of resources in front of the names in an ARN, by service; other services put the name first.
_TYPES: Final = {
    "dynamodb": ("table/",),
    "ec2": ("instance/", "volume/"),
    "ecr": ("repository/",),
    "iam": ("role/", "user/", "group/", "policy/"),
    "kms": ("key/", "alias/"),
    "lambda": ("function:",),
    "logs": ("log-group:",),
    "rds": ("cluster:", "db:"),
    "secretsmanager": ("secret:",),
    "ssm": ("parameter/",),
    "sts": ("role/",),
}


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"([*?]+)", pattern)
    made = "".join(re.escape(part) if position % 2 == 0 else _wild(part) for position, part in enumerate(parts))
    return re.compile(made, re.IGNORECASE | re.DOTALL)


def _wild(run: str) -> str:
    """A run of wildcards as one expression, so that `**?*` costs no more than `?*`."""
    least = run.count("?")
    return f".{{{least},}}" if "*" in run else f".{{{least}}}"


def matches(pattern: str, text: str) -> bool:
    return _expression(pattern).fullmatch(text) is not None


def has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


@lru_cache(maxsize=4096)
def covers_every_resource(pattern: str, service: str) -> bool:
    """Whether an ARN pattern matches resources of a service whatever their name is.

    Account and Region are taken as the pattern has them: all keys of one account are all keys.
    """
    parts = pattern.split(":", 5)
    region, account = (*parts[3:5], "", "")[:2] if len(parts) == 6 else ("", "")
    owner = f"{_literal(region, 'eu-north-1')}:{_literal(account, '000000000000')}"
    partition = _literal(parts[1], "aws") if len(parts) == 6 else "aws"
    iam = "iam" if service == "sts" else service  # roles are taken by the ARN that IAM gives them
    return any(
        all(matches(pattern, f"arn:{partition}:{iam}:{owner}:{kind}{name}") for name in _ANY_NAMES)
        for kind in _TYPES.get(service, ("",))
    )


def _literal(part: str, otherwise: str) -> str:
    return otherwise if has_wildcard(part) else part

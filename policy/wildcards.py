"""Wildcards as IAM reads them: `*` is any text, `?` one character, and every other character is itself."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Names that no author of a pattern had in mind: a pattern that matches both of them names nothing.
_ANY_NAMES: Final = ("Qz7-unnamed", "0f1e2d3c-4b5a")

# Where the name is in an ARN of each service; other services put nothing but the name there.
_SHAPES: Final = {
    "codebuild": ("project/{}",),
    "dynamodb": ("table/{}",),
    "ec2": ("instance/{}", "volume/{}"),
    "ecr": ("repository/{}",),
    "ecs": ("task/{}/{}", "cluster/{}"),
    "iam": ("role/{}", "user/{}", "group/{}", "policy/{}"),
    "kms": ("key/{}", "alias/{}"),
    "lambda": ("function:{}",),
    "logs": ("log-group:{}",),
    "rds": ("cluster:{}", "db:{}", "snapshot:{}"),
    "rds-db": ("dbuser:{}/{}",),
    "s3": ("{}", "{}/{}"),
    "secretsmanager": ("secret:{}",),
    "ssm": ("parameter/{}",),
    "sts": ("role/{}",),
}


@lru_cache(maxsize=4096)
def _pieces(pattern: str) -> tuple[re.Pattern[str], ...]:
    """The texts between the stars of a pattern, each as an expression of fixed length."""
    pieces = (re.escape(piece).replace(r"\?", ".") for piece in re.split(r"[*]+", pattern))
    return tuple(re.compile(piece, re.IGNORECASE | re.DOTALL) for piece in pieces)


@lru_cache(maxsize=16384)
def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is the whole text. Each piece is looked for once, from left to right."""
    first, *rest = _pieces(pattern)
    if not rest:
        return first.fullmatch(text) is not None
    found = first.match(text)
    for piece in rest[:-1]:
        found = piece.search(text, found.end()) if found else None
    last = pattern.rpartition("*")[2]
    start = len(text) - len(last)
    return found is not None and start >= found.end() and rest[-1].match(text, start) is not None


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
        all(matches(pattern, f"arn:{partition}:{iam}:{owner}:{shape.replace('{}', name)}") for name in _ANY_NAMES)
        for shape in _SHAPES.get(service, ("{}",))
    )


def _literal(part: str, otherwise: str) -> str:
    return otherwise if has_wildcard(part) else part

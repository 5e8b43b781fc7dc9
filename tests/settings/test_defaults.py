"""A component's settings declare a default; `Pulumi.yaml` repeats it, because the engine reads nothing else."""

from dataclasses import MISSING, fields
from typing import Any, get_type_hints

import yaml

from command_line.project import ROOT
from components.foundations.declared import Declared, as_text
from settings import Settings, known_keys

PER_REGION = {"softpos:networkVpcCidr", "softpos:networkAvailabilityZones", "softpos:networkNat"}
"""The platform's own choice: another network has other ranges, zones and costs."""
PER_APPLICATION = {"softpos:serviceImage", "softpos:serviceHealthPath", "softpos:serviceReplicasMin"} | {
    "softpos:serviceReplicasMax"
}


def test_every_default_of_pulumi_yaml_is_the_default_of_the_components_settings() -> None:
    declared: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    hints = get_type_hints(Settings)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, Declared)}
    compared = 0
    for key in known_keys():
        if key.group in groups and key.name not in PER_REGION | PER_APPLICATION:
            (field,) = (one for one in fields(groups[key.group]) if one.name == key.field)
            here = MISSING if field.default is MISSING else as_text(field.default)
            there = as_text(declared[key.name]["default"]) if "default" in declared[key.name] else MISSING
            assert here == there, key.name
            compared += 1
    assert compared > 50

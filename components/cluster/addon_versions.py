"""Which version of each EKS add-on belongs to which Kubernetes version: `addon_versions.csv`, dated, with its sources.

EKS chooses a version when it installs an add-on and never moves it again: after two Kubernetes upgrades kube-proxy is
too old for the control plane, and EKS refuses the next upgrade. So each add-on has a version here, and it changes with
the Kubernetes version of the nodes. Where no version is known, EKS is asked for its default of that Kubernetes version;
it is never asked for the newest, which may be newer than what AWS recommends.

`standing` says how a row is known: ``tested`` in an account of ours, or ``seen in public``. `operations upgrade plan`
compares the rows with what EKS offers.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pulumi
import pulumi_aws as aws


class AddonVersion(NamedTuple):
    """One row: the version of an add-on for one Kubernetes minor version."""

    version: str
    standing: str
    source: str


@cache
def known_versions() -> Mapping[tuple[str, str], AddonVersion]:
    """Every row of the table, by Kubernetes version (``1.36``) and name of the add-on."""
    with Path(__file__).with_name("addon_versions.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["kubernetes"], row["addon"]): AddonVersion(row["version"], row["standing"], row["source"])
            for row in csv.DictReader(file)
        }


def addon_version(addon: str, kubernetes_version: str, parent: pulumi.Resource) -> pulumi.Input[str]:
    """The version of `addon` for a Kubernetes minor version: from the table, or EKS's default where it has no row."""
    if known := known_versions().get((kubernetes_version, addon)):
        return known.version
    return aws.eks.get_addon_version_output(
        addon_name=addon, kubernetes_version=kubernetes_version, opts=pulumi.InvokeOutputOptions(parent=parent)
    ).version

"""The steps of an upgrade: AWS's order, one minor version at a time, nothing that is done already."""

import dataclasses
from typing import Any

import pytest

from operations.plan.stack_recording import stack_settings
from operations.upgrade.living import Living, declared
from operations.upgrade.steps import NotPossible, Targets, steps

LIVING = Living("1.35", "1.35", "", "8.0.mysql_aurora.3.10.4", "7.1", "a test")


def living(**values: Any) -> Living:
    return dataclasses.replace(LIVING, **values)


def names(runs: Living, **targets: str) -> list[str]:
    return [step.name for step in steps(runs, Targets(**targets))]


def test_the_control_plane_moves_before_the_nodes() -> None:
    assert names(LIVING, kubernetes="1.36") == ["control-plane-to-1.36", "nodes-and-add-ons-to-1.36"]


def test_nodes_that_are_behind_catch_up_before_the_control_plane_moves_on() -> None:
    assert names(living(kubernetes="1.35", nodes="1.34"), kubernetes="1.36") == [
        "nodes-and-add-ons-to-1.35",
        "control-plane-to-1.36",
        "nodes-and-add-ons-to-1.36",
    ]


def test_an_upgrade_that_stopped_goes_on_with_what_is_left() -> None:
    assert names(living(kubernetes="1.36"), kubernetes="1.36") == ["nodes-and-add-ons-to-1.36"]
    assert names(living(kubernetes="1.36", nodes="1.36"), kubernetes="1.36") == []


def test_a_major_version_is_allowed_for_its_own_step_only() -> None:
    open_, closed = steps(LIVING, Targets(database="8.4.mysql_aurora.8.4.8"))
    assert open_.settings == {"databaseEngineVersion": "8.4.mysql_aurora.8.4.8", "databaseMajorUpgrade": "true"}
    assert closed.settings == {"databaseMajorUpgrade": "false"}


def test_a_minor_version_of_the_database_needs_no_permission() -> None:
    [step] = steps(living(database="8.4.mysql_aurora.8.4.7"), Targets(database="8.4.mysql_aurora.8.4.8"))
    assert step.settings == {"databaseEngineVersion": "8.4.mysql_aurora.8.4.8"}


@pytest.mark.parametrize(
    ("runs", "targets", "says"),
    [
        (LIVING, {"kubernetes": "1.37"}, "'1.37' is not allowed; allowed: 1.35 or 1.36"),
        (living(kubernetes="1.36"), {"kubernetes": "1.35"}, "EKS goes back one minor version within seven days"),
        (LIVING, {"database": "8.4.8"}, "another engine is a migration"),
        (living(database="8.4.mysql_aurora.8.4.8"), {"database": "8.0.mysql_aurora.3.10.4"}, "or newer"),
        (living(database="8.0.36"), {"database": "8.4.8"}, "a Multi-AZ DB cluster has no major upgrade"),
        (living(cache="valkey-8.0"), {"cache": "7.1"}, "no way back from Valkey to Redis"),
    ],
)
def test_what_aws_does_not_do_is_refused_in_one_sentence(runs: Living, targets: dict[str, str], says: str) -> None:
    with pytest.raises(NotPossible, match=r"allowed: .+; ") as refused:
        steps(runs, Targets(**targets))
    assert says in str(refused.value)


def test_every_step_sets_settings_that_the_program_takes_in_its_order() -> None:
    overrides = {"softpos:clusterVersion": "1.35", "softpos:databaseEngineVersion": "8.0.mysql_aurora.3.10.4"}
    _, settings = stack_settings("dev", overrides)
    targets = Targets(kubernetes="1.36", database="8.4.mysql_aurora.8.4.8", cache="valkey-8.0")
    for step in steps(declared(settings), targets):
        overrides |= {f"softpos:{key}": value for key, value in step.settings.items()}
        _, settings = stack_settings("dev", overrides)
    assert steps(declared(settings), targets) == []

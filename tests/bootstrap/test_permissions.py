"""The deploy role may do what the program needs: every type that a stack registers has its actions."""

from __future__ import annotations

import fnmatch
import importlib.resources
import json
from functools import cache

import pytest

import tests.recorded
from bootstrap.permissions import READS, WITHOUT_AWS, WRITES, missing, writes_by_service
from operations.environments.forecast import record_example
from recording.program import Recording

ENVIRONMENT = "an environment"
STACKS = ("dev", "prod", ENVIRONMENT)


@cache
def recorded(stack: str) -> Recording:
    """One rehearsal of the real program, or of an environment."""
    return record_example() if stack == ENVIRONMENT else tests.recorded.recorded(stack)


@pytest.mark.parametrize("stack", STACKS)
def test_every_type_of_the_program_has_its_permissions(stack: str) -> None:
    types = {resource.type for resource in recorded(stack).resources if resource.custom}
    assert len(types) > 60
    lacking = missing(types)
    assert lacking == [], f"add a row to bootstrap/permissions.py for: {', '.join(lacking)}"


def test_a_type_without_a_row_is_named() -> None:
    assert missing(["aws:sqs/queue:Queue", "aws:kms/key:Key", "kubernetes:core/v1:Namespace"]) == [
        "aws:sqs/queue:Queue"
    ]


@cache
def known_actions() -> dict[str, set[str]]:
    """Every action of every service, as the IAM linter knows them."""
    text = (importlib.resources.files("parliament") / "iam_definition.json").read_text(encoding="utf-8")
    return {
        service["prefix"]: {privilege["privilege"] for privilege in service["privileges"]}
        for service in json.loads(text)
    }


@pytest.mark.parametrize("action", sorted({action for row in (*WRITES.values(), *READS.values()) for action in row}))
def test_every_action_exists(action: str) -> None:
    service, _, name = action.partition(":")
    assert any(fnmatch.fnmatchcase(known, name) for known in known_actions()[service])


def test_no_write_is_a_wildcard_and_reading_reads_no_content() -> None:
    assert [action for row in WRITES.values() for action in row if "*" in action] == []
    reads = [action for row in READS.values() for action in row]
    assert all(action.partition(":")[2].startswith(("BatchGet", "Describe", "Get", "List")) for action in reads)
    for content in (
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
        "dynamodb:GetItem",
        "logs:GetLogEvents",
    ):
        assert not any(fnmatch.fnmatchcase(content, action) for action in reads), content


def test_what_is_written_can_be_read_back() -> None:
    assert set(writes_by_service()) <= set(READS)


def test_a_deployment_cannot_start_a_migration() -> None:
    assert "dms:StartReplicationTask" not in writes_by_service()["dms"]


def test_a_row_that_no_stack_uses_is_known() -> None:
    """Rows of the design's choices that no stack of the repository makes; anything else is left over."""
    used = {resource.type for stack in STACKS for resource in recorded(stack).resources}
    assert set(WRITES) - used <= {
        "aws:autoscaling/tag:Tag",
        "aws:cfg/rule:Rule",
        "aws:cloudwatch/logDelivery:LogDelivery",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "aws:ec2/networkAclRule:NetworkAclRule",
        "aws:ec2/tag:Tag",
        "aws:ec2/vpnConnectionRoute:VpnConnectionRoute",
        "aws:lb/listenerRule:ListenerRule",  # in the phase `shifting`, as the next
        "aws:lb/targetGroupAttachment:TargetGroupAttachment",
    }
    assert not any(type_.startswith(WITHOUT_AWS) for type_ in WRITES)

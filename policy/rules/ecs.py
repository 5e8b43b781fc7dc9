"""ECS and Batch: what containers may do on their host, and where their output goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..reading import Findings, Property, sentinels_to_unknown
from ..rule import CRITICAL, MEDIUM, Resource, rule

_TASK: Final = "aws.ecs.TaskDefinition"
_JOB: Final = "aws.batch.JobDefinition"
# Capabilities with which a container changes its host, its network or what other containers hold.
_CAPABILITIES: Final = (
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "NET_RAW",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
)


def _containers(task: Resource) -> Iterator[Property]:
    """The containers of an ECS task, or the one of a Batch job, which are given as JSON text."""
    text = task["containerDefinitions" if task.kind == _TASK else "containerProperties"]
    if not isinstance(text.value, str):
        yield from text
        return
    try:
        content: Any = sentinels_to_unknown(json.loads(text.value))
    except ValueError:
        return
    yield from Property(text.path, content)


@rule(
    "ecs-no-privileges",
    "ECS containers and Batch jobs have no privileges on their host",
    on=(_TASK, _JOB),
    requirements="2.2.6 7.2.1 7.2.2",
    severity=CRITICAL,
    remedy="remove privileged, host modes and host paths, and run as a user other than root",
)
def ecs_no_privileges(task: Resource) -> Findings:
    findings = [
        *task["networkMode"].must_not_be("host", wanted="awsvpc", default="awsvpc"),
        *task["pidMode"].must_not_be("host", wanted="task", default="task"),
        *task["ipcMode"].must_not_be("host", wanted="none or task", default="task"),
    ]
    for volume in task["volumes"]:
        findings += volume["hostPath"].must_not_be_given("no path of the host")
    for container in _containers(task):
        findings += container["privileged"].must_be(False, default=False)
        findings += container["user"].must(
            lambda name: str(name).partition(":")[0] not in ("0", "root"), "a user other than root", default="1000"
        )
        findings += [
            finding
            for name in container["linuxParameters"]["capabilities"]["add"]
            for finding in name.must_not_be(*_CAPABILITIES, wanted="no such capability")
        ]
    return findings


@rule(
    "ecs-read-only-root",
    "ECS containers cannot change their own files",
    on=_TASK,
    requirements="11.5.2 2.2.6",
    severity=MEDIUM,
    remedy="set readonlyRootFilesystem to true and mount volumes where files are written",
)
def ecs_read_only_root(task: Resource) -> Findings:
    return [f for container in _containers(task) for f in container["readonlyRootFilesystem"].must_be(True)]


@rule(
    "ecs-logged",
    "ECS containers send their logs somewhere",
    on=_TASK,
    requirements="10.2.1 10.3.3",
    severity=MEDIUM,
    remedy="set logConfiguration with a log driver such as awslogs",
)
def ecs_logged(task: Resource) -> Findings:
    return [
        finding
        for container in _containers(task)
        for finding in container["logConfiguration"].must_be_given("a log driver")
        or container["logConfiguration"]["logDriver"].must_not_be("none", wanted="a log driver such as awslogs")
    ]

"""The programs that the judges look at: every stack and choice, in several Regions, and at the longest stack name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from components.foundations.phases import PHASES
from operations.environments.forecast import record_example
from operations.plan.stack_recording import record_program, stack_settings
from recording.configuration import Configuration
from recording.program import Recording
from settings import LONGEST_STACK_NAME, read


class Program(NamedTuple):
    """A stack's settings, with another name, Region or choice where these are given."""

    source: str
    name: str = ""
    region: str = "eu-central-1"
    choices: Mapping[str, str] = {}


LONGEST = "a" * LONGEST_STACK_NAME
PROGRAMS: Mapping[str, Program] = {
    "dev": Program("dev"),
    "prod": Program("prod"),
    "prod in us-east-1": Program("prod", region="us-east-1"),
    "dev, longest names": Program("dev", LONGEST, "ap-northeast-1"),
    "prod, longest names": Program("prod", LONGEST, "ap-southeast-2"),
    **{
        f"prod, phase {phase}": Program("prod", choices={"softpos:migrationPhase": phase})
        for phase in PHASES
        if phase != "beside"  # prod's own
    },
    "the other choices": Program(
        "dev",
        choices={
            "softpos:edgeWafRules": "aws",
            "softpos:vpnRouting": "static",
            "softpos:databaseEngine": "mysql",
            "softpos:databaseEngineVersion": "8.4.8",
            "softpos:databaseInstanceClass": "db.m6gd.large",
            "softpos:databaseReaders": "2",
            "softpos:databaseReadersMax": "2",
            "softpos:agentProduct": "vision-one",
        },
    ),
    "singletons adopted": Program(
        "dev",
        choices={
            f"softpos:{name}": "adopt"
            for name in ("auditTrail", "auditConfig", "auditGuardduty", "auditSecurityHub", "auditInspector")
        },
    ),
}
ENVIRONMENT = "a test environment"


@cache
def played(name: str) -> Recording:
    """One recording of a program of `PROGRAMS`, or of a test environment."""
    if name == ENVIRONMENT:
        return record_example()
    program = PROGRAMS[name]
    configuration, _ = stack_settings(program.source)
    before = configuration.values["aws:region"]
    values = {key: value.replace(before, program.region) for key, value in configuration.values.items()}
    values.update(program.choices)
    stack = program.name or program.source
    settings, problems = read(values, stack)
    assert settings is not None, problems
    return record_program(Configuration(configuration.project, stack, values), settings)


def region_of(name: str) -> str:
    """The Region that a program is played in."""
    return PROGRAMS[name].region if name in PROGRAMS else "eu-central-1"

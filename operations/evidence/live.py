"""What only the account can tell: the verdicts and states of AWS's own services, asked by boto3, read-only.

A source that does not answer is named with its reason, never left out. Nothing here is a pass by silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from command_line.exits import BAD_INPUT, Stop
from operations.evidence.assessment import Outcome
from recording.recorder import Resource

SEVERE = ("CRITICAL", "HIGH")
"""Severities of Inspector that requirement 11.3.1 wants resolved."""
FINDINGS_PER_PAGE = 100
UNANSWERED = "the source did not answer"
AGENT_ALARM = "agent"
"""Part of the names of alarms that watch the host agent."""


@dataclass(frozen=True)
class Observed:
    """One answer of one service."""

    requirement: str
    source: str
    subject: str
    status: str
    detail: str


Source = Callable[[boto3.Session, tuple[Resource, ...], str], Iterator[Observed]]


def observe(session: boto3.Session, resources: Iterable[Resource], stack: str) -> tuple[Observed, ...]:
    """Ask every source about a stack."""
    known = tuple(resources)
    answers: list[Observed] = []
    for name, (requirement, ask) in SOURCES.items():
        try:
            found = list(ask(session, known, stack))
        except (BotoCoreError, ClientError) as error:
            found = [Observed(requirement, name, "", Outcome.UNDETERMINED, f"{UNANSWERED}: {error}")]
        nothing = Observed(requirement, name, "", Outcome.UNDETERMINED, "the source knows nothing about this stack")
        answers.extend(found or [nothing])
    return tuple(answers)


def _config(session: boto3.Session, _: tuple[Resource, ...], __: str) -> Iterator[Observed]:
    """Compliance of each AWS Config rule of the Region."""
    pages = session.client("config").get_paginator("describe_compliance_by_config_rule").paginate()
    states = {"COMPLIANT": Outcome.PASS, "NON_COMPLIANT": Outcome.FAIL, "NOT_APPLICABLE": Outcome.NOT_APPLICABLE}
    for page in pages:
        for rule in page["ComplianceByConfigRules"]:
            kind = rule.get("Compliance", {}).get("ComplianceType", "INSUFFICIENT_DATA")
            yield Observed("2.2.1", "AWS Config", rule["ConfigRuleName"], states.get(kind, Outcome.UNDETERMINED), kind)


def _security_hub(session: boto3.Session, _: tuple[Resource, ...], __: str) -> Iterator[Observed]:
    """Controls of Security Hub, each with how many of its checks passed and failed."""
    counts: dict[str, Counter[str]] = {}
    pages = session.client("securityhub").get_paginator("get_findings")
    active = {"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]}
    for page in pages.paginate(Filters=active, PaginationConfig={"PageSize": FINDINGS_PER_PAGE}):
        for finding in page["Findings"]:
            control = finding.get("Compliance", {}).get("SecurityControlId") or finding.get("GeneratorId", "")
            state = finding.get("Compliance", {}).get("Status", "NOT_AVAILABLE")
            counts.setdefault(control, Counter())[state] += 1
    for control, states in sorted(counts.items()):
        failed, unknown = states["FAILED"], states["WARNING"] + states["NOT_AVAILABLE"]
        status = Outcome.FAIL if failed else Outcome.UNDETERMINED if unknown else Outcome.PASS
        detail = ", ".join(f"{amount} {state.lower()}" for state, amount in sorted(states.items()))
        yield Observed("2.2.1", "Security Hub", control, status, detail)


def _inspector(session: boto3.Session, _: tuple[Resource, ...], __: str) -> Iterator[Observed]:
    """Open findings by severity; no critical or high one may be open."""
    counts: Counter[str] = Counter()
    active = {"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}
    for page in session.client("inspector2").get_paginator("list_findings").paginate(filterCriteria=active):
        counts.update(finding["severity"] for finding in page["findings"])
    severe = sum(counts[severity] for severity in SEVERE)
    detail = ", ".join(f"{amount} {severity.lower()}" for severity, amount in counts.most_common()) or "none open"
    yield Observed("11.3.1", "Inspector", "open findings", Outcome.FAIL if severe else Outcome.PASS, detail)


def _trails(session: boto3.Session, resources: tuple[Resource, ...], _: str) -> Iterator[Observed]:
    """Whether each trail of the stack is logging and delivers."""
    client = session.client("cloudtrail")
    for resource in _of(resources, "aws:cloudtrail/trail:Trail"):
        name = str(resource.outputs.get("arn") or resource.inputs.get("name") or resource.id)
        status = client.get_trail_status(Name=name)
        error = status.get("LatestDeliveryError") or ""
        works = status.get("IsLogging", False) and not error
        detail = error or ("logging" if works else "not logging")
        yield Observed("10.2.1", "CloudTrail", resource.name, Outcome.PASS if works else Outcome.FAIL, detail)


def _keys(session: boto3.Session, resources: tuple[Resource, ...], _: str) -> Iterator[Observed]:
    """Whether each key of the stack rotates."""
    client = session.client("kms")
    for resource in _of(resources, "aws:kms/key:Key"):
        rotates = client.get_key_rotation_status(KeyId=resource.id)["KeyRotationEnabled"]
        detail = "rotates yearly" if rotates else "does not rotate"
        yield Observed("3.7.4", "KMS", resource.name, Outcome.PASS if rotates else Outcome.FAIL, detail)


def _agent(session: boto3.Session, _: tuple[Resource, ...], stack: str) -> Iterator[Observed]:
    """The alarms on nodes whose agent did not activate."""
    states = {"OK": Outcome.PASS, "ALARM": Outcome.FAIL}
    for page in session.client("cloudwatch").get_paginator("describe_alarms").paginate():
        for alarm in page.get("MetricAlarms", ()):
            name = alarm["AlarmName"]
            if stack in name and AGENT_ALARM in name:
                state = alarm["StateValue"]
                yield Observed("5.2.1", "Host agent", name, states.get(state, Outcome.UNDETERMINED), state)


def _of(resources: tuple[Resource, ...], type_: str) -> Iterator[Resource]:
    return (resource for resource in resources if resource.type == type_)


SOURCES: dict[str, tuple[str, Source]] = {
    "AWS Config": ("2.2.1", _config),
    "Security Hub": ("2.2.1", _security_hub),
    "Inspector": ("11.3.1", _inspector),
    "CloudTrail": ("10.2.1", _trails),
    "KMS": ("3.7.4", _keys),
    "Host agent": ("5.2.1", _agent),
}
"""Each source by name: the requirement that it serves, and how it is asked."""


def session_for(region: str, option: str = "--live") -> Any:
    """A session with the credentials of the environment.

    Raises:
        Stop: when there are none: then no source could be asked.
    """
    try:
        session = boto3.Session(region_name=region)
        found = session.get_credentials()
    except BotoCoreError as error:
        raise Stop(BAD_INPUT, f"{option}: {error}; allowed: a profile that exists; correct AWS_PROFILE.") from None
    if found is None:
        raise Stop(
            BAD_INPUT,
            f"{option}: there are no AWS credentials; allowed: those of the environment; set AWS_PROFILE or log in, or "
            f"leave out {option}.",
        )
    return session

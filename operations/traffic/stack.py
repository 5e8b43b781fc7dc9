"""What the command needs of a stack, read from its outputs: the only place that knows the outputs' names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from command_line.exits import BAD_INPUT, REFUSED, Stop

PHASE, TRAFFIC, MIGRATION = "migrationPhase", "traffic", "migration"
SHIFTING = "shifting"
WAY = ("none", "beside", "shifting", "after")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the listener by whose action the traffic of a service moves."""

    arn: str
    new_target_group_arn: str


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """One stack's traffic while it shifts. `stack` is the stack's name; the rest are outputs of the same name."""

    stack: str
    region: str
    host_name: str
    zone_id: str
    load_balancer_dns_name: str
    load_balancer_zone_id: str
    load_balancer_arn_suffix: str
    rules: tuple[Rule, ...]
    old_target_group_arn: str
    new_target_group_arns: tuple[str, ...]
    cookie_seconds: int
    """The longest time that a client may be bound to one side."""
    firewall_metric_name: str
    state_table_name: str
    """DynamoDB table with the string hash key `stack`, which the database's move uses too."""
    vpn_connection_id: str
    replication_instance_arn: str
    forward_task_arn: str
    source_operator_secret_arn: str
    source_endpoint_arn: str


OUTPUT_OF: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "state_table_name",
            "vpn_connection_id",
            "replication_instance_arn",
            "forward_task_arn",
            "source_operator_secret_arn",
            "source_endpoint_arn",
            "region",
        ),
        MIGRATION,
    ),
}
"""The output that holds a field; the others are in `traffic`."""


def live_phase(stack: str, outputs: Mapping[str, Any]) -> str:
    """The phase in which the stack is deployed.

    Raises:
        Stop: when the outputs do not say it.
    """
    phase = outputs.get(PHASE)
    if phase not in WAY:
        raise Stop(
            BAD_INPUT,
            f"{PHASE}: the stack {stack} says {json.dumps(phase)}; allowed: {', '.join(WAY)}; run `pulumi up` on this "
            "program.",
        )
    return str(phase)


def from_outputs(stack: str, outputs: Mapping[str, Any]) -> Traffic:
    """The traffic that a stack's outputs describe.

    Raises:
        Stop: refused when the live phase is not the one in which traffic moves; bad input, a line each, when an output
            is missing or wrong.
    """
    phase = live_phase(stack, outputs)
    if phase != SHIFTING:
        raise Stop(REFUSED, _refusal(stack, phase))
    problems: list[str] = []
    values: dict[str, Any] = {"stack": stack}
    types = get_type_hints(Traffic)
    for field in fields(Traffic):
        if field.name == "stack":
            continue
        output = OUTPUT_OF.get(field.name, TRAFFIC)
        held = outputs.get(output)
        value = held.get(field.name) if isinstance(held, Mapping) else None
        read = _read(value, types[field.name])
        if read is MISSING:
            problems.append(
                f"{output}.{field.name}: the stack {stack} says {json.dumps(value)[:80]}; allowed: "
                f"{FORMS[types[field.name]]}; run `pulumi up` on this program."
            )
        values[field.name] = read
    if problems:
        raise Stop(BAD_INPUT, *problems)
    return Traffic(**values)


FORMS: Mapping[Any, str] = {
    str: "a text",
    int: "a number above zero",
    tuple[str, ...]: "a list of texts",
    tuple[Rule, ...]: "a list of rules, each with arn and new_target_group_arn",
}
"""What each type of a field may be in the outputs."""


def _read(value: Any, type_: Any) -> Any:
    """The value as its field's type, or `MISSING` when it is none."""
    if type_ is str and isinstance(value, str) and value:
        return value
    if type_ is int and isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1:
        return int(value)
    if isinstance(value, list) and value:
        if type_ == tuple[str, ...] and all(isinstance(item, str) for item in value):
            return tuple(value)
        if type_ == tuple[Rule, ...]:
            names = ("arn", "new_target_group_arn")
            if all(isinstance(item, Mapping) and all(isinstance(item.get(n), str) for n in names) for item in value):
                return tuple(Rule(**{name: item[name] for name in names}) for item in value)
    return MISSING


def _refusal(stack: str, phase: str) -> str:
    where = f"the stack {stack} is in phase '{phase}', and traffic moves only in '{SHIFTING}'"
    if phase == "beside":
        return f"traffic: {where}; set softpos:migrationPhase to {SHIFTING} and run `pulumi up`."
    if phase == "none":
        return f"traffic: {where}; the phase 'beside' comes first, then '{SHIFTING}': no phase may be skipped."
    return f"traffic: {where}; the move is over, and AWS serves everything."

"""From the inputs of a program in any language to a component's arguments, or to all the reasons why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_type_hints

import pulumi

from components.cluster.workload_security import WorkloadSecurityAgent, WorkloadSecurityAgentArgs
from components.foundations.alarms import Alarms
from components.foundations.declared import PULUMIS_OWN, Declared, as_text
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.foundations.problems import NotAllowed, Problem, camel, shown
from components.foundations.values import Refused, kind_of
from provider.declarations import (
    Declaration,
    fallback,
    inputs_of,
    is_choice,
    is_list,
    is_object,
    members_of,
    plain,
    settings_of,
)
from provider.exports import Export
from settings import AgentSettings


@dataclass
class Reading:
    """The inputs of one component, read into typed values; `problems` grows with what cannot be used."""

    problems: list[Problem] = field(default_factory=list)

    def values(self, declared: Iterable[Declaration], given: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """Each declared value by its name; absent where it is itself a problem."""
        listed = {one.key: one for one in declared}
        for key in given.keys() - listed.keys():
            self._refuse(f"{path}{key}", "this input", f"{', '.join(listed)}", "correct or remove it")
        found = {}
        for key, one in listed.items():
            value = given.get(key)
            if value is None and not one.optional:
                self._refuse(f"{path}{key}", "nothing", "a value", "give it")
            elif value is None:
                found[one.name] = one.default
            else:
                try:
                    found[one.name] = self._value(one, value, f"{path}{key}")
                except Refused as refused:
                    text = "an output" if isinstance(value, pulumi.Output) else shown(as_text(value))
                    self._refuse(f"{path}{key}", text, refused.allowed, refused.remedy)
        return found

    def built(self, make: Callable[..., Any], values: Mapping[str, Any], path: str = "") -> Any:
        """A value of a class that judges itself; None when it cannot be."""
        try:
            return make(**values)
        except NotAllowed as refused:
            for problem in refused.problems:
                allowed = re.sub(r"[a-z]+(_[a-z]+)+(?= \()|(?<= of )[a-z]+(_[a-z]+)+", _in_camel, problem.allowed)
                self.problems.append(problem._replace(key=f"{path}{camel(problem.key)}", allowed=allowed))
            return None

    def production(self, judged: type[Declared], values: Mapping[str, Any]) -> None:
        """What production leaves no choice in."""
        for name, (wanted, allowed) in judged.IN_PRODUCTION.items():
            if name in values and values[name] != wanted:
                remedy = f"set it to {as_text(wanted)}, or make place.production false"
                self._refuse(camel(name), shown(as_text(values[name])), allowed, remedy)

    def _value(self, one: Declaration, value: Any, key: str) -> Any:
        if one.later:
            return value
        if isinstance(value, pulumi.Output):
            raise Refused("a value known before the deployment", "write it; items of a list may be outputs")
        bare = plain(one.hint)
        if is_object(bare):
            return self.object(bare, value, f"{key}.")
        if is_list(bare) and is_object(get_args(bare)[0]):
            return tuple(self.object(get_args(bare)[0], item, f"{key}[{at}].") for at, item in enumerate(value))
        if (kind := one.kind or (kind_of(bare) if is_choice(bare) else fallback(bare))) is not None:
            return kind(as_text(value))
        if is_list(bare):
            return tuple(value)
        if bare is int:
            return int(value)
        return value

    def object(self, declared: type, given: Mapping[str, Any], path: str) -> Any:
        """A nested object as the value that the component takes."""
        before = len(self.problems)
        values = self.values(members_of(declared), given, path)
        if declared is Placement:
            return values
        return self.built(declared, values, path) if len(self.problems) == before else None

    def _refuse(self, key: str, value: str, allowed: str, remedy: str) -> None:
        self.problems.append(Problem(key, value, allowed, remedy))


def arguments(
    export: Export, name: str, given: Mapping[str, Any], here: pulumi.Resource, options: pulumi.ResourceOptions | None
) -> Any:
    """The arguments of an exported component.

    Raises:
        NotAllowed: with one sentence for each input that cannot be used.
    """
    reading = Reading()
    hints = get_type_hints(export.args, localns=PULUMIS_OWN, include_extras=True)
    values = reading.values(inputs_of(export), given)
    place = values.pop("place", {})
    placement = _placement(reading, place, options) if "place" in given else None
    ready: dict[str, Any] = {**export.fixed}
    if "settings" in hints:
        names = {one.name for one in settings_of(hints["settings"])}
        chosen = {one: values.pop(one) for one in names & values.keys()}
        if place.get("production"):
            reading.production(hints["settings"], chosen)
        if names == chosen.keys() and not reading.problems:
            ready["settings"] = reading.built(hints["settings"], chosen)
    if place.get("production") and issubclass(export.args, Declared):
        reading.production(export.args, values)
    if reading.problems or placement is None:
        raise NotAllowed(tuple(reading.problems))
    wiring: dict[str, Callable[[], Any]] = {
        "placement": lambda: placement,
        "logs": lambda: LogStorage(
            placement=placement, key_arn=values["logs_key_arn"], retention_days=place["log_retention_days"]
        ),
        "alarms": lambda: Alarms(placement=placement, topic_arn=values["alarm_topic_arn"]),
        "firewall_mode": lambda: ready["settings"].waf_mode,
    }
    for argument in (one.name for one in fields(export.args) if one.name in wiring and one.name in hints):
        ready[argument] = wiring[argument]()
    own = {one.name for one in fields(export.args)}
    values = {one: value for one, value in values.items() if one in own}
    if "agent" in values:
        ready["agent"] = _agent(f"{name}-agent", ready, values.pop("agent"), here)
    made = reading.built(export.args, {**ready, **values})
    if reading.problems:
        raise NotAllowed(tuple(reading.problems))
    return made


def _placement(reading: Reading, place: Mapping[str, Any], options: pulumi.ResourceOptions | None) -> Placement | None:
    provider = pulumi.Config("aws").get("region")
    explicit = bool(options and (options.provider or options.providers))
    if provider and not explicit and place.get("region", provider) != provider:
        reading.problems.append(
            Problem("place.region", shown(place["region"]), f"{provider}, the Region of the provider", "correct it")
        )
    if reading.problems:
        return None
    values = {name: place[name] for name in ("region", "account_id", "production", "owner", "cost_centre")}
    own = {
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "boundary": place["permissions_boundary"] or None,
    }
    made: Placement | None = reading.built(Placement, {**values, **own}, "place.")
    return made


def _agent(
    name: str, ready: Mapping[str, Any], settings: AgentSettings, here: pulumi.Resource
) -> WorkloadSecurityAgent:
    wiring = {one: ready[one] for one in ("placement", "logs", "alarms")}
    args = WorkloadSecurityAgentArgs(settings=settings, **wiring)
    return WorkloadSecurityAgent(name, args, pulumi.ResourceOptions(parent=here))


def _in_camel(found: re.Match[str]) -> str:
    return camel(found.group())

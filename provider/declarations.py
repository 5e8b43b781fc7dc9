"""What a component may be given and gives, read from its own declaration: types, words, defaults, kinds of values."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from inspect import get_annotations
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pulumi
from pulumi.provider.experimental.analyzer import Analyzer

from command_line.project import ROOT
from components.audit.settings import AuditSettings
from components.cluster.workload_security import WorkloadSecurityAgent
from components.foundations.alarms import Alarms
from components.foundations.declared import PULUMIS_OWN, Declared, kinds
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.foundations.problems import camel
from components.foundations.values import Kind, Refused, network
from provider.exports import Export
from recording.strict_yaml import read_yaml
from settings import AgentSettings, Settings

REQUIRED: Any = object()
"""In the place of a default: the value must be given."""
WIRING = {
    LogStorage: ("logs_key_arn", "ARN of the customer-managed key for log groups; CloudWatch Logs may use it."),
    Alarms: ("alarm_topic_arn", "ARN of the SNS topic that alarms go to."),
}
"""Arguments that are values of the components' foundations, and the ARN that each is built from."""

GIVEN_TEXT = pulumi.Input[str]
"""A text that another resource may give."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One input or output."""

    name: str
    hint: Any
    words: str
    default: Any = REQUIRED
    kind: Kind | None = None

    @property
    def key(self) -> str:
        """Its name in the schema."""
        return camel(self.name)

    @property
    def optional(self) -> bool:
        return self.default is not REQUIRED

    @property
    def later(self) -> bool:
        """Whether its value may be known only after a deployment. A list is known at once, its items need not be."""
        awaited = any(get_origin(one) is Awaitable for one in get_args(self.hint))
        return awaited or get_origin(self.hint) is pulumi.Output


PLACE_WORDS = {
    "region": "AWS Region, the one of the provider.",
    "account_id": "The 12 digits of the account.",
    "owner": "Who answers for the resources; a tag on each.",
    "cost_centre": "Who pays; a tag on each resource.",
    "permissions_boundary": "Path and name of the policy that bounds every role made here; none unless given.",
    "production": "Whether data is protected from deletion and no zone depends on another.",
    "log_retention_days": "Days that logs are kept.",
}
PLACE_DEFAULTS = {
    "permissions_boundary": "",
    "production": True,
    "log_retention_days": AuditSettings.log_retention_days,
}


@cache
def place() -> tuple[Declaration, ...]:
    """Where a component stands and who owns it."""
    known = {**kinds(Placement), "log_retention_days": kinds(AuditSettings)["log_retention_days"]}
    hints = {"production": bool, "log_retention_days": int}
    return tuple(
        Declaration(
            name=name,
            hint=hints.get(name, str),
            words=_with_allowed(words, known.get(name)),
            default=PLACE_DEFAULTS.get(name, REQUIRED),
            kind=known.get(name),
        )
        for name, words in PLACE_WORDS.items()
    )


@cache
def descriptions() -> Mapping[str, str]:
    """What `Pulumi.yaml` says of each setting, by its key without the project."""
    declared = read_yaml((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return {key.partition(":")[2]: value["description"] for key, value in declared.items()}


def group_of(declared: type) -> str:
    """The first word of the keys of a class of settings."""
    return next(name for name, hint in get_type_hints(Settings).items() if hint is declared)


def settings_of(declared: type) -> Iterator[Declaration]:
    """The inputs that a class of settings asks for."""
    group = group_of(declared)
    hints = get_type_hints(declared, include_extras=True)
    for field in fields(declared):
        kind = kinds(declared)[field.name]
        words = _with_allowed(descriptions()[camel(group, field.name)], kind)
        yield Declaration(name=field.name, hint=hints[field.name], words=words, default=_default(field), kind=kind)


def inputs_of(export: Export) -> Iterator[Declaration]:
    """Every input of an exported component, in the order of its arguments."""
    hints = get_type_hints(export.args, localns=PULUMIS_OWN, include_extras=True)
    known = kinds(export.args)
    docs = docstrings(export.args)
    for field in fields(export.args):
        hint = hints[field.name]
        if field.name in export.fixed:
            continue
        if hint is Placement:
            yield Declaration(name="place", hint=Placement, words="Where it stands and who owns it.")
        elif hint in WIRING:
            name, words = WIRING[hint]
            yield Declaration(name=name, hint=GIVEN_TEXT, words=words)
        elif hint is WorkloadSecurityAgent:
            yield Declaration(name="agent", hint=AgentSettings, words="The security agent on every node.")
        elif field.name == "settings":
            yield from settings_of(hint)
        elif not (field.name == "firewall_mode" and "waf_mode" in kinds(hints["settings"])):
            kind = known.get(field.name)
            words = _with_allowed(docs.get(field.name) or "", kind)
            yield Declaration(name=field.name, hint=hint, words=words, default=_default(field), kind=kind)


def outputs_of(export: Export) -> Iterator[Declaration]:
    """Every output of an exported component."""
    hints = get_annotations(export.component, eval_str=True)
    docs = docstrings(export.component)
    for name in export.outputs:
        yield Declaration(name=name, hint=hints[name], words=docs.get(name) or "")


def members_of(declared: Any) -> Iterator[Declaration]:
    """The fields of a plain value that is given as an object."""
    if declared is Placement:
        yield from place()
    elif issubclass(declared, Declared):
        yield from settings_of(declared)
    else:
        hints = get_type_hints(declared, include_extras=True)
        docs = docstrings(declared)
        for field in fields(declared):
            words = docs.get(field.name) or field.name
            yield Declaration(name=field.name, hint=hints[field.name], words=words, default=_default(field))


def docstrings(declared: type) -> Mapping[str, str]:
    """The words below each field of a class, as Pulumi's own analyzer finds them."""
    analyzer = Analyzer("softpos")
    analyzer.get_docstring(declared, "")
    return {name: " ".join(words.split()) for name, words in analyzer.docstrings.get(declared.__name__, {}).items()}


def plain(hint: Any) -> Any:
    """A type without what may be wrapped around it: the kind of value, an output, an input."""
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    if get_origin(hint) is pulumi.Output:
        return plain(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        awaited = [get_args(one)[0] for one in get_args(hint) if get_origin(one) is Awaitable]
        return plain(awaited[0] if awaited else get_args(hint)[0])
    return hint


def is_list(hint: Any) -> bool:
    return get_origin(hint) in (tuple, list, Sequence)


def fallback(hint: Any) -> Kind | None:
    """The kind of a plain value whose declaration names none."""
    if hint in (IPv4Network, IPv4Address):
        return network
    return None


def is_choice(hint: Any) -> bool:
    return get_origin(hint) is Literal


def is_object(hint: Any) -> bool:
    return isinstance(hint, type) and is_dataclass(hint)


def _default(field: Field[Any]) -> Any:
    return REQUIRED if field.default is MISSING else field.default


def _with_allowed(words: str, kind: Kind | None) -> str:
    """Words with what the kind allows, in the words with which it refuses anything else."""
    if kind is None:
        return words
    try:
        kind("\0")
    except Refused as refused:
        return f"{words.rstrip('.;')}. Allowed: {refused.allowed}."
    return words

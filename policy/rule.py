"""What a rule is: one fact of PCI DSS about one kind of resource, with all that its reader needs beside it.

A rule is a function that gets a resource, or for a rule over the whole stack all of them, and returns what is wrong.
The decorator `@rule` adds the name, the requirement numbers, the controls of AWS that it answers, the severity and the
remedy. Keyword-only parameters of the function are the rule's parameters: their defaults are what the standard or AWS
asks for, and policy configuration may set them (in camelCase).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from pulumi_policy import Severity

from .reading import Breach, Finding, Findings, Property, Unjudged

CRITICAL: Final = Severity.CRITICAL
HIGH: Final = Severity.HIGH
MEDIUM: Final = Severity.MEDIUM
LOW: Final = Severity.LOW

EVERY_KIND: Final = "*"
PRODUCTION_STACKS: Final = "production_stacks"

_SAME_MODULE: Final = {
    "alb": "lb",
    "applicationloadbalancing": "lb",
    "elasticloadbalancingv2": "lb",
    "elasticloadbalancing": "elb",
}


@lru_cache(maxsize=4096)
def kind_of(resource_type: str) -> str:
    """The kind of a type token, the same for all tokens of the same thing: `aws.lb.Listener`, `kubernetes.Deployment`.

    AWS: `aws:alb/listener:Listener` and its other aliases are one kind, so are `s3.Bucket` and `s3.BucketV2`.
    Kubernetes: `kubernetes:apps/v1:Deployment` and older API versions are one kind.
    """
    package, _, rest = resource_type.partition(":")
    module, _, name = rest.rpartition(":")
    module = module.partition("/")[0]
    if package == "kubernetes":
        return f"kubernetes.{name}"
    module = _SAME_MODULE.get(module, module)
    if module == "s3" and name.endswith("V2"):
        name = name[:-2]
    return f"{package}.{module}.{name}"


class Resource(Property):
    """A resource as a rule sees it: its properties by name, and who it is."""

    __slots__ = ("dependencies", "kind", "name", "parent", "property_dependencies", "type", "urn")

    def __init__(
        self,
        resource_type: str,
        name: str,
        urn: str,
        properties: Mapping[str, Any],
        *,
        parent: str = "",
        dependencies: Sequence[str] = (),
        property_dependencies: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__("", properties)
        self.type = resource_type
        self.kind = kind_of(resource_type)
        self.name = name
        self.urn = urn
        self.parent = parent
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}

    @property
    def stack(self) -> str:
        return stack_of(self.urn)


def stack_of(urn: str) -> str:
    """The stack's name, which is the third part of every URN: `urn:pulumi:prod::project::type::name`."""
    parts = urn.split(":", 3)
    return parts[2] if len(parts) == 4 and parts[:2] == ["urn", "pulumi"] else ""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule and what is said about it.

    name: unique, `<service>-<claim>`. claim: what is true when the rule holds, one sentence without a full stop.
    requirements: numbers of PCI DSS v4.0.1. controls: ids of the catalogue's rows that it answers.
    on: the kinds of resource it judges; none for a rule over the whole stack. remedy: completes "…: do this".
    parameters: what policy configuration may set, with the defaults.
    """

    name: str
    claim: str
    requirements: tuple[str, ...]
    controls: tuple[str, ...]
    severity: Severity
    remedy: str
    judge: Callable[..., list[Any]] = field(repr=False)
    on: tuple[str, ...] = ()
    parameters: Mapping[str, Any]
    production_only: bool = False

    @property
    def over_stack(self) -> bool:
        return not self.on

    def sentence(self, who: str, breach: Breach) -> str:
        """The message of a violation: resource, property, found, wanted, requirement, remedy."""
        what = f"{breach.property} is {breach.found}" if breach.property else breach.found
        numbers = ", ".join(self.requirements)
        return f"{who}: {what}, wanted {breach.wanted} (PCI DSS 4.0.1: {numbers}); {self.remedy}."

    def undetermined_sentence(self, who: str, missing: Unjudged) -> str:
        """The message about a value that only the deployment will tell."""
        if missing.property:
            what = f"{missing.property} is not known before deployment, so whether it is {missing.wanted}"
        else:
            what = f"is not fully known before deployment, so whether it has {missing.wanted}"
        return f"{self.name}: {who} {what} was not judged."


# A rule over the whole stack says of which resource each finding is; None: of the stack as a whole.
StackFindings = list[tuple[Resource | None, Finding]]
Judge = TypeVar("Judge", bound=Callable[..., Findings | StackFindings])

_registered: dict[str, Rule] = {}


def registered_rules() -> tuple[Rule, ...]:
    """All rules of the rule modules imported so far, in their order of definition."""
    return tuple(_registered.values())


def _register(made: Rule) -> None:
    if made.name in _registered:
        raise ValueError(f"Two rules are named {made.name}: rule names are unique; rename one.")
    _registered[made.name] = made


def rule(
    name: str,
    claim: str,
    *,
    requirements: str,
    severity: Severity,
    remedy: str,
    on: str | tuple[str, ...] = (),
    controls: str = "",
    production_only: bool = False,
) -> Callable[[Judge], Judge]:
    """Makes a function a rule: of a resource of the kinds `on`, or of the whole stack when there are none.

    `requirements` and `controls` are lists separated by spaces.
    """

    def decorate(judge: Judge) -> Judge:
        _register(
            Rule(
                name=name,
                claim=claim,
                on=(on,) if isinstance(on, str) else on,
                requirements=tuple(requirements.split()),
                controls=tuple(controls.split()),
                severity=severity,
                remedy=remedy,
                judge=judge,
                parameters=_parameters(judge, production_only),
                production_only=production_only,
            )
        )
        return judge

    return decorate


def _parameters(judge: Callable[..., Any], production_only: bool) -> dict[str, Any]:
    parameters = dict(getattr(judge, "__kwdefaults__", None) or {})
    if production_only:
        parameters[PRODUCTION_STACKS] = ("prod",)
    return parameters


def camel_case(parameter: str) -> str:
    """The name of a parameter in policy configuration: `minimum_days` is `minimumDays`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), parameter)

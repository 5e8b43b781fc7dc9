"""What a rule is: one fact of PCI DSS about one kind of resource, with all that its reader needs in one place.

A rule is a function that gets a resource, or for a rule over the whole stack all of them, and returns what is wrong.
The decorator `@rule` adds the name, the requirement numbers, the controls of AWS that it answers, the severity and the
remedy. Keyword-only parameters of the function are the rule's parameters: their defaults are what the standard or AWS
asks for, and policy configuration may set them (in camelCase).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from pulumi_policy import Severity

from .cloud_control import translated
from .reading import Breach, Finding, Findings, Property, Unjudged

CRITICAL: Final = Severity.CRITICAL
HIGH: Final = Severity.HIGH
MEDIUM: Final = Severity.MEDIUM
LOW: Final = Severity.LOW

EVERY_KIND: Final = "*"
PRODUCTION_STACKS: Final = "production_stacks"
PASSING_NAMES: Final = (
    "dev", "dev-*", "*-dev", "develop*", "test*", "*-test", "stag*", "*-stag*", "qa*", "sandbox*", "env-*", "pr-*",
    "preview*", "ci*", "demo*", "local*", "nonprod*", "non-prod*",
)  # fmt: skip
PRODUCTION_NAMES: Final = ("prod", "production", "prd", "prod-*", "production-*", "*-prod", "*-production", "*-prd")

_SAME_MODULE: Final = {
    "alb": "lb",
    "applicationloadbalancing": "lb",
    "elasticloadbalancingv2": "lb",
    "elasticloadbalancing": "elb",
}


# API groups of Kubernetes itself; a kind of another group is not the one of the same name.
_KUBERNETES_GROUPS: Final = (
    "admissionregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "core",
    "extensions",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
)
_PATCH: Final = "Patch"
_CLOUD_CONTROL: Final = ("aws-native:", "aws:cloudcontrol/")


@lru_cache(maxsize=4096)
def kind_of(resource_type: str) -> str:
    """The kind of a type token, the same for all tokens of the same thing: `aws.lb.Listener`, `kubernetes.Deployment`.

    AWS: `aws:alb/listener:Listener` and its other aliases are one kind, so are `s3.Bucket` and `s3.BucketV2`.
    Kubernetes: `kubernetes:apps/v1:Deployment`, older API versions and its patch are one kind; a kind of another group
    keeps it in its name: `kubernetes.argoproj.io.Rollout`.
    """
    package, _, rest = resource_type.partition(":")
    module, _, name = rest.rpartition(":")
    module = module.partition("/")[0]
    if package == "kubernetes":
        return (
            f"kubernetes.{name.removesuffix(_PATCH)}" if module in _KUBERNETES_GROUPS else f"kubernetes.{module}.{name}"
        )
    module = _SAME_MODULE.get(module, module)
    if module == "s3" and name.endswith("V2"):
        name = name[:-2]
    return f"{package}.{module}.{name}"


class Resource(Property):
    """A resource as a rule sees it: its properties by name, and who it is.

    partial: only some of its properties are here, as in a patch; nothing follows from what is not set.
    """

    __slots__ = ("dependencies", "kind", "name", "parent", "partial", "property_dependencies", "type", "urn")

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
        self.partial = resource_type.startswith("kubernetes:") and resource_type.endswith(_PATCH)
        self.name = name
        self.urn = urn
        self.parent = parent
        self.dependencies = dependencies
        self.property_dependencies = property_dependencies or {}

    @property
    def stack(self) -> str:
        return stack_of(self.urn)


def parts_of(resource: Resource) -> Iterator[Resource]:
    """The resource itself, and what it holds: the items of a Kubernetes list, the resource that Cloud Control makes."""
    if resource.type.startswith(_CLOUD_CONTROL) and isinstance(resource.value, dict):
        for token, properties in translated(resource.type, resource.value):
            made = Resource(token, resource.name, resource.urn, properties)
            made.partial = True
            yield made
    items = resource.value.get("items") if isinstance(resource.value, dict) else None
    if not (resource.kind.startswith("kubernetes.") and resource.kind.endswith("List") and isinstance(items, list)):
        yield resource
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield Resource(_type_of_item(resource, item), f"{resource.name}[{index}]", resource.urn, item)


def _type_of_item(listing: Resource, item: Mapping[str, Any]) -> str:
    kind, version = item.get("kind"), str(item.get("apiVersion", ""))
    if not isinstance(kind, str):
        return listing.type.removesuffix("List")
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"


def stack_of(urn: str) -> str:
    """The stack's name, which is the third part of every URN: `urn:pulumi:prod::project::type::name`."""
    parts = urn.split(":", 3)
    return parts[2] if len(parts) == 4 and parts[:2] == ["urn", "pulumi"] else ""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule and what is said about it.

    name: unique, `<service>-<claim>`. claim: what is true when the rule holds, one sentence without a full stop.
    requirements: numbers of PCI DSS v4.0.1. controls: ids of the catalogue's rows that it answers.
    on: the kinds of resource it judges one by one. about: the kinds that a rule over the whole stack is about; where
    the stack has none of them, there is nothing to judge. remedy: completes "…: do this".
    parameters: what policy configuration may set, with the defaults.
    wish: this platform's own wish, not a requirement: off unless configuration turns it on.
    """

    name: str
    claim: str
    requirements: tuple[str, ...]
    controls: tuple[str, ...]
    severity: Severity
    remedy: str
    judge: Callable[..., list[Any]] = field(repr=False)
    on: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    parameters: Mapping[str, Any]
    production_only: bool = False
    wish: bool = False

    @property
    def over_stack(self) -> bool:
        return not self.on

    @property
    def reference(self) -> str:
        """The requirement numbers as a message gives them; a rule without one says what it is instead."""
        if self.wish:
            return "the platform's own wish"
        return f"PCI DSS 4.0.1: {', '.join(self.requirements)}" if self.requirements else "good practice"

    def sentence(self, who: str, breach: Breach) -> str:
        """The message of a violation: resource, property, found, wanted, requirement, remedy."""
        what = f"{breach.property} is {breach.found}" if breach.property else breach.found
        return f"{who}: {what}, wanted {breach.wanted} ({self.reference}); {self.remedy}."

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
    severity: Severity,
    remedy: str,
    requirements: str = "",
    on: str | tuple[str, ...] = (),
    about: str | tuple[str, ...] = (),
    controls: str = "",
    production_only: bool = False,
    wish: bool = False,
) -> Callable[[Judge], Judge]:
    """Makes a function a rule: of each resource of the kinds `on`, or of the whole stack, `about` some kinds of it.

    `requirements` and `controls` are lists separated by spaces. A kind may end in `*`: `kubernetes.*`.

    Raises:
        ValueError: the name is taken, or the rule is neither on nor about anything.
    """
    if bool(on) == bool(about):
        raise ValueError(f"{name} must say either the kinds that it is on, or those that it is about.")

    def decorate(judge: Judge) -> Judge:
        _register(
            Rule(
                name=name,
                claim=claim,
                on=(on,) if isinstance(on, str) else on,
                about=(about,) if isinstance(about, str) else about,
                requirements=tuple(requirements.split()),
                controls=tuple(controls.split()),
                severity=severity,
                remedy=remedy,
                judge=judge,
                parameters=_parameters(judge, production_only),
                production_only=production_only,
                wish=wish,
            )
        )
        return judge

    return decorate


def _parameters(judge: Callable[..., Any], production_only: bool) -> dict[str, Any]:
    parameters = dict(getattr(judge, "__kwdefaults__", None) or {})
    if production_only:
        parameters[PRODUCTION_STACKS] = PRODUCTION_NAMES
    return parameters


def camel_case(parameter: str) -> str:
    """The name of a parameter in policy configuration: `minimum_days` is `minimumDays`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), parameter)

"""What every component of the package is told about where it stands, and how its plain values are checked."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, TypeVar

import pulumi

from components.foundations.alarms import Alarms
from components.foundations.declared import kinds
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.foundations.values import Refused
from settings import PCI_LOG_RETENTION_DAYS

Group = TypeVar("Group")


class Place(TypedDict):
    """Where a component stands and who owns it."""

    region: str
    """AWS Region, for example eu-central-1."""
    account_id: str
    """The 12 digits of the account."""
    owner: str
    """Who answers for it; a tag on every resource."""
    cost_centre: str
    """Who pays; a tag on every resource."""
    permissions_boundary: NotRequired[str]
    """Path and name of the policy that bounds every role made here, for example policy/workload; none unless given."""
    production: NotRequired[bool]
    """Whether data is protected from deletion; true unless given."""
    log_retention_days: NotRequired[int]
    """Days that logs are kept, at least 365 (PCI DSS 10.5.1); 400 unless given."""


DEFAULT_LOG_RETENTION_DAYS = 400


def placement(place: Place) -> Placement:
    """The names, ARNs and tags that follow from a place in the running stack."""
    return Placement(
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        region=place["region"],
        account_id=place["account_id"],
        production=place.get("production", True),
        owner=place["owner"],
        cost_centre=place["cost_centre"],
        boundary=place.get("permissions_boundary"),
    )


def logs(place: Place, key_arn: pulumi.Input[str]) -> LogStorage:
    """Where log groups are made.

    Raises:
        ValueError: for a retention that PCI DSS does not allow.
    """
    days = int(place.get("log_retention_days", DEFAULT_LOG_RETENTION_DAYS))
    if days < PCI_LOG_RETENTION_DAYS:
        raise ValueError(
            f"logRetentionDays is {days}; allowed: {PCI_LOG_RETENTION_DAYS} or more (PCI DSS 10.5.1); keep logs longer."
        )
    return LogStorage(placement=placement(place), key_arn=key_arn, retention_days=days)


def alarms(place: Place, topic_arn: pulumi.Input[str]) -> Alarms:
    """Where alarms tell people."""
    return Alarms(placement=placement(place), topic_arn=topic_arn)


def checked(group: type[Group], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Group:
    """A group of settings from plain inputs, each checked as the program checks its own configuration.

    Raises:
        ValueError: with one sentence for the first value that is not allowed.
    """
    values: dict[str, Any] = {}
    for name, kind in kinds(group).items():
        value = given.get(name, defaults.get(name))
        try:
            values[name] = kind(_text(value))
        except Refused as refused:
            raise ValueError(f"{_camel(name)} is {value!r}; {refused}.") from None
    return group(**values)


def _text(value: Any) -> str:
    """Configuration is text, which is what the checks read; numbers arrive from the engine as floats."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)

"""Everything that a stack can choose, and the key of each setting.

The settings of a component are declared beside it, in `components/<area>/settings.py`: the type, and in the annotation
what the value may be. Choices (`Literal`) and booleans say it by their type alone.
A setting's key is its group and field in camel case: ``database.instance_class`` is ``softpos:databaseInstanceClass``.
Defaults and descriptions are in `Pulumi.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

from components.audit.settings import AuditSettings
from components.cluster.settings import AgentSettings, ClusterSettings
from components.data.settings import CacheSettings, DatabaseSettings
from components.edge.settings import EdgeSettings
from components.foundations.declared import kinds
from components.foundations.migration_settings import MigrationSettings
from components.foundations.placement import Placement
from components.foundations.values import (
    Between,
    Optionally,
    PrivateRange,
    account_number,
    kind_of,
    moment,
    region,
    tag_value,
)
from components.network.settings import BastionSettings, NetworkSettings, VpnSettings
from components.service.declaration import Service, services, simple
from components.service.settings import ServiceSettings
from settings.problems import camel

PROJECT = "softpos"


@dataclass(frozen=True, kw_only=True)
class TemporarySettings:
    """Test environments: what one of them is for and until when, and what the account allows of them."""

    until: Annotated[str, Optionally(moment)]
    """When the stack may be destroyed; empty for a stack that stays."""
    purpose: Annotated[str, Optionally(tag_value)]
    limit: Annotated[int, Between(0, 200, "environments")]
    hours_max: Annotated[int, Between(1, 336, "hours", "at most 14 days")]
    cidrs: Annotated[IPv4Network, PrivateRange(10, 19)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a stack can choose. Security is not among it."""

    account_id: Annotated[str, account_number]
    environment: Literal["production", "development"]
    owner: Annotated[str, tag_value]
    cost_centre: Annotated[str, tag_value]
    image_account_id: Annotated[str, Optionally(account_number)]
    network: NetworkSettings
    bastion: BastionSettings
    edge: EdgeSettings
    cluster: ClusterSettings
    agent: AgentSettings
    service: ServiceSettings
    services: Annotated[tuple[Service, ...], services]
    database: DatabaseSettings
    cache: CacheSettings
    vpn: VpnSettings
    migration: MigrationSettings
    audit: AuditSettings
    temporary: TemporarySettings
    stack: str
    region: str

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def placement(self) -> Placement:
        """Where the stack is: its names, ARNs and tags."""
        return Placement(
            stack=self.stack,
            region=self.region,
            account_id=self.account_id,
            production=self.production,
            owner=self.owner,
            cost_centre=self.cost_centre,
            purpose=self.temporary.purpose,
            until=self.temporary.until,
        )

    @property
    def application(self) -> tuple[Service, ...]:
        """Every service of the application; the one of `softpos:serviceImage` is the simple case of the same."""
        one = self.service
        return self.services or (simple(one.image, one.health_path, one.replicas_min, one.replicas_max),)

    @property
    def firewall_mode(self) -> Literal["block", "count"]:
        """What the firewall does with what its rules match, in the phase of the migration."""
        return self.migration.firewall_mode if self.migration.facts.firewall_may_count else self.edge.waf_mode


NOT_CONFIGURED = ("stack", "region")
"""Fields that no key of the project's own gives."""


class Key(NamedTuple):
    """One configuration key: its full name, where its value goes and what the value may be."""

    name: str
    group: str
    field: str
    kind: Callable[[str], Any]


def known_keys() -> Iterator[Key]:
    """Every key that the program knows, in the order of `Settings`."""
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if is_dataclass(hint):
            for field, kind in kinds(hint).items():
                yield Key(f"{PROJECT}:{camel(name, field)}", name, field, kind)
        elif name not in NOT_CONFIGURED:
            yield Key(f"{PROJECT}:{camel(name)}", "", name, kind_of(hint))
    yield Key("aws:region", "", "region", region)

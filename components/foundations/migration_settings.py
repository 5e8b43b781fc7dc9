"""What may be set of the move from the data centre; the network, the edge, the application and the pipeline read it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Annotated, Literal

from .declared import Declared
from .phases import PHASES, Phase, PhaseName
from .values import (
    Between,
    ListOf,
    Matching,
    Optionally,
    certificate_pem,
    domain,
    private_address,
    url_path,
)

Singleton = Literal["create", "adopt", "off"]
"""What to do about a thing that an account has once: make it here, use the one that exists, or leave it out."""


@dataclass(frozen=True, kw_only=True)
class MigrationSettings(Declared):
    phase: PhaseName = "none"
    instance_class: Annotated[str, Matching(r"dms\.[a-z0-9-]+\.[a-z0-9]+", "a DMS class such as dms.r6i.large")] = (
        "dms.r6i.large"
    )
    storage_gib: Annotated[int, Between(50, 6144, "GiB")] = 100
    multi_az: bool = False
    source_host: Annotated[str, Matching(r"[a-z0-9.-]{1,253}", "a host name or an address")]
    source_port: Annotated[int, Between(1, 65535, "the TCP port")] = 3306
    source_addresses: Annotated[tuple[IPv4Address, ...], ListOf(private_address, 0, 4)] = ()
    source_ca: Annotated[str, certificate_pem]
    router_addresses: Annotated[tuple[IPv4Address, ...], ListOf(private_address, 0, 4)] = ()
    router_port: Annotated[int, Between(1, 65535, "the TCP port")] = 443
    router_health_port: Annotated[int, Between(1, 65535, "the TCP port")] = 1936
    router_health_path: Annotated[str, url_path] = "/healthz/ready"
    test_host_name: Annotated[str, Optionally(domain)] = ""
    old_authorities: Annotated[tuple[str, ...], ListOf(domain, 0, 8)] = ()
    firewall_mode: Literal["block", "count"] = "count"
    scheduled_work: Literal["data-centre", "aws"] = "data-centre"
    schemas: Annotated[tuple[str, ...], ListOf(Matching(r"[A-Za-z0-9_$]{1,64}", "a schema named in full"), 1, 50)] = (
        "softpos",
    )
    service_roles: Singleton = "create"

    @property
    def facts(self) -> Phase:
        """What is true in the phase."""
        return PHASES[self.phase]

    @property
    def reached_source(self) -> tuple[IPv4Address, ...]:
        """The addresses of the data centre's database that the phase opens."""
        return self.source_addresses if self.facts.moves_data else ()

    @property
    def reached_router(self) -> tuple[IPv4Address, ...]:
        """The addresses of the data centre's router that the phase opens."""
        return self.router_addresses if self.facts.forwards_to_data_centre else ()

    @property
    def reached_authority(self) -> str:
        """PEM of the authority of the data centre's database while the phase opens it, else nothing."""
        return self.source_ca if self.facts.moves_data else ""

    @property
    def ports(self) -> dict[str, int]:
        """The ports of the data centre, by what answers there."""
        return {"source": self.source_port, "router": self.router_port, "router health": self.router_health_port}

    @property
    def runs_scheduled_work(self) -> bool:
        """Whether jobs on a schedule run on AWS: on one side only, in every phase."""
        return self.facts.scheduled_work == "aws" or (
            self.facts.scheduled_work == "as set" and self.scheduled_work == "aws"
        )

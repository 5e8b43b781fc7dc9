"""What may be set of the migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from components.foundations.values import Between, ListOf, Matching, certificate_pem

Singleton = Literal["create", "adopt", "off"]
"""Of what an account has once: made here, found and used, or left out."""


@dataclass(frozen=True, kw_only=True)
class MigrationSettings:
    enabled: bool
    instance_class: Annotated[str, Matching(r"dms\.[a-z0-9-]+\.[a-z0-9]+", "a DMS class such as dms.r6i.large")]
    storage_gib: Annotated[int, Between(50, 6144, "GiB")]
    multi_az: bool
    source_host: Annotated[str, Matching(r"[a-z0-9.-]{1,253}", "a host name or an address")]
    source_port: Annotated[int, Between(1, 65535, "the TCP port")]
    source_ca: Annotated[str, certificate_pem]
    schemas: Annotated[tuple[str, ...], ListOf(Matching(r"[A-Za-z0-9_$]{1,64}", "a schema named in full"), 1, 50)]
    service_roles: Singleton

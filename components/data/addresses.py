"""Where database and cache are, for those who connect to them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class DatabaseAddress:
    """Where the payment database is."""

    cluster_resource_id: pulumi.Input[str]
    endpoint: pulumi.Input[str]
    reader_endpoint: pulumi.Input[str]
    port: int
    name: str


@dataclass(frozen=True, kw_only=True)
class CacheAddress:
    """Where the session cache is, and as whom the application enters it."""

    replication_group_id: str
    user_id: str
    user_name: str
    primary_endpoint: pulumi.Input[str]
    reader_endpoint: pulumi.Input[str]
    port: int

"""The stack's configuration as frozen, typed values.

- `groups`: every setting with its type and what its value may be
- `checks`: what several values must be together
- `reading`: from configuration text to `Settings`, or to all problems at once
- `problems`: what is wrong, as the user reads it
"""

from components.audit.settings import PCI_LOG_RETENTION_DAYS
from components.foundations.phases import PHASES, Phase, PhaseName
from components.foundations.placement import LONGEST_STACK_NAME
from settings.groups import (
    PROJECT,
    AgentSettings,
    AuditSettings,
    BastionSettings,
    CacheSettings,
    ClusterSettings,
    DatabaseSettings,
    EdgeSettings,
    Key,
    MigrationSettings,
    NetworkSettings,
    ServiceSettings,
    Settings,
    TemporarySettings,
    VpnSettings,
    known_keys,
)
from settings.problems import Problem, SettingsError
from settings.reading import EXAMPLE_ACCOUNTS, REHEARSAL, example_values, load, read

__all__ = [
    "EXAMPLE_ACCOUNTS",
    "LONGEST_STACK_NAME",
    "PCI_LOG_RETENTION_DAYS",
    "PHASES",
    "PROJECT",
    "REHEARSAL",
    "AgentSettings",
    "AuditSettings",
    "BastionSettings",
    "CacheSettings",
    "ClusterSettings",
    "DatabaseSettings",
    "EdgeSettings",
    "Key",
    "MigrationSettings",
    "NetworkSettings",
    "Phase",
    "PhaseName",
    "Problem",
    "ServiceSettings",
    "Settings",
    "SettingsError",
    "TemporarySettings",
    "VpnSettings",
    "example_values",
    "known_keys",
    "load",
    "read",
]

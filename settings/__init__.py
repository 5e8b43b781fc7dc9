"""The stack's configuration as frozen, typed values.

- `groups`: every setting with its type and what its value may be
- `checks`: what several values must be together
- `reading`: from configuration text to `Settings`, or to all problems at once
- `problems`: what is wrong, as the user reads it
"""

from components.audit.settings import PCI_LOG_RETENTION_DAYS, AuditSettings
from components.cluster.settings import AgentSettings, ClusterSettings
from components.data.settings import CacheSettings, DatabaseSettings
from components.edge.settings import EdgeSettings
from components.foundations.migration_settings import MigrationSettings
from components.foundations.phases import PHASES, Phase, PhaseName
from components.foundations.placement import LONGEST_STACK_NAME
from components.network.settings import BastionSettings, NetworkSettings, VpnSettings
from components.service.settings import ServiceSettings
from settings.groups import PROJECT, Key, Settings, TemporarySettings, known_keys
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

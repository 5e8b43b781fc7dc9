"""What is seen of the database from within: enhanced monitoring of its hosts and Performance Insights."""

from __future__ import annotations

from typing import Any

import pulumi

from ..foundations.placement import Placement
from ..foundations.roles import create_service_role

MONITORING_INTERVAL_SECONDS = 60
INSIGHTS_RETENTION_DAYS = 7
"""Database Insights in standard mode keeps 7 days; the advanced mode (465 days) is billed by vCPU."""


class DatabaseObservation:
    """The role of enhanced monitoring, and the arguments that switch both on."""

    arguments: dict[str, Any]
    """The same words on an Aurora instance and on a Multi-AZ DB cluster."""
    ready: tuple[pulumi.Resource, ...]
    """RDS tries the role out when it creates an instance, so that one must wait for the role's permission."""

    def __init__(self, name: str, placement: Placement, key_arn: pulumi.Input[str], parent: pulumi.Resource) -> None:
        role = create_service_role(
            f"{name}-monitoring-role",
            placement,
            service="monitoring.rds.amazonaws.com",
            does="Lets RDS publish operating-system metrics of the database's hosts",
            managed_policies=("service-role/AmazonRDSEnhancedMonitoringRole",),
            parent=parent,
        )
        self.ready = role.ready
        self.arguments = {
            "monitoring_interval": MONITORING_INTERVAL_SECONDS,
            "monitoring_role_arn": role.arn,
            "performance_insights_enabled": True,
            "performance_insights_kms_key_id": key_arn,
            "performance_insights_retention_period": INSIGHTS_RETENTION_DAYS,
        }

"""The instances of an Aurora cluster: a writer, the readers that always run, and those that autoscaling adds.

The writer comes first and the readers after it: a reader started together with the writer was measured at 741 to
955 seconds, the writer alone at 373 to 509. Readers that autoscaling adds are not in Pulumi's state, and AWS refuses to
delete the cluster while one of them exists: scale in first.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.placement import DataClass, Placement
from ..foundations.rds_authority import CERTIFICATE_AUTHORITY
from .database_engine import LOWEST_PROMOTION_TIER
from .database_observation import DatabaseObservation
from .settings import DatabaseSettings

READER_TARGET_CPU_PERCENT = 60
SCALE_OUT_COOLDOWN_SECONDS = 300
SCALE_IN_COOLDOWN_SECONDS = 900
"""Longer than scaling out: a reader takes minutes to come, and its cache starts cold."""


@dataclass(frozen=True, kw_only=True)
class AuroraInstances:
    """Creates the instances of `cluster`; all are children of `parent`."""

    name: str
    """Logical name of the database."""
    cluster: aws.rds.Cluster
    cluster_identifier: str
    settings: DatabaseSettings
    placement: Placement
    observation: DatabaseObservation
    parameters: pulumi.Input[str]
    """Name of the instances' parameter group."""
    parent: pulumi.Resource

    def create(self) -> aws.rds.ClusterInstance:
        """Create writer, readers and their autoscaling; returns the writer."""
        writer = self._create_instance("writer", 0, [])
        readers = [
            self._create_instance(f"reader-{number}", number, [writer])
            for number in range(1, self.settings.readers + 1)
        ]
        if readers:  # autoscaling reads their load, so it cannot add the first
            self._scale(readers)
        return writer

    def _create_instance(self, role: str, number: int, after: list[pulumi.Resource]) -> aws.rds.ClusterInstance:
        name = f"{self.name}-{role}"
        return aws.rds.ClusterInstance(
            name,
            # A number and not a role: a failover swaps the roles.
            identifier=f"{self.cluster_identifier}-{number}",
            cluster_identifier=self.cluster.id,
            engine=aws.rds.EngineType.AURORA_MYSQL,
            instance_class=self.settings.instance_class,
            db_parameter_group_name=self.parameters,
            promotion_tier=min(number, LOWEST_PROMOTION_TIER),
            publicly_accessible=False,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            apply_immediately=not self.placement.production,
            tags=self.placement.tags(name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=[*self.observation.ready, *after]),
            **self.observation.arguments,
        )

    def _scale(self, readers: list[aws.rds.ClusterInstance]) -> None:
        name = f"{self.name}-reader-scaling"
        target = aws.appautoscaling.Target(
            name,
            service_namespace="rds",
            scalable_dimension="rds:cluster:ReadReplicaCount",
            resource_id=f"cluster:{self.cluster_identifier}",
            min_capacity=self.settings.readers,
            max_capacity=self.settings.readers_max,
            tags=self.placement.tags(name),
            # Registered earlier, it would see too few readers and start one of its own.
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=readers),
        )
        aws.appautoscaling.Policy(
            f"{name}-policy",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=READER_TARGET_CPU_PERCENT,
                scale_out_cooldown=SCALE_OUT_COOLDOWN_SECONDS,
                scale_in_cooldown=SCALE_IN_COOLDOWN_SECONDS,
                predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type="RDSReaderAverageCPUUtilization"
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

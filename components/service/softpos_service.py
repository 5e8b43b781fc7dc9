"""The SoftPOS application on the cluster: pods, their identity, their addresses, and who may reach them.

Creates the namespace, the Deployment with its Service on a node port, scaling and disruption budget, network policies,
the application's AWS role, and the secret that tells the application where its database is. That secret holds no
password: database and cache let the application in by its role, with tokens that live for minutes. What the image must
do stands in `application_pod`.

Trust boundary: the namespace admits restricted pods only; pods have no Kubernetes token, no root, no writable image,
and no AWS permission but to connect to the one database and cache and to read the one secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.foundations.alarms import Alarms, Metric
from components.foundations.migration_settings import MigrationSettings
from components.foundations.placement import DataClass, Placement
from components.foundations.pod_identity import PodIdentity
from components.foundations.roles import GrantedRole
from components.service.application_access import (
    CacheAddress,
    DatabaseAddress,
    access_policy,
    connection,
    source_connection,
)
from components.service.application_pod import (
    APPLICATION,
    APPLICATION_PORT,
    AUTHORITIES,
    AUTHORITIES_FILE,
    CONFIGURATION_DIRECTORY,
    LABELS,
    pod_spec,
)
from components.service.network_policies import policy_specs, ways
from components.service.settings import ServiceSettings

NODE_PORT = 30443
"""Where every node takes the load balancer's requests; within Kubernetes' range for node ports."""
NAMESPACE = "softpos"
POD_SECURITY = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}  # Kubernetes' strictest profile
CPU_TARGET_PERCENT = 60
"""A zone's loss puts half as much again on the others: 60 becomes 90, so nothing breaks before scaling acts."""
SCALE_DOWN_SECONDS = 300
SECRET_RECOVERY_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class SoftPosServiceArgs:
    """Inputs of `SoftPosService`."""

    placement: Placement
    alarms: Alarms
    settings: ServiceSettings
    kubernetes_provider: kubernetes.Provider
    """Also what everything here waits for: it is there when the control plane is."""
    cluster_name: str
    nodes_ready: Sequence[pulumi.Resource]
    vpc_cidr: IPv4Network
    database: DatabaseAddress
    cache: CacheAddress
    migration: MigrationSettings
    source_ready: Sequence[pulumi.Resource]
    """What pods need to reach the data centre's database, in the phases that use it."""
    secret_key_arn: pulumi.Input[str]
    """Key for the connection secret."""
    database_authorities: str
    """PEM certificates of the authorities by which the application verifies each database that the secret may name."""


class SoftPosService(pulumi.ComponentResource):
    """The application, behind `NODE_PORT` of every node."""

    namespace: str
    deployment_name: str
    role_arn: pulumi.Output[str]
    connection_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SoftPosServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:service:SoftPosService", name, {}, opts)
        self._name = name
        self._args = args
        self.namespace = NAMESPACE
        self.deployment_name = APPLICATION
        secret, connection = self._create_connection_secret()
        self.connection_secret_arn = secret.arn
        role, identity = self._identify(secret)
        self.role_arn = role.arn
        namespace = self._create_namespace()
        self._in_namespace = pulumi.ResourceOptions(
            parent=self, provider=args.kubernetes_provider, depends_on=[namespace]
        )
        policies = self._create_network_policies()
        account = self._create_account()
        authorities = self._create_authorities()
        self._create_service()
        self._create_scaling()
        # A pod that starts before its identity, its policies or its secret would run without them.
        self._create_deployment(
            [identity, connection, account, authorities, *policies, *args.nodes_ready, *args.source_ready]
        )
        self._create_alarm()
        self.register_outputs({"namespace": NAMESPACE, "roleArn": self.role_arn})

    def _create_connection_secret(self) -> tuple[aws.secretsmanager.Secret, pulumi.Resource]:
        """Where the database is, which the phase says. The cutover moves it, so a deployment must not move it back."""
        args = self._args
        from_source = args.migration.facts.connects_to == "source"
        name = f"{self._name}-database-connection"
        # Holds data: after the cutover it is what says which database is the true one.
        secret = aws.secretsmanager.Secret(
            name,
            name=args.placement.path("database-connection"),
            description="Where the SoftPOS application finds its database, and how it logs in",
            kms_key_id=args.secret_key_arn,
            recovery_window_in_days=SECRET_RECOVERY_DAYS if args.placement.production else 0,
            tags=args.placement.tags(name, DataClass.CREDENTIALS),
            opts=pulumi.ResourceOptions(parent=self, protect=args.placement.production),
        )
        version = aws.secretsmanager.SecretVersion(
            f"{name}-value",
            secret_id=secret.id,
            secret_string=source_connection(args.migration, args.database)
            if from_source
            else connection(args.database),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["secretString"]),
        )
        return secret, version

    def _identify(self, secret: aws.secretsmanager.Secret) -> tuple[GrantedRole, pulumi.Resource]:
        args = self._args
        identity = PodIdentity(placement=args.placement, cluster_name=args.cluster_name)
        role = identity.role(
            f"{self._name}-role",
            namespace=NAMESPACE,
            service_account=APPLICATION,
            does="Connect to the payment database and the session cache",
            parent=self,
            policy=access_policy(
                args.placement, args.database, args.cache, secret_arn=secret.arn, key_arn=args.secret_key_arn
            ),
            data_class=DataClass.CARDHOLDER,
        )
        association = identity.associate(
            f"{self._name}-identity",
            role,
            namespace=NAMESPACE,
            service_account=APPLICATION,
            parent=self,
            after=[args.kubernetes_provider],
        )
        return role, association

    def _create_namespace(self) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={"name": NAMESPACE, "labels": POD_SECURITY},
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.kubernetes_provider),
        )

    def _create_network_policies(self) -> list[pulumi.Resource]:
        args = self._args
        source = (args.migration.source_addresses, args.migration.source_port)
        table = ways(
            args.vpc_cidr,
            APPLICATION_PORT,
            args.database.port,
            args.cache.port,
            source if args.migration.facts.moves_data else None,
        )
        return [
            kubernetes.networking.v1.NetworkPolicy(
                f"{self._name}-network-{policy}",
                metadata={"name": policy, "namespace": NAMESPACE},
                spec=spec,
                opts=self._in_namespace,
            )
            for policy, spec in policy_specs(table, LABELS)
        ]

    def _create_account(self) -> kubernetes.core.v1.ServiceAccount:
        return kubernetes.core.v1.ServiceAccount(
            f"{self._name}-account",
            metadata={"name": APPLICATION, "namespace": NAMESPACE},
            automount_service_account_token=False,
            opts=self._in_namespace,
        )

    def _create_authorities(self) -> kubernetes.core.v1.ConfigMap:
        return kubernetes.core.v1.ConfigMap(
            f"{self._name}-{AUTHORITIES}",
            metadata={"name": AUTHORITIES, "namespace": NAMESPACE},
            data={AUTHORITIES_FILE: self._args.database_authorities},
            opts=self._in_namespace,
        )

    def _create_service(self) -> None:
        """The node port, answered by any node for any pod: a pod that leaves takes no node out of the load balancer.

        The price is that a node hides who sent a request; the load balancer's header says it.
        """
        kubernetes.core.v1.Service(
            f"{self._name}-service",
            metadata={
                "name": APPLICATION,
                "namespace": NAMESPACE,
                # It has no pod yet, and the Deployment waits for those anyway.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "type": "NodePort",
                "selector": LABELS,
                "external_traffic_policy": "Cluster",
                "ports": [
                    {
                        "name": "https",
                        "port": 443,
                        "target_port": APPLICATION_PORT,
                        "node_port": NODE_PORT,
                        "protocol": "TCP",
                    }
                ],
            },
            opts=self._in_namespace,
        )

    def _create_scaling(self) -> None:
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            f"{self._name}-scaling",
            metadata={"name": APPLICATION, "namespace": NAMESPACE},
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": APPLICATION},
                "min_replicas": self._args.settings.replicas_min,
                "max_replicas": self._args.settings.replicas_max,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "average_utilization": CPU_TARGET_PERCENT},
                        },
                    }
                ],
                "behavior": {"scale_down": {"stabilization_window_seconds": SCALE_DOWN_SECONDS}},
            },
            opts=self._in_namespace,
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._name}-disruption",
            metadata={"name": APPLICATION, "namespace": NAMESPACE},
            spec={
                "selector": {"match_labels": LABELS},
                "max_unavailable": 1,
                # A pod that never became healthy must not keep a node from being replaced.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._in_namespace,
        )

    def _create_deployment(self, after: Sequence[pulumi.Resource]) -> None:
        args = self._args
        pod = pod_spec(args.settings, self._environment())
        # A running process keeps the authorities that it has read: other authorities need other pods.
        read = hashlib.sha256(args.database_authorities.encode()).hexdigest()[:16]
        kubernetes.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata={
                "name": APPLICATION,
                "namespace": NAMESPACE,
                "labels": LABELS,
                # Until the tunnels are up and the password is in the secret, no pod can become ready. Nobody is served
                # yet either: the traffic command asks for health before anybody is.
                "annotations": {"pulumi.com/skipAwait": "true"} if args.migration.phase == "beside" else {},
            },
            spec={
                "replicas": self._args.settings.replicas_min,
                "revision_history_limit": 5,
                "selector": {"match_labels": LABELS},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "template": {"metadata": {"labels": LABELS, "annotations": {"softpos/authorities": read}}, "spec": pod},
            },
            opts=pulumi.ResourceOptions.merge(
                self._in_namespace,
                # The autoscaler moves the count; a deployment must not move it back.
                pulumi.ResourceOptions(depends_on=list(after), ignore_changes=["spec.replicas"]),
            ),
        )

    def _environment(self) -> Mapping[str, pulumi.Input[str]]:
        """Addresses only; the database's comes from the secret, because the cutover moves it."""
        args = self._args
        return {
            "AWS_REGION": args.placement.region,
            "TLS_PORT": str(APPLICATION_PORT),
            "DATABASE_CONNECTION_SECRET": args.placement.path("database-connection"),
            "DATABASE_CA_FILE": f"{CONFIGURATION_DIRECTORY}/{AUTHORITIES_FILE}",
            "CACHE_HOST": args.cache.primary_endpoint,
            "CACHE_READER_HOST": args.cache.reader_endpoint,
            "CACHE_PORT": str(args.cache.port),
            "CACHE_NAME": args.cache.replication_group_id,
            "CACHE_USER": args.cache.user_name,
        }

    def _create_alarm(self) -> None:
        least = self._args.settings.replicas_min
        self._args.alarms.when(
            f"{self._name}-too-few-pods",
            Metric(
                namespace="ContainerInsights",
                name="service_number_of_running_pods",
                dimensions={"ClusterName": self._args.cluster_name, "Namespace": NAMESPACE, "Service": APPLICATION},
                statistic="Minimum",
            ),
            "LessThanThreshold",
            least,
            says=f"Fewer than {least} pods of the application run: see `kubectl -n {NAMESPACE} get pods,events`.",
            parent=self,
            periods=5,
            missing="missing",
        )

"""The SoftPOS application on the cluster: pods, their identity, their addresses, and who may reach them.

Creates the namespace, the Deployment with its Service on a node port, scaling and disruption budget, network policies,
the application's AWS role, and the secret that tells the application where its database is. That secret holds no
password: database and cache let the application in by its role, with tokens that live for minutes.

What the image must do: listen with TLS on port 8443 with a certificate that it makes at start (the load balancer
encrypts to it and knows no name of it), answer 200 at the health path, write nothing but to /tmp, run as any user in
group 0, and end within the grace period of a SIGTERM. OpenShift asks images for the same, so the ones that ran there
do.

Trust boundary: the namespace admits restricted pods only; pods have no Kubernetes token, no root, no writable image,
and no AWS permission but to connect to the one database and cache and to read the one secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.alarms import Alarms, Metric
from components.network_policies import policy_specs, ways
from components.placement import DataClass, Placement
from components.pod_identity import PodIdentity
from components.public_edge import DRAIN_SECONDS
from components.roles import GrantedRole
from settings import ServiceSettings

NODE_PORT = 30443
"""Where every node takes the load balancer's requests; within Kubernetes' range for node ports."""
APPLICATION_PORT = 8443
NAMESPACE = "softpos"
APPLICATION = "softpos"
DATABASE_USER = "softpos_app"
"""The application's database user, made by the DBA with ``IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'``."""
LABELS = {"app.kubernetes.io/name": APPLICATION, "app.kubernetes.io/part-of": APPLICATION}
POD_SECURITY = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}  # Kubernetes' strictest profile
ENDPOINT_SECONDS = 15
"""How long a leaving pod still takes requests: until every node has heard that it leaves."""
GRACE_SECONDS = ENDPOINT_SECONDS + DRAIN_SECONDS + 5
"""From the decision to stop a pod to its end: all requests that the load balancer still waits for can finish."""
USER_ID = 10001
MEMORY = "768Mi"
CPU_REQUEST = "500m"
CPU_LIMIT = "1"
SCRATCH = "64Mi"
"""The only writable place, in memory: the pod's TLS key never meets a disk."""
CPU_TARGET_PERCENT = 60
"""A zone's loss puts half as much again on the others: 60 becomes 90, so nothing breaks before scaling acts."""
SCALE_DOWN_SECONDS = 300
SECRET_RECOVERY_DAYS = 30


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
    secret_key_arn: pulumi.Input[str]
    """Key for the connection secret."""


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
        self._create_service()
        self._create_scaling()
        # A pod that starts before its identity, its policies or its secret would run without them.
        self._create_deployment([identity, connection, account, *policies, *args.nodes_ready])
        self._create_alarm()
        self.register_outputs({"namespace": NAMESPACE, "roleArn": self.role_arn})

    def _create_connection_secret(self) -> tuple[aws.secretsmanager.Secret, pulumi.Resource]:
        """Where the database is. The cutover moves `host`, so a deployment must not move it back."""
        args = self._args
        name = f"{self._name}-database-connection"
        # Holds data: after the cutover it is what says which database is the true one.
        secret = aws.secretsmanager.Secret(
            name,
            name=args.placement.path("database-connection"),
            description="Where the SoftPOS application finds its database; no password, IAM is the way in",
            kms_key_id=args.secret_key_arn,
            recovery_window_in_days=SECRET_RECOVERY_DAYS if args.placement.production else 0,
            tags=args.placement.tags(name, DataClass.CREDENTIALS),
            opts=pulumi.ResourceOptions(parent=self, protect=args.placement.production),
        )
        value = pulumi.Output.json_dumps(
            {
                "host": args.database.endpoint,
                "reader_host": args.database.reader_endpoint,
                "port": args.database.port,
                "database": args.database.name,
                "username": DATABASE_USER,
                "auth": "iam",
            }
        )
        version = aws.secretsmanager.SecretVersion(
            f"{name}-value",
            secret_id=secret.id,
            secret_string=value,
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
            policy=self._policy(secret),
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

    def _policy(self, secret: aws.secretsmanager.Secret) -> pulumi.Output[str]:
        args, placement = self._args, self._args.placement
        database = pulumi.Output.concat(
            placement.arn("rds-db", "dbuser:"), args.database.cluster_resource_id, f"/{DATABASE_USER}"
        )
        cache = [
            placement.arn("elasticache", f"replicationgroup:{args.cache.replication_group_id}"),
            placement.arn("elasticache", f"user:{args.cache.user_id}"),
        ]
        by_secrets_manager = {
            "StringEquals": {"kms:ViaService": f"secretsmanager.{placement.region}.amazonaws.com"},
        }
        return pulumi.Output.json_dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    _allow("EnterDatabase", "rds-db:connect", database),
                    _allow("EnterCache", "elasticache:Connect", cache),
                    _allow("FindDatabase", "secretsmanager:GetSecretValue", secret.arn),
                    {
                        **_allow("DecryptAddress", "kms:Decrypt", args.secret_key_arn),
                        "Condition": by_secrets_manager,
                    },
                ],
            }
        )

    def _create_namespace(self) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={"name": NAMESPACE, "labels": POD_SECURITY},
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.kubernetes_provider),
        )

    def _create_network_policies(self) -> list[pulumi.Resource]:
        args = self._args
        table = ways(args.vpc_cidr, APPLICATION_PORT, args.database.port, args.cache.port)
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
        kubernetes.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata={"name": APPLICATION, "namespace": NAMESPACE, "labels": LABELS},
            spec={
                "replicas": self._args.settings.replicas_min,
                "revision_history_limit": 5,
                "selector": {"match_labels": LABELS},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "template": {"metadata": {"labels": LABELS}, "spec": self._pod()},
            },
            opts=pulumi.ResourceOptions.merge(
                self._in_namespace,
                # The autoscaler moves the count; a deployment must not move it back.
                pulumi.ResourceOptions(depends_on=list(after), ignore_changes=["spec.replicas"]),
            ),
        )

    def _pod(self) -> kubernetes.core.v1.PodSpecArgsDict:
        return {
            "service_account_name": APPLICATION,
            "automount_service_account_token": False,
            "enable_service_links": False,
            "termination_grace_period_seconds": GRACE_SECONDS,
            "security_context": {
                "run_as_non_root": True,
                "run_as_user": USER_ID,
                "run_as_group": 0,  # the group that images for OpenShift give their files to; it has no right by itself
                "seccomp_profile": {"type": "RuntimeDefault"},
            },
            "topology_spread_constraints": [
                # Hosts strictly, zones as well as possible: with one node group for all zones, a strict rule for zones
                # would keep pods waiting for a node that the autoscaler cannot ask for by zone.
                _spread("kubernetes.io/hostname", "DoNotSchedule"),
                _spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
            ],
            "containers": [self._container()],
            "volumes": [{"name": "scratch", "empty_dir": {"medium": "Memory", "size_limit": SCRATCH}}],
        }

    def _container(self) -> kubernetes.core.v1.ContainerArgsDict:
        health: kubernetes.core.v1.HTTPGetActionArgsDict = {
            "path": self._args.settings.health_path,
            "port": APPLICATION_PORT,
            "scheme": "HTTPS",
        }
        return {
            "name": APPLICATION,
            "image": self._args.settings.image,
            "ports": [{"name": "https", "container_port": APPLICATION_PORT}],
            "env": [{"name": key, "value": value} for key, value in self._environment().items()],
            "resources": {
                "requests": {"cpu": CPU_REQUEST, "memory": MEMORY},
                "limits": {"cpu": CPU_LIMIT, "memory": MEMORY},
            },
            "security_context": {
                "allow_privilege_escalation": False,
                "privileged": False,
                "read_only_root_filesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "startup_probe": {"http_get": health, "period_seconds": 2, "failure_threshold": 60},
            "readiness_probe": {"http_get": health, "period_seconds": 5, "timeout_seconds": 2, "failure_threshold": 2},
            # A socket, not the health path: a database that is away must not restart every pod at once.
            "liveness_probe": {"tcp_socket": {"port": APPLICATION_PORT}, "period_seconds": 10, "failure_threshold": 6},
            "lifecycle": {"pre_stop": {"sleep": {"seconds": ENDPOINT_SECONDS}}},
            "volume_mounts": [{"name": "scratch", "mount_path": "/tmp"}],  # noqa: S108 (the container's own)
        }

    def _environment(self) -> Mapping[str, pulumi.Input[str]]:
        """Addresses only; the database's comes from the secret, because the cutover moves it."""
        args = self._args
        return {
            "AWS_REGION": args.placement.region,
            "TLS_PORT": str(APPLICATION_PORT),
            "DATABASE_CONNECTION_SECRET": args.placement.path("database-connection"),
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


def _allow(sid: str, action: str, resource: pulumi.Input[Any]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def _spread(topology_key: str, when_unsatisfiable: str) -> kubernetes.core.v1.TopologySpreadConstraintArgsDict:
    return {
        "max_skew": 1,
        "topology_key": topology_key,
        "when_unsatisfiable": when_unsatisfiable,
        "label_selector": {"match_labels": LABELS},
        # Pods of the revision that leaves do not count, nor do nodes that are going away.
        "match_label_keys": ["pod-template-hash"],
        "node_taints_policy": "Honor",
    }

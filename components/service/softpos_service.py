"""One service or job of the application on the cluster: its pods, their identity, and who may reach them.

Creates, for a service, the Deployment with its Service, scaling, disruption budget and alarm; for a job, the CronJob or
the Job; for each of them the account with a role of its own, the files and the network policies. All are children of
the application.

Trust boundary: pods have no Kubernetes token, no root, no writable image, and no AWS permission but what their service
declares. Nobody reaches them but who is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from ..data.addresses import CacheAddress, DatabaseAddress
from ..foundations.alarms import Alarms, Metric
from ..foundations.placement import DataClass, Placement
from ..foundations.pod_identity import PodIdentity
from ..foundations.roles import GrantedRole
from .application_access import access_policy
from .application_pod import AUTHORITIES_FILE, CONFIGURATION_DIRECTORY, FILES, file_key, pod_spec
from .declaration import SIMPLE, Service, labels_of
from .network_policies import policy_specs, ways

NAMESPACE = "softpos"
HTTPS = 443
CPU_TARGET_PERCENT = 60
"""A zone's loss puts half as much again on the others: 60 becomes 90, so nothing breaks before scaling acts."""
SCALE_DOWN_SECONDS = 300
KEPT_RUNS = 3
"""Ended runs of a scheduled job that stay to be looked at."""
LATE_SECONDS = 600
"""How late a scheduled run may still start; the day's settlement must not start in the next day."""
RELEASE_PATIENCE_SECONDS = 200
"""How long a release may go without a pod that becomes ready: the pods' own 120 s to start (`application_pod`), and a
new node's time before that. A deployment then fails with the pod's last message, in under 4 minutes; the provider's own
patience is 10 minutes."""
RELEASE_TIME = pulumi.CustomTimeouts(create="220s", update="220s")
UNAWAITED = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all services of one application share."""

    placement: Placement
    alarms: Alarms
    cluster_name: str
    kubernetes_provider: kubernetes.Provider
    vpc_cidr: IPv4Network
    database: DatabaseAddress
    cache: CacheAddress
    source: tuple[tuple[IPv4Address, ...], int]
    """Addresses and port of the data centre's database; no addresses in the phases that do not use it."""
    secret_arn: pulumi.Input[str]
    """The connection secret."""
    secret_key_arn: pulumi.Input[str]
    node_security_group_id: pulumi.Input[str]
    authorities: str
    """PEM certificates by which pods verify their database."""
    awaited: bool
    """Whether an update waits until pods are ready: not while a person still has to give what they need."""
    runs_scheduled_work: bool
    in_namespace: pulumi.ResourceOptions
    ready: Sequence[pulumi.Resource]
    """What pods need besides what is their own."""


class SoftPosService:
    """Creates one service as children of `parent`. Names begin with the application's and the service's own name."""

    role_arn: pulumi.Output[str]
    workload: pulumi.Resource
    """The Deployment, CronJob or Job."""

    def __init__(
        self,
        application: str,
        service: Service,
        surroundings: Surroundings,
        *,
        callees: Sequence[Service],
        after: Sequence[pulumi.Resource],
        parent: pulumi.Resource,
    ) -> None:
        self._name = application if service.name == SIMPLE else f"{application}-{service.name}"
        self._service = service
        self._with = surroundings
        self._parent = parent
        role, identity = self._identify()
        self.role_arn = role.arn
        # A pod that starts before its identity, its policies or its secret would run without them.
        needs = [identity, self._create_account(), *self._create_network_policies(callees), *self._create_files()]
        self._let_nodes_out()
        needs += [*surroundings.ready, *after]
        if service.kind == "service":
            if service.port:
                self._create_service()
            self._create_scaling()
            self._create_alarm()
        self.workload = {"service": self._deploy, "schedule": self._schedule, "once": self._run_once}[service.kind](
            needs
        )

    @property
    def _metadata(self) -> kubernetes.meta.v1.ObjectMetaArgsDict:
        return {"name": self._service.name, "namespace": NAMESPACE}

    @property
    def _labels(self) -> dict[str, str]:
        return labels_of(self._service.name)

    def _identify(self) -> tuple[GrantedRole, pulumi.Resource]:
        around = self._with
        identity = PodIdentity(placement=around.placement, cluster_name=around.cluster_name)
        used = " and ".join(self._service.uses) or "nothing of AWS"
        role = identity.role(
            f"{self._name}-role",
            namespace=NAMESPACE,
            service_account=self._service.name,
            does=f"What the pods of {self._service.name} may do; they use {used}",
            parent=self._parent,
            policy=access_policy(
                around.placement,
                self._service,
                around.database,
                around.cache,
                secret_arn=around.secret_arn,
                key_arn=around.secret_key_arn,
            ),
            data_class=DataClass.CARDHOLDER,
        )
        association = identity.associate(
            f"{self._name}-identity",
            role,
            namespace=NAMESPACE,
            service_account=self._service.name,
            parent=self._parent,
            after=[around.kubernetes_provider],
        )
        return role, association

    def _create_network_policies(self, callees: Sequence[Service]) -> list[pulumi.Resource]:
        around, simple = self._with, self._service.name == SIMPLE
        table = ways(self._service, callees, around.vpc_cidr, around.database.port, around.cache.port, around.source)
        return [
            kubernetes.networking.v1.NetworkPolicy(
                f"{self._name}-network-{policy}",
                metadata={"name": policy if simple else f"{self._service.name}-{policy}", "namespace": NAMESPACE},
                spec=spec,
                opts=around.in_namespace,
            )
            for policy, spec in policy_specs(table, self._labels)
        ]

    def _let_nodes_out(self) -> None:
        """Named addresses outside on ports that nodes do not reach anyway; the network policy says which pods may."""
        for one in self._service.outside:
            for port in set(one.ports) - {HTTPS}:
                for cidr in one.cidrs:
                    name = f"{self._name}-to-{one.name}-{cidr}-{port}".replace("/", "-")
                    aws.vpc.SecurityGroupEgressRule(
                        name,
                        security_group_id=self._with.node_security_group_id,
                        cidr_ipv4=str(cidr),
                        description=f"{self._service.name} calls {one.name}",
                        ip_protocol="tcp",
                        from_port=port,
                        to_port=port,
                        tags=self._with.placement.tags(name),
                        opts=pulumi.ResourceOptions(parent=self._parent),
                    )

    def _create_account(self) -> kubernetes.core.v1.ServiceAccount:
        return kubernetes.core.v1.ServiceAccount(
            f"{self._name}-account",
            metadata=self._metadata,
            automount_service_account_token=False,
            opts=self._with.in_namespace,
        )

    def _create_files(self) -> list[pulumi.Resource]:
        if not self._service.files:
            return []
        made = kubernetes.core.v1.ConfigMap(
            f"{self._name}-{FILES}",
            metadata={"name": f"{self._service.name}-{FILES}", "namespace": NAMESPACE},
            data={file_key(path): content for path, content in self._service.files},
            opts=self._with.in_namespace,
        )
        return [made]

    def _create_service(self) -> None:
        """Inside the cluster by its own port; for the load balancer a node port, answered by any node for any pod, so
        that a pod that leaves takes no node out of the load balancer.

        The price is that a node hides who sent a request; the load balancer's header says it.
        """
        service = self._service
        scheme = "http" if service.plain_http_because else "https"
        port: kubernetes.core.v1.ServicePortArgsDict = {
            "name": scheme,
            "port": HTTPS if service.public else service.port,
            "target_port": service.port,
            "protocol": "TCP",
        }
        outward: kubernetes.core.v1.ServiceSpecArgsDict = {
            "type": "NodePort",
            "external_traffic_policy": "Cluster",
            "ports": [{**port, "node_port": service.node_port}],
        }
        inward: kubernetes.core.v1.ServiceSpecArgsDict = {"type": "ClusterIP", "ports": [port]}
        kubernetes.core.v1.Service(
            f"{self._name}-service",
            # It has no pod yet, and the Deployment waits for those anyway.
            metadata={**self._metadata, "annotations": UNAWAITED},
            spec={"selector": self._labels, **(outward if service.public else inward)},
            opts=self._with.in_namespace,
        )

    def _create_scaling(self) -> None:
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            f"{self._name}-scaling",
            metadata=self._metadata,
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": self._service.name},
                "min_replicas": self._service.replicas_min,
                "max_replicas": self._service.most_replicas,
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
            opts=self._with.in_namespace,
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._name}-disruption",
            metadata=self._metadata,
            spec={
                "selector": {"match_labels": self._labels},
                "max_unavailable": 1,
                # A pod that never became healthy must not keep a node from being replaced.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._with.in_namespace,
        )

    @property
    def _template(self) -> kubernetes.core.v1.PodTemplateSpecArgsDict:
        """A running process keeps what it has read: other authorities or files need other pods."""
        read = hashlib.sha256(self._with.authorities.encode()).hexdigest()[:16]
        annotations = {"softpos/authorities": read}
        if self._service.files:
            annotations["softpos/files"] = hashlib.sha256(repr(self._service.files).encode()).hexdigest()[:16]
        return {
            "metadata": {"labels": self._labels, "annotations": annotations},
            "spec": pod_spec(self._service, self._environment()),
        }

    def _awaiting(self, needs: Sequence[pulumi.Resource], *ignored: str) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._with.in_namespace, pulumi.ResourceOptions(depends_on=list(needs), ignore_changes=list(ignored))
        )

    def _deploy(self, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        made: pulumi.Resource = kubernetes.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata={
                **self._metadata,
                "labels": self._labels,
                "annotations": {} if self._with.awaited else UNAWAITED,
            },
            spec={
                "replicas": self._service.replicas_min,
                "revision_history_limit": 5,
                "progress_deadline_seconds": RELEASE_PATIENCE_SECONDS,
                "selector": {"match_labels": self._labels},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": "25%"}},
                "template": self._template,
            },
            # The autoscaler moves the count; a deployment must not move it back.
            opts=pulumi.ResourceOptions.merge(
                self._awaiting(needs, "spec.replicas"), pulumi.ResourceOptions(custom_timeouts=RELEASE_TIME)
            ),
        )
        return made

    @property
    def _job(self) -> kubernetes.batch.v1.JobSpecArgsDict:
        return {
            "backoff_limit": self._service.retries,
            "active_deadline_seconds": self._service.deadline_seconds,
            "template": self._template,
        }

    def _schedule(self, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Suspended while the data centre runs the scheduled work: on one side only, in every phase."""
        service = self._service
        made: pulumi.Resource = kubernetes.batch.v1.CronJob(
            f"{self._name}-schedule",
            metadata={**self._metadata, "labels": self._labels},
            spec={
                "schedule": service.schedule,
                "time_zone": service.time_zone,
                "concurrency_policy": service.concurrency,
                "suspend": not self._with.runs_scheduled_work,
                "starting_deadline_seconds": LATE_SECONDS,
                "successful_jobs_history_limit": KEPT_RUNS,
                "failed_jobs_history_limit": KEPT_RUNS,
                "job_template": {"metadata": {"labels": self._labels}, "spec": self._job},
            },
            opts=self._awaiting(needs),
        )
        return made

    def _run_once(self, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """One run for each image: Kubernetes changes no Job, and another image is another Job."""
        digest = self._service.image.rpartition(":")[2][:12]
        made: pulumi.Resource = kubernetes.batch.v1.Job(
            f"{self._name}-run",
            metadata={
                "name": f"{self._service.name}-{digest}",
                "namespace": NAMESPACE,
                "labels": self._labels,
                "annotations": {} if self._with.awaited else UNAWAITED,
            },
            spec=self._job,
            opts=pulumi.ResourceOptions.merge(
                self._awaiting(needs), pulumi.ResourceOptions(replace_on_changes=["spec.template"])
            ),
        )
        return made

    def _environment(self) -> Mapping[str, pulumi.Input[str]]:
        """Addresses and names only; the database's address comes from the secret, because the cutover moves it."""
        around, uses = self._with, self._service.uses
        database = {
            "DATABASE_CONNECTION_SECRET": around.placement.path("database-connection"),
            "DATABASE_CA_FILE": f"{CONFIGURATION_DIRECTORY}/{AUTHORITIES_FILE}",
        }
        cache = {
            "CACHE_HOST": around.cache.primary_endpoint,
            "CACHE_READER_HOST": around.cache.reader_endpoint,
            "CACHE_PORT": str(around.cache.port),
            "CACHE_NAME": around.cache.replication_group_id,
            "CACHE_USER": around.cache.user_name,
        }
        return {
            "AWS_REGION": around.placement.region,
            **({"TLS_PORT": str(self._service.port)} if self._service.kind == "service" and self._service.port else {}),
            **(database if "database" in uses else {}),
            **(cache if "cache" in uses else {}),
            **dict(self._service.environment),
            **dict(self._service.secrets),
        }

    def _create_alarm(self) -> None:
        name, least = self._service.name, self._service.replicas_min
        self._with.alarms.when(
            f"{self._name}-too-few-pods",
            Metric(
                namespace="ContainerInsights",
                name="service_number_of_running_pods",
                dimensions={"ClusterName": self._with.cluster_name, "Namespace": NAMESPACE, "Service": name},
                statistic="Minimum",
            ),
            "LessThanThreshold",
            least,
            says=f"Fewer than {least} pods of {name} run: see `kubectl -n {NAMESPACE} get pods,events`.",
            parent=self._parent,
            periods=5,
            # Container Insights that says nothing hides how many run: that is a fault as well.
            missing="breaching",
        )

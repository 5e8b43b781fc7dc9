"""The SoftPOS application on the cluster: all its services and jobs, and what they share.

Creates the namespace, in which nothing is allowed that is not named, the secret that tells pods where their database is
and the authorities by which they verify it, then each service (`softpos_service`) in the order in which they start.
Where the database lets the application in by its role, that secret holds no password; in the phases of a migration that
use the data centre's database, which knows no roles, the DBA puts the password in. What an image must do is in
`application_pod`; what settings may declare, in `declaration`.

Trust boundary: the namespace admits restricted pods only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from ..data.addresses import CacheAddress, DatabaseAddress
from ..foundations.alarms import Alarms
from ..foundations.migration_settings import MigrationSettings
from ..foundations.placement import DataClass, Placement
from .application_access import connection, source_connection
from .application_pod import AUTHORITIES, AUTHORITIES_FILE
from .declaration import Service
from .network_policies import DENY_ALL
from .softpos_service import NAMESPACE, SoftPosService, Surroundings

POD_SECURITY = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}  # Kubernetes' strictest profile
SECRET_RECOVERY_DAYS = 30
EARLIER_TYPE = "softpos:service:SoftPosService"
"""The component's type when an application was one service: what exists keeps its place in the state."""


@dataclass(frozen=True, kw_only=True)
class SoftPosApplicationArgs:
    """Inputs of `SoftPosApplication`."""

    placement: Placement
    alarms: Alarms
    services: tuple[Service, ...]
    kubernetes_provider: kubernetes.Provider
    """Also what everything here waits for: it is there when the control plane is."""
    cluster_name: str
    nodes_ready: Sequence[pulumi.Resource]
    node_security_group_id: pulumi.Input[str]
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


class SoftPosApplication(pulumi.ComponentResource):
    """The application's services, behind their node ports or inside the cluster."""

    namespace: str
    connection_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SoftPosApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=EARLIER_TYPE)])
        super().__init__(
            "softpos:service:SoftPosApplication", name, {}, pulumi.ResourceOptions.merge(opts or known, known)
        )
        self._name = name
        self._args = args
        self.namespace = NAMESPACE
        secret, value = self._create_connection_secret()
        self.connection_secret_arn = secret.arn
        namespace = self._create_namespace()
        self._in_namespace = pulumi.ResourceOptions(
            parent=self, provider=args.kubernetes_provider, depends_on=[namespace]
        )
        shared = [value, self._deny_all(), self._create_authorities()]
        self._create_services(secret, [*shared, *args.nodes_ready, *args.source_ready])
        self.register_outputs({"namespace": NAMESPACE})

    def _create_services(self, secret: aws.secretsmanager.Secret, ready: Sequence[pulumi.Resource]) -> None:
        args = self._args
        surroundings = Surroundings(
            placement=args.placement,
            alarms=args.alarms,
            cluster_name=args.cluster_name,
            kubernetes_provider=args.kubernetes_provider,
            vpc_cidr=args.vpc_cidr,
            database=args.database,
            cache=args.cache,
            source=(args.migration.reached_source, args.migration.source_port),
            secret_arn=secret.arn,
            secret_key_arn=args.secret_key_arn,
            node_security_group_id=args.node_security_group_id,
            authorities=args.database_authorities,
            # Until the tunnels are up and the password is in the secret, no pod can become ready. Nobody is served yet
            # either: the traffic command asks for health before anybody is.
            awaited=args.migration.phase != "beside",
            runs_scheduled_work=args.migration.runs_scheduled_work,
            in_namespace=self._in_namespace,
            ready=ready,
        )
        made: dict[str, pulumi.Resource] = {}
        for service, first in in_order(args.services):
            callees = [one for one in args.services if service.name in one.callers]
            made[service.name] = SoftPosService(
                self._name,
                service,
                surroundings,
                callees=callees,
                after=[made[name] for name in first],
                parent=self,
            ).workload

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

    def _create_namespace(self) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={"name": NAMESPACE, "labels": POD_SECURITY},
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.kubernetes_provider),
        )

    def _deny_all(self) -> pulumi.Resource:
        made: pulumi.Resource = kubernetes.networking.v1.NetworkPolicy(
            f"{self._name}-network-deny-all",
            metadata={"name": "deny-all", "namespace": NAMESPACE},
            spec=DENY_ALL,
            opts=self._in_namespace,
        )
        return made

    def _create_authorities(self) -> kubernetes.core.v1.ConfigMap:
        return kubernetes.core.v1.ConfigMap(
            f"{self._name}-{AUTHORITIES}",
            metadata={"name": AUTHORITIES, "namespace": NAMESPACE},
            data={AUTHORITIES_FILE: self._args.database_authorities},
            opts=self._in_namespace,
        )


def in_order(services: Sequence[Service]) -> Iterator[tuple[Service, tuple[str, ...]]]:
    """Each service after those that must be ready first, whose names are given with it."""
    first: Mapping[str, set[str]] = {
        one.name: {*one.start_after, *(job.name for job in services if one.name in job.before)} for one in services
    }
    by_name = {one.name: one for one in services}
    for name in TopologicalSorter(first).static_order():
        yield by_name[name], tuple(sorted(first[name]))

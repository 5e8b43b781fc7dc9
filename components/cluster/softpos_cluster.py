"""The Kubernetes cluster of the application tier: EKS's control plane, protected nodes, add-ons, autoscaling.

Creates the control plane (by `pulumi_eks.Cluster`), its role, its log group, both security groups, the add-ons, the
node group and the autoscaler. The API is private to the VPC and the VPN, or also open to named public ranges;
never open to all. Every kind of control-plane log is kept. Kubernetes secrets are encrypted with the stack's own key.

Trust boundary: people and machines enter by IAM and access entries only; there is no other user, no password and no
certificate. The named roles are the administrators, the deploying role among them: who created the cluster gets nothing
by that, so that a stack which one identity made can be destroyed by another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from ..foundations.alarms import Alarms, Metric
from ..foundations.log_storage import LogStorage
from ..foundations.placement import DataClass, Placement
from ..foundations.roles import GrantedRole, create_service_role
from .cluster_addons import ClusterAddons, ClusterAddonsArgs
from .cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from .cluster_firewall import ClusterFirewall, ClusterFirewallArgs
from .node_group import NodeGroup, NodeGroupArgs
from .settings import ClusterSettings
from .workload_security import WorkloadSecurityAgent

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All that EKS offers (PCI DSS 10.2.1)."""
CLUSTER_TYPE = "aws:eks/cluster:Cluster"
ENTRY_TYPES = ("aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
CREATOR_IS_ADMINISTRATOR = "bootstrapClusterCreatorAdminPermissions"
ADMINISTRATOR_POLICY = "cluster-access-policy/AmazonEKSClusterAdminPolicy"
WAITING_MINUTES = 10
"""How long pods may wait for room before somebody is told: twice what a new node takes, agent included."""


@dataclass(frozen=True, kw_only=True)
class SoftPosClusterArgs:
    """Inputs of `SoftPosCluster`."""

    placement: Placement
    logs: LogStorage
    alarms: Alarms
    settings: ClusterSettings
    vpc_id: pulumi.Input[str]
    """Id of the VPC."""
    vpc_cidr: IPv4Network
    """Private range of the VPC."""
    application_subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets, one a zone, for the API's private addresses and for the nodes."""
    outbound: Sequence[pulumi.Resource]
    """Routes and endpoints that nodes need to reach AWS."""
    cluster_key_arn: pulumi.Input[str]
    """Key for Kubernetes secrets and nodes' disks."""
    agent: WorkloadSecurityAgent
    way_to_api: Sequence[pulumi.Resource] = ()
    """What administrators and runners in the data centre need to reach the Kubernetes API; nothing without a VPN."""
    bastion_security_group_id: pulumi.Input[str]
    """Security group of the hosts from which administrators come."""
    ssh_key_name: pulumi.Input[str]
    """EC2 key pair of the administrators, who log in to nodes from the bastion."""


def declared_entries_only(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Let the declared access entries, and no others, say who administers the cluster.

    EKS must not make whoever creates the cluster an administrator by itself. pulumi-eks has no argument for it
    (pulumi/pulumi-eks, issue 2373). AWS replaces a cluster for the change, so that one that exists keeps what it has.
    An entry can always be taken away: it inherits the cluster's protection otherwise, and who leaves stays.
    """
    if args.type_ in ENTRY_TYPES:
        free = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=False))
        return pulumi.ResourceTransformResult(props=args.props, opts=free)
    if args.type_ != CLUSTER_TYPE:
        return None
    given: Any = args.props.get("accessConfig") or {}
    access = {**given, CREATOR_IS_ADMINISTRATOR: False}
    kept = pulumi.ResourceOptions(ignore_changes=[f"accessConfig.{CREATOR_IS_ADMINISTRATOR}"])
    return pulumi.ResourceTransformResult(
        props={**args.props, "accessConfig": access}, opts=pulumi.ResourceOptions.merge(args.opts, kept)
    )


class SoftPosCluster(pulumi.ComponentResource):
    """EKS, ready for workloads."""

    name: str
    """The cluster's name, known before it exists."""
    node_security_group_id: pulumi.Output[str]
    """Security group of the nodes."""
    autoscaling_group_names: list[pulumi.Output[str]]
    """Auto Scaling groups of the nodes."""
    kubernetes_provider: kubernetes.Provider
    """Talks to the cluster; what it is given waits for the control plane by itself."""
    nodes_ready: list[pulumi.Resource]
    """What pods need in addition to the control plane."""

    def __init__(self, name: str, args: SoftPosClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:cluster:SoftPosCluster", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        self.name = args.placement.name(*([] if name == "cluster" else [name]))
        self._firewall = self._create_firewall()
        control_plane = self._create_control_plane()
        self.kubernetes_provider = self._create_kubernetes_provider(control_plane)
        addons = self._create_addons(control_plane)
        nodes = self._create_nodes([control_plane, *addons.nodes_need])
        addons.install_on(nodes.group)
        self._create_autoscaler(nodes)
        self._create_alarms()
        self.node_security_group_id = self._firewall.nodes.id
        self.autoscaling_group_names = [nodes.autoscaling_group_name]
        self.nodes_ready = [nodes.group]
        self.register_outputs({"name": self.name, "autoscalingGroupNames": self.autoscaling_group_names})

    def _create_firewall(self) -> ClusterFirewall:
        return ClusterFirewall(
            f"{self._name}-firewall",
            ClusterFirewallArgs(
                placement=self._args.placement,
                vpc_id=self._args.vpc_id,
                vpc_cidr=self._args.vpc_cidr,
                bastion_security_group_id=self._args.bastion_security_group_id,
                administrator_cidrs=self._args.settings.api_private_cidrs,
            ),
            self._children,
        )

    def _create_control_plane(self) -> eks.Cluster:
        placement, settings = self._args.placement, self._args.settings
        role = self._create_role()
        # Made before the cluster, which would make it without key and limit.
        log_group = self._args.logs.group(f"{self._name}-log-group", f"/aws/eks/{self.name}/cluster", self)
        public_ranges = [str(cidr) for cidr in settings.api_public_cidrs]
        return eks.Cluster(
            f"{self._name}-control-plane",
            name=self.name,
            version=settings.version,
            # No extended support, which costs six times as much. AWS itself upgrades a cluster whose version reaches
            # the end of standard support (EKS user guide, "View current cluster upgrade policy"): upgrade before that.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            service_role=role.role,
            vpc_id=self._args.vpc_id,
            private_subnet_ids=list(self._args.application_subnet_ids),
            cluster_security_group=self._firewall.control_plane,
            skip_default_security_groups=True,
            endpoint_private_access=True,
            endpoint_public_access=bool(public_ranges),
            public_access_cidrs=public_ranges or None,
            kubernetes_service_ip_address_range=str(settings.service_cidr),
            encryption_config_key_arn=self._args.cluster_key_arn,
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={role_name(arn): self._administrator(arn) for arn in settings.admin_role_arns},
            create_oidc_provider=False,
            deletion_protection=placement.production,
            # Nodes and add-ons are this stack's own, in the order that they need.
            skip_default_node_group=True,
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            tags=placement.tags(f"{self._name}-control-plane", DataClass.CARDHOLDER),
            # The permission must also outlive the cluster: EKS needs it to clean up.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*role.ready, log_group],
                protect=placement.production,
                transforms=[declared_entries_only],
            ),
        )

    def _create_role(self) -> GrantedRole:
        return create_service_role(
            f"{self._name}-role",
            self._args.placement,
            service="eks.amazonaws.com",
            does="What the control plane of EKS may do in this account",
            managed_policies=["AmazonEKSClusterPolicy"],
            source_arn=self._args.placement.arn("eks", f"cluster/{self.name}"),
            parent=self,
        )

    def _administrator(self, role_arn: str) -> eks.AccessEntryArgs:
        policy = self._args.placement.arn("eks", ADMINISTRATOR_POLICY, region="", account="aws")
        scope = aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
        return eks.AccessEntryArgs(
            principal_arn=role_arn,
            type=eks.AccessEntryType.STANDARD,
            access_policies={
                "administrator": eks.AccessPolicyAssociationArgs(policy_arn=policy, access_scope=scope),
            },
            tags=self._args.placement.tags(f"{self._name}-{role_name(role_arn)}"),
        )

    def _create_kubernetes_provider(self, control_plane: eks.Cluster) -> kubernetes.Provider:
        return kubernetes.Provider(
            f"{self._name}-kubernetes",
            kubeconfig=pulumi.Output.secret(control_plane.kubeconfig_json),  # type: ignore[arg-type]
            enable_server_side_apply=True,
            # The way to a private API, too: it is open before the first object, and stays open until the last is gone.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[control_plane, *self._firewall.rules, *self._args.way_to_api]
            ),
        )

    def _create_addons(self, control_plane: eks.Cluster) -> ClusterAddons:
        return ClusterAddons(
            f"{self._name}-addons",
            ClusterAddonsArgs(
                placement=self._args.placement,
                logs=self._args.logs,
                cluster_name=self.name,
                kubernetes_version=self._args.settings.of_nodes,
                cluster=control_plane,
            ),
            self._children,
        )

    def _create_nodes(self, ready: Sequence[pulumi.Resource]) -> NodeGroup:
        return NodeGroup(
            f"{self._name}-nodes",
            NodeGroupArgs(
                placement=self._args.placement,
                settings=self._args.settings,
                cluster_name=self.name,
                subnet_ids=self._args.application_subnet_ids,
                security_group_id=self._firewall.nodes.id,
                disk_key_arn=self._args.cluster_key_arn,
                key_name=self._args.ssh_key_name,
                boot_script=self._args.agent.boot_script,
                permission=self._args.agent.permission,
                ready=[*ready, *self._firewall.rules, *self._args.outbound],
            ),
            self._children,
        )

    def _create_autoscaler(self, nodes: NodeGroup) -> None:
        ClusterAutoscaler(
            f"{self._name}-autoscaler",
            ClusterAutoscalerArgs(
                placement=self._args.placement,
                cluster_name=self.name,
                kubernetes_version=self._args.settings.of_nodes,
                kubernetes_provider=self.kubernetes_provider,
                nodes=[nodes.group],
            ),
            self._children,
        )

    def _create_alarms(self) -> None:
        """The control plane's own metrics, which need no agent: they speak also when no node does."""
        self._args.alarms.when(
            f"{self._name}-pods-without-room",
            Metric(
                namespace="AWS/EKS",
                name="scheduler_pending_pods_UNSCHEDULABLE",
                dimensions={"ClusterName": self.name},
                statistic="Minimum",
            ),
            "GreaterThanThreshold",
            0,
            says=(
                f"Pods of cluster {self.name} found no node for {WAITING_MINUTES} minutes: look whether nodes fail to "
                "activate their agent, whether the most nodes are reached, and at `kubectl get events -A`."
            ),
            parent=self,
            periods=WAITING_MINUTES,
        )
        self._args.alarms.when(
            f"{self._name}-failed-nodes",
            Metric(
                namespace="ContainerInsights",
                name="cluster_failed_node_count",
                dimensions={"ClusterName": self.name},
                statistic="Maximum",
            ),
            "GreaterThanThreshold",
            0,
            says=f"A node of cluster {self.name} is unhealthy and was not repaired: see `kubectl describe nodes`.",
            parent=self,
            periods=WAITING_MINUTES,
        )


def role_name(role_arn: str) -> str:
    """The path and name in a role's ARN, as part of a logical name."""
    return role_arn.partition(":role/")[2].replace("/", "-")

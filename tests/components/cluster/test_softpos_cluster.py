import base64
import email
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any, get_args, get_type_hints

import pulumi
import pulumi_aws as aws
import pytest

from components.cluster.cluster_autoscaler import IMAGES
from components.cluster.node_group import USER_DATA_LIMIT_BYTES, image_type, user_data
from components.cluster.softpos_cluster import SoftPosCluster, SoftPosClusterArgs
from components.cluster.workload_security import WorkloadSecurityAgent, WorkloadSecurityAgentArgs, boot_script
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.foundations.values import OneOf
from recording.program import Recording
from recording.recorder import Resource
from settings import AgentSettings, ClusterSettings
from tests.components.conftest import ACCOUNT, REGION, Play

KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/cluster"
CLUSTER_ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/softpos-test"
AGENT = AgentSettings(
    product="cloud-one",
    activation_url="dsm://agents.workload.de-1.cloudone.trendmicro.com:443/",
    manager_url="https://workload.de-1.cloudone.trendmicro.com:443",
    policy_id=12,
    secret_name="softpos/workload-security",
)
PRIVATE = ClusterSettings(
    version="1.36",
    service_cidr=IPv4Network("172.20.0.0/16"),
    api_public_cidrs=(),
    api_private_cidrs=(IPv4Network("10.80.4.0/28"),),
    admin_role_arns=(f"arn:aws:iam::{ACCOUNT}:role/platform/admin", f"arn:aws:iam::{ACCOUNT}:role/on-call"),
    node_instance_type="m7i.large",
    node_release_version="1.36.1-20261105",
    nodes_min=3,
    nodes_desired=4,
    nodes_max=6,
)
OPENED = replace(PRIVATE, api_public_cidrs=(IPv4Network("203.0.113.16/28"),))

Build = Callable[..., Recording]


@pytest.fixture(scope="module")
def build(play: Play, logs: LogStorage, alarms: Alarms) -> Build:
    def run(placement: Placement, settings: ClusterSettings) -> Recording:
        def program() -> None:
            provider = aws.Provider("aws", region=REGION)
            route = aws.ec2.Route("route-out", route_table_id="rtb-1", opts=pulumi.ResourceOptions(provider=provider))
            agent = WorkloadSecurityAgent(
                "agent", WorkloadSecurityAgentArgs(placement=placement, logs=logs, alarms=alarms, settings=AGENT)
            )
            SoftPosCluster(
                "cluster",
                SoftPosClusterArgs(
                    placement=placement,
                    logs=logs,
                    alarms=alarms,
                    settings=settings,
                    vpc_id="vpc-1",
                    vpc_cidr=IPv4Network("10.20.0.0/16"),
                    application_subnet_ids=["subnet-a", "subnet-b", "subnet-c"],
                    outbound=[route],
                    cluster_key_arn=KEY_ARN,
                    agent=agent,
                    way_to_api=[],
                    bastion_security_group_id="sg-bastion",
                    ssh_key_name="administrators",
                ),
                pulumi.ResourceOptions(provider=provider),
            )

        return play(program)

    return run


@pytest.fixture(scope="module")
def cluster(build: Build, placement: Placement) -> Recording:
    return build(placement, PRIVATE)


@pytest.fixture(scope="module")
def opened(build: Build, placement: Placement) -> Recording:
    return build(placement, OPENED)


@pytest.fixture(scope="module")
def in_production(build: Build, production: Placement) -> Recording:
    return build(production, PRIVATE)


def control_plane(recording: Recording) -> dict[str, Any]:
    return dict(recording.of("aws:eks/cluster:Cluster")[0].inputs)


def waits_for(recording: Recording, resource: Resource) -> set[str]:
    """Logical names of everything that must exist before `resource`, however far back."""
    by_urn = {known.urn: known for known in recording.resources}
    found: set[str] = set()
    open_urns = list(resource.dependencies)
    while open_urns:
        known = by_urn.get(open_urns.pop())
        if known and known.name not in found:
            found.add(known.name)
            open_urns.extend(known.dependencies)
    return found


def document(resource: Resource, key: str = "policy") -> list[dict[str, Any]]:
    return json.loads(resource.inputs[key])["Statement"]


# ---- The control plane ----------------------------------------------------------------------------------------------


def test_api_is_private_unless_ranges_are_named(cluster: Recording) -> None:
    network = control_plane(cluster)["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in network


def test_opened_api_is_open_to_the_named_ranges_only(opened: Recording) -> None:
    network = control_plane(opened)["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, True)
    assert network["publicAccessCidrs"] == ["203.0.113.16/28"]


def test_every_control_plane_log_lands_in_a_group_with_key_and_limit(cluster: Recording) -> None:
    logs = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    assert set(control_plane(cluster)["enabledClusterLogTypes"]) == logs
    group = cluster.named("cluster-log-group")
    assert group.inputs["name"] == f"/aws/eks/{control_plane(cluster)['name']}/cluster"
    assert group.name in waits_for(cluster, cluster.of("aws:eks/cluster:Cluster")[0])


def test_kubernetes_secrets_are_encrypted_with_the_stacks_key(cluster: Recording) -> None:
    assert control_plane(cluster)["encryptionConfig"] == {"provider": {"keyArn": KEY_ARN}, "resources": ["secrets"]}


def test_only_iam_lets_anybody_in_and_the_named_roles_administer(cluster: Recording) -> None:
    assert control_plane(cluster)["accessConfig"]["authenticationMode"] == "API"
    entries = cluster.of("aws:eks/accessEntry:AccessEntry")
    assert {entry.inputs["principalArn"] for entry in entries} == set(PRIVATE.admin_role_arns)
    policies = cluster.of("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert {policy.inputs["policyArn"] for policy in policies} == {
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    }
    assert {policy.inputs["principalArn"] for policy in policies} == set(PRIVATE.admin_role_arns)


def test_production_cluster_cannot_be_deleted_by_mistake(in_production: Recording, cluster: Recording) -> None:
    for recording, guarded in ((in_production, True), (cluster, False)):
        found = recording.of("aws:eks/cluster:Cluster")[0]
        assert (found.protect, found.inputs["deletionProtection"]) == (guarded, guarded)


def urn_prefix(component: Resource) -> str:
    """What the URNs of everything inside a component begin with."""
    return component.urn.rpartition("::")[0]


def test_component_brings_no_group_rule_or_addon_of_its_own(cluster: Recording) -> None:
    component = cluster.named("cluster-control-plane")
    inside = [resource.type for resource in cluster.resources if resource.urn.startswith(f"{urn_prefix(component)}$")]
    assert set(inside) == {
        "aws:eks/cluster:Cluster",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "pulumi:providers:kubernetes",
    }
    assert control_plane(cluster)["bootstrapSelfManagedAddons"] is False


# ---- Who may talk to whom -------------------------------------------------------------------------------------------

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def peers(recording: Recording, kind: str, group: str, port: int) -> set[str]:
    """Who a group lets in (or out to) on a TCP port."""
    names = {resource.id: resource.name for resource in recording.of("aws:ec2/securityGroup:SecurityGroup")}
    found: set[str] = set()
    for rule in recording.of(kind):
        inputs = rule.inputs
        covers = inputs["ipProtocol"] == "tcp" and inputs["fromPort"] <= port <= inputs["toPort"]
        if covers and names[inputs["securityGroupId"]] == f"cluster-firewall-{group}":
            peer = inputs.get("cidrIpv4") or inputs["referencedSecurityGroupId"]
            found.add(names.get(peer, peer).removeprefix("cluster-firewall-"))
    return found


def test_nodes_accept_ssh_from_the_bastion_only(cluster: Recording) -> None:
    assert peers(cluster, INGRESS, "nodes", 22) == {"sg-bastion"}


def test_private_api_accepts_nodes_bastion_and_named_ranges_only(cluster: Recording) -> None:
    assert peers(cluster, INGRESS, "control-plane", 443) == {"nodes", "sg-bastion", "10.80.4.0/28"}


def test_nodes_accept_nothing_from_an_address(cluster: Recording) -> None:
    nodes = cluster.named("cluster-firewall-nodes").id
    rules = [rule for rule in cluster.of(INGRESS) if rule.inputs["securityGroupId"] == nodes]
    assert rules
    assert not [rule.name for rule in rules if "cidrIpv4" in rule.inputs]


def test_nodes_leave_the_vpc_by_https_only(cluster: Recording) -> None:
    to_anywhere = [rule for rule in cluster.of(EGRESS) if rule.inputs.get("cidrIpv4") == "0.0.0.0/0"]
    assert [(rule.inputs["fromPort"], rule.inputs["toPort"]) for rule in to_anywhere] == [(443, 443)]


def test_control_plane_reaches_kubelet_metrics_and_webhooks_on_nodes(cluster: Recording) -> None:
    for port in (10250, 10251, 9443):
        assert "nodes" in peers(cluster, EGRESS, "control-plane", port)
        assert "control-plane" in peers(cluster, INGRESS, "nodes", port)
    assert not peers(cluster, EGRESS, "control-plane", 22)


# ---- Nodes ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template(cluster: Recording) -> dict[str, Any]:
    return dict(cluster.named("cluster-nodes-template").inputs)


def test_pods_cannot_borrow_the_nodes_role(template: dict[str, Any]) -> None:
    metadata = template["metadataOptions"]
    assert (metadata["httpTokens"], metadata["httpPutResponseHopLimit"]) == ("required", 1)


def test_disks_of_nodes_are_encrypted_with_the_stacks_key(template: dict[str, Any]) -> None:
    disks = [mapping["ebs"] for mapping in template["blockDeviceMappings"]]
    assert [(disk["encrypted"], disk["kmsKeyId"], disk["volumeType"]) for disk in disks] == [("true", KEY_ARN, "gp3")]


def test_nodes_get_no_public_address(template: dict[str, Any], cluster: Recording) -> None:
    assert "networkInterfaces" not in template
    assert cluster.named("cluster-nodes", NODE_GROUP).inputs["subnetIds"] == ["subnet-a", "subnet-b", "subnet-c"]


def test_node_user_data_runs_the_agents_script_as_a_part_that_cloud_init_executes(template: dict[str, Any]) -> None:
    document = email.message_from_bytes(base64.b64decode(template["userData"]))
    parts = [part for part in document.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == ["text/x-shellscript"]
    script = parts[0].get_payload()
    assert script.startswith("#!/bin/bash\n")
    assert script.strip() == boot_script(AGENT, REGION, "/softpos/test/workload-security").strip()


def test_user_data_that_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match=rf"allowed: at most {USER_DATA_LIMIT_BYTES}; shorten the boot script"):
        user_data("#" * USER_DATA_LIMIT_BYTES)


@pytest.mark.parametrize(
    ("instance_type", "image"),
    [
        ("m7i.large", "AL2023_x86_64_STANDARD"),
        ("t3.large", "AL2023_x86_64_STANDARD"),
        ("g4dn.xlarge", "AL2023_x86_64_STANDARD"),
        ("m7g.large", "AL2023_ARM_64_STANDARD"),
        ("c7gn.xlarge", "AL2023_ARM_64_STANDARD"),
        ("t4g.medium", "AL2023_ARM_64_STANDARD"),
    ],
)
def test_image_follows_the_processor_of_the_instance_type(instance_type: str, image: str) -> None:
    assert image_type(instance_type) == image


NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def test_nodes_follow_the_settings_and_a_deployment_leaves_their_number_to_the_autoscaler(cluster: Recording) -> None:
    group = cluster.named("cluster-nodes", NODE_GROUP)
    assert group.inputs["scalingConfig"] == {"minSize": 3, "desiredSize": 4, "maxSize": 6}
    assert group.inputs["releaseVersion"] == PRIVATE.node_release_version
    assert group.ignore_changes == ("scalingConfig.desiredSize",)


def test_nodes_wait_for_their_ways_out_their_rules_and_their_network_plug_in(cluster: Recording) -> None:
    needed = waits_for(cluster, cluster.named("cluster-nodes", NODE_GROUP))
    rules = {rule.name for kind in (INGRESS, EGRESS) for rule in cluster.of(kind)}
    assert rules
    assert {"route-out", "cluster-addons-vpc-cni", "cluster-addons-eks-pod-identity-agent", *rules} <= needed
    assert "cluster-addons-kube-proxy" not in needed


def test_node_role_may_join_pull_and_activate_the_agent_only(cluster: Recording) -> None:
    attached = [
        attachment
        for attachment in cluster.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if attachment.name.startswith("cluster-nodes-role-")
    ]
    managed = {a.inputs["policyArn"] for a in attached if ":aws:policy/" in a.inputs["policyArn"]}
    assert {arn.rpartition("/")[2] for arn in managed} == {
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    }
    assert len(attached) == 3
    statements = {statement["Sid"] for statement in document(cluster.named("cluster-nodes-role-permissions"))}
    assert statements == {"ReadAgentSecret", "DecryptAgentSecret", "ReportAgentActivation"}


# ---- Add-ons and autoscaling ----------------------------------------------------------------------------------------


def addon(recording: Recording, name: str) -> Resource:
    return recording.named(f"cluster-addons-{name}")


def test_network_policies_are_enforced(cluster: Recording) -> None:
    configuration = json.loads(addon(cluster, "vpc-cni").inputs["configurationValues"])
    assert configuration["enableNetworkPolicy"] == "true"


@pytest.mark.parametrize("name", ["coredns", "metrics-server", "amazon-cloudwatch-observability"])
def test_addons_that_are_pods_come_after_the_nodes(cluster: Recording, name: str) -> None:
    assert "cluster-nodes" in {
        resource.name for resource in cluster.of(NODE_GROUP) if resource.urn in addon(cluster, name).dependencies
    }


def test_collected_logs_land_in_groups_with_key_and_limit(cluster: Recording) -> None:
    groups = {
        group.name: group
        for group in cluster.of("aws:cloudwatch/logGroup:LogGroup")
        if group.inputs["name"].startswith("/aws/containerinsights/softpos-test/")
    }
    assert len(groups) == 4
    assert set(groups) <= waits_for(cluster, addon(cluster, "amazon-cloudwatch-observability"))
    assert all(group.inputs["kmsKeyId"] and group.inputs["retentionInDays"] >= 365 for group in groups.values())


def test_no_pod_is_instrumented_behind_its_owners_back(cluster: Recording) -> None:
    values = json.loads(addon(cluster, "amazon-cloudwatch-observability").inputs["configurationValues"])
    assert values["manager"]["applicationSignals"]["autoMonitor"]["monitorAllServices"] is False


POD_ROLES = {
    "cluster-addons-vpc-cni-role": ("kube-system", "aws-node"),
    "cluster-addons-amazon-cloudwatch-observability-role": ("amazon-cloudwatch", "cloudwatch-agent"),
    "cluster-autoscaler-role": ("kube-system", "cluster-autoscaler"),
}


@pytest.mark.parametrize(("role", "account"), POD_ROLES.items())
def test_role_of_a_pod_is_for_one_account_of_this_cluster(
    cluster: Recording, role: str, account: tuple[str, str]
) -> None:
    (statement,) = document(cluster.named(role, "aws:iam/role:Role"), "assumeRolePolicy")
    namespace, service_account = account
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": CLUSTER_ARN,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }


def test_autoscaler_changes_only_groups_that_are_this_clusters(cluster: Recording) -> None:
    changing = [
        statement
        for statement in document(cluster.named("cluster-autoscaler-role-permissions"))
        if any("Set" in action or "Terminate" in action for action in statement["Action"])
    ]
    assert len(changing) == 1
    owned = {"aws:ResourceTag/k8s.io/cluster-autoscaler/softpos-test": "owned"}
    assert changing[0]["Condition"] == {"StringEquals": owned}
    assert changing[0]["Resource"] != "*"


def test_every_kubernetes_version_of_the_settings_has_its_autoscaler_by_digest() -> None:
    kind = get_args(get_type_hints(ClusterSettings, include_extras=True)["version"])[1]
    assert isinstance(kind, OneOf)
    assert set(IMAGES) == set(kind.choices)
    assert all("@sha256:" in image and f":v{version}." in image for version, image in IMAGES.items())


def test_autoscaler_looks_for_the_groups_of_this_cluster(cluster: Recording) -> None:
    pod = cluster.named("cluster-autoscaler-deployment").inputs["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGES["1.36"]
    found = next(word for word in container["command"] if word.startswith("--node-group-auto-discovery="))
    assert found.endswith("k8s.io/cluster-autoscaler/softpos-test")


def test_somebody_is_told_when_pods_find_no_node_even_if_no_node_can_speak(cluster: Recording) -> None:
    alarm = cluster.named("cluster-pods-without-room").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/EKS", "scheduler_pending_pods_UNSCHEDULABLE")
    assert alarm["dimensions"] == {"ClusterName": "softpos-test"}


def test_who_creates_the_cluster_gets_nothing_by_that_and_an_existing_cluster_keeps_its_creator(
    cluster: Recording,
) -> None:
    [made] = cluster.of("aws:eks/cluster:Cluster")
    assert made.inputs["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] is False
    assert made.ignore_changes == ("accessConfig.bootstrapClusterCreatorAdminPermissions",)

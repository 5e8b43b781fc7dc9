"""EKS: the control plane, node groups and what runs on each node."""

from __future__ import annotations

import json
import re
from typing import Final

from ..network import covers_the_world, networks
from ..reading import Breach, Finding, Findings, Property, Unjudged, version_of
from ..rule import HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..sensitive import from_base64
from ..stack import Stack

_CLUSTER: Final = "aws.eks.Cluster"
_LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")

_ADMINISTRATORS: Final = ("/AmazonEKSClusterAdminPolicy", "/AmazonEKSAdminPolicy")

# Traces of the Workload Security agent's installation in a boot script.
# A node may join without its agent until this moment; empty quotes where it may not.
_BREAK_GLASS: Final = re.compile(r"(?m)^BREAK_GLASS_UNTIL='?([0-9TZ:-]+)")
_AGENT: Final = re.compile(r"ds_agent|dsa_control|dsm://|workload\.[\w.-]+\.trendmicro\.com")
_WITH_AGENT: Final = "user data that installs the Workload Security agent"


@rule(
    "eks-endpoint-not-open",
    "The Kubernetes API is private, or open to named ranges only",
    on=_CLUSTER,
    requirements="1.4.4 1.3.1",
    controls="EKS.1 EKS_ENDPOINT_NO_PUBLIC_ACCESS",
    severity=HIGH,
    remedy="set vpcConfig.endpointPublicAccess to false, or name the ranges in vpcConfig.publicAccessCidrs",
)
def endpoint_not_open(cluster: Resource) -> Findings:
    access = cluster["vpcConfig"]
    open_to_all = access["endpointPublicAccess"].must_be(False, default=True)  # AWS default: true, for 0.0.0.0/0
    ranges = [cidr for cidr in access["publicAccessCidrs"] if not cidr.absent]
    if not open_to_all or not ranges or covers_the_world(networks(ranges)):
        return open_to_all
    return [finding for cidr in ranges if cidr.unknown for finding in cidr.unjudged("a named range")]


@rule(
    "eks-control-plane-logs",
    "The control plane writes all its logs",
    on=_CLUSTER,
    requirements="10.2.1 10.2.1.2 10.2.2",
    controls="EKS.8 EKS_CLUSTER_LOGGING_ENABLED",
    severity=HIGH,
    remedy=f"list {', '.join(_LOG_TYPES)} in enabledClusterLogTypes",
)
def control_plane_logs(cluster: Resource) -> Findings:
    return cluster["enabledClusterLogTypes"].must_include(*_LOG_TYPES)


@rule(
    "eks-secrets-encrypted",
    "Kubernetes secrets are encrypted with a customer-managed key",
    on=_CLUSTER,
    requirements="3.5.1 8.3.2",
    controls="EKS.3 EKS_CLUSTER_SECRETS_ENCRYPTED EKS_SECRETS_ENCRYPTED",
    severity=HIGH,
    remedy="set encryptionConfig with resources [secrets] and provider.keyArn",
)
def secrets_encrypted(cluster: Resource) -> Findings:
    encryption = cluster["encryptionConfig"]
    return encryption["resources"].must_include("secrets") or encryption["provider"]["keyArn"].must_name_own_key()


@rule(
    "eks-supported-version",
    "Clusters and nodes run a Kubernetes version in standard support, and not the oldest one",
    on=(_CLUSTER, "aws.eks.NodeGroup"),
    requirements="6.3.3 12.3.4",
    controls="EKS.2 EKS_CLUSTER_SUPPORTED_VERSION EKS_CLUSTER_OLDEST_SUPPORTED_VERSION",
    severity=MEDIUM,
    remedy="set a newer version",
)
def supported_version(cluster: Resource, *, minimum_version: float = 1.35) -> Findings:
    # AWS's calendar: 1.34 leaves standard support on 2 December 2026, 1.35 on 27 March 2027. Default: the newest.
    least = version_of(minimum_version)
    # AWS ended the EKS images of Amazon Linux 2 on 26 November 2025.
    image = cluster["amiType"].must(
        lambda name: not str(name).startswith("AL2_"), "AL2023 or Bottlerocket", default="AL2023"
    )
    return image + cluster["version"].must(
        lambda version: version_of(version) >= least, f"{minimum_version:g} or newer", default="1.99"
    )


@rule(
    "eks-access-entries",
    "Access to the cluster is granted by access entries, which IAM and CloudTrail see",
    on=_CLUSTER,
    requirements="7.2.1 7.2.2 7.3.1",
    severity=MEDIUM,
    remedy="set accessConfig.authenticationMode to API",
)
def access_entries(cluster: Resource) -> Findings:
    return cluster["accessConfig"]["authenticationMode"].must_be("API", "API_AND_CONFIG_MAP")


@rule(
    "eks-access-names-rights",
    "Access entries give no administrator's rights over the whole cluster",
    on=("aws.eks.AccessEntry", "aws.eks.AccessPolicyAssociation"),
    requirements="7.2.1 7.2.2 7.2.5 8.2.1",
    severity=HIGH,
    remedy="associate a narrower policy such as AmazonEKSAdminPolicy with the namespaces, or record an exception",
)
def access_names_rights(access: Resource) -> Findings:
    if access.kind == "aws.eks.AccessEntry":
        return [
            finding
            for group in access["kubernetesGroups"]
            for finding in group.must_not_be("system:masters", wanted="a group of its own")
        ]
    policy = access["policyArn"]
    if access["accessScope"]["type"].value == "namespace":
        return []
    return policy.must(lambda arn: not str(arn).endswith(_ADMINISTRATORS), "a narrower policy")


@rule(
    "eks-deletion-protection",
    "Production clusters cannot be deleted by mistake",
    on=_CLUSTER,
    severity=LOW,
    remedy="set deletionProtection to true",
    production_only=True,
)
def deletion_protection(cluster: Resource) -> Findings:
    return cluster["deletionProtection"].must_be(True)


@rule(
    "eks-node-ssh-from-groups",
    "Nodes accept SSH from named security groups only",
    on="aws.eks.NodeGroup",
    requirements="1.3.1 1.4.2",
    controls="EC2.13",
    severity=HIGH,
    remedy="set remoteAccess.sourceSecurityGroupIds, or remove remoteAccess",
)
def node_ssh_from_groups(nodes: Resource) -> Findings:
    # With a key and no group EKS opens port 22 to the internet.
    access = nodes["remoteAccess"]
    return [] if access.absent else access["sourceSecurityGroupIds"].must_be_given("named security groups")


@rule(
    "eks-nodes-can-carry-agent",
    "Nodes are of a kind that the Workload Security agent runs on",
    on=("aws.eks.NodeGroup", "aws.eks.FargateProfile", _CLUSTER),
    wish=True,
    severity=HIGH,
    remedy="use a managed node group with Amazon Linux 2023",
)
def nodes_can_carry_agent(nodes: Resource) -> Findings:
    wanted = "a managed node group with Amazon Linux"
    if nodes.kind == "aws.eks.FargateProfile":
        return nodes.breach(wanted, "Fargate")
    if nodes.kind == _CLUSTER:
        return nodes["computeConfig"]["enabled"].must_be(False, default=False)
    return nodes["amiType"].must(lambda name: "BOTTLEROCKET" not in str(name), wanted, default="AL2023")


@rule(
    "eks-nodes-with-agent",
    "Every node group boots with the Workload Security agent",
    about="aws.eks.NodeGroup",
    wish=True,
    severity=HIGH,
    remedy="give it a launch template whose user data installs and activates the agent",
)
def nodes_with_agent(stack: Stack) -> StackFindings:
    findings: StackFindings = []
    for nodes in stack.of("aws.eks.NodeGroup"):
        reference = nodes["launchTemplate"]
        if reference.absent:
            findings.append((nodes, Breach("launchTemplate", "not set", f"a launch template with {_WITH_AGENT}")))
            continue
        templates = stack.targets(nodes, _template_reference(reference), "aws.ec2.LaunchTemplate")
        findings += [(nodes, finding) for template in templates for finding in _lacks_agent(template)]
        if not templates:
            findings.append((nodes, Unjudged("launchTemplate", f"a launch template with {_WITH_AGENT}")))
    return findings


def _template_reference(reference: Property) -> Property:
    return reference["name"] if reference["id"].absent else reference["id"]


def _lacks_agent(template: Resource) -> list[Finding]:
    script = template["userData"]
    if script.unknown:
        return script.unjudged(_WITH_AGENT)
    text = str(script.value or "")
    decoded = from_base64(text) or text
    if _AGENT.search(decoded):
        broken = _BREAK_GLASS.search(decoded)
        return [Breach("launchTemplate", f"{template.name}, open until {broken[1]}", _WITH_AGENT)] if broken else []
    return [Breach("launchTemplate", f"{template.name}, which has no such user data", _WITH_AGENT)]


@rule(
    "eks-network-policies-enforced",
    "Where the stack has network policies, the network add-on enforces them",
    about="kubernetes.NetworkPolicy",
    requirements="1.3.1 1.3.2 1.2.6",
    severity=HIGH,
    remedy='set configurationValues of the vpc-cni add-on to {"enableNetworkPolicy": "true"}',
)
def network_policies_enforced(stack: Stack) -> StackFindings:
    return [
        (addon, finding)
        for addon in stack.of("aws.eks.Addon")
        if addon["addonName"].value == "vpc-cni"
        for finding in addon["configurationValues"].must(_enforces_policies, "with enableNetworkPolicy true")
    ]


def _enforces_policies(configuration: object) -> bool:
    try:
        values = json.loads(str(configuration))
    except ValueError:
        return False
    return isinstance(values, dict) and str(values.get("enableNetworkPolicy")).lower() == "true"

"""What `pulumi_eks.Cluster` creates inside its plugin, mapped from its inputs.

The real component runs in a plugin of its own, which needs the Pulumi CLI and AWS. This model stands for it where there
is neither; the engine tests hold it against the real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

from recording.recorder import Resource

if TYPE_CHECKING:
    from recording.recorder import Cloud

CLUSTER_TYPE = "aws:eks/cluster:Cluster"


def eks_children(component: Resource, cloud: Cloud) -> Iterator[Resource]:
    """The resources that the component registers, in its order."""
    inputs = component.inputs
    cluster = _child(component, cloud, CLUSTER_TYPE, f"{component.name}-eksCluster", _cluster_inputs(inputs, cloud), ())
    yield cluster
    for name, entry in (inputs.get("accessEntries") or {}).items():
        yield from _access_entry(component, cloud, cluster, name, entry)
    if not inputs.get("useDefaultVpcCni"):
        yield _addon(component, cloud, cluster, "vpc-cni", inputs.get("vpcCniOptions") or {})
    if (proxy := inputs.get("kubeProxyAddonOptions") or {}).get("enabled", True):
        yield _addon(component, cloud, cluster, "kube-proxy", proxy)
    provider = {"kubeconfig": "[kubeconfig]"}
    yield _child(component, cloud, "pulumi:providers:kubernetes", f"{component.name}-eks-k8s", provider, (cluster.urn,))


def _cluster_inputs(inputs: Mapping[str, Any], cloud: Cloud) -> dict[str, Any]:
    network = {
        "endpointPrivateAccess": inputs.get("endpointPrivateAccess", False),
        "endpointPublicAccess": inputs.get("endpointPublicAccess", True),
        "publicAccessCidrs": inputs.get("publicAccessCidrs"),
        "securityGroupIds": [inputs["clusterSecurityGroup"]] if "clusterSecurityGroup" in inputs else None,
        "subnetIds": [*(inputs.get("publicSubnetIds") or ()), *(inputs.get("privateSubnetIds") or ())],
    }
    found = {
        "accessConfig": {
            "authenticationMode": inputs.get("authenticationMode"),
            "bootstrapClusterCreatorAdminPermissions": True,
        },
        "deletionProtection": inputs.get("deletionProtection"),
        "enabledClusterLogTypes": inputs.get("enabledClusterLogTypes"),
        "encryptionConfig": {
            "provider": {"keyArn": inputs.get("encryptionConfigKeyArn")},
            "resources": ["secrets"],
        }
        if inputs.get("encryptionConfigKeyArn")
        else None,
        "bootstrapSelfManagedAddons": inputs.get("bootstrapSelfManagedAddons", True),
        "kubernetesNetworkConfig": {"ipFamily": "ipv4", "serviceIpv4Cidr": inputs["kubernetesServiceIpAddressRange"]}
        if inputs.get("kubernetesServiceIpAddressRange")
        else None,
        "name": inputs.get("name"),
        "roleArn": cloud.role_arn(inputs["serviceRole"]),
        "tags": inputs.get("tags"),
        "upgradePolicy": inputs.get("upgradePolicy"),
        "version": inputs.get("version"),
        "vpcConfig": {key: value for key, value in network.items() if value is not None},
    }
    return {key: value for key, value in found.items() if value is not None}


def _access_entry(
    component: Resource, cloud: Cloud, cluster: Resource, name: str, entry: Mapping[str, Any]
) -> Iterator[Resource]:
    inputs = {
        "clusterName": cluster.outputs["name"],
        "principalArn": entry["principalArn"],
        "type": entry.get("type", "STANDARD"),
        "tags": entry.get("tags"),
    }
    access = _child(
        component, cloud, "aws:eks/accessEntry:AccessEntry", f"{component.name}-{name}", inputs, (cluster.urn,)
    )
    yield access
    for policy_name, policy in (entry.get("accessPolicies") or {}).items():
        association = {
            "clusterName": cluster.outputs["name"],
            "principalArn": entry["principalArn"],
            "policyArn": policy["policyArn"],
            "accessScope": policy["accessScope"],
        }
        name_of_association = f"{component.name}-{name}-{policy_name}"
        type_ = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
        yield _child(component, cloud, type_, name_of_association, association, (cluster.urn, access.urn), access)


def _addon(component: Resource, cloud: Cloud, cluster: Resource, addon: str, options: Mapping[str, Any]) -> Resource:
    inputs = {
        "addonName": addon,
        "addonVersion": options.get("version"),
        "clusterName": cluster.outputs["name"],
        "configurationValues": options.get("configurationValues"),
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "OVERWRITE",
        "tags": component.inputs.get("tags"),
    }
    found = {key: value for key, value in inputs.items() if value is not None}
    return _child(component, cloud, "aws:eks/addon:Addon", f"{component.name}-{addon}", found, (cluster.urn,))


def _child(
    component: Resource,
    cloud: Cloud,
    type_: str,
    name: str,
    inputs: dict[str, Any],
    dependencies: tuple[str, ...],
    parent: Resource | None = None,
) -> Resource:
    parent = parent or component
    head = parent.urn.rpartition("::")[0]
    identity, outputs = cloud.create(type_, name, inputs)
    wire = struct_pb2.Struct()
    wire.update(inputs)
    return Resource(
        urn=f"{head}${type_}::{name}",
        type=type_,
        name=name,
        parent=parent.urn,
        dependencies=tuple(sorted({*component.dependencies, *dependencies})),
        inputs=inputs,
        wire_inputs=wire,
        property_dependencies={},
        provider="",
        custom=True,
        protect=component.protect,
        id=identity,
        outputs={**inputs, **outputs},
    )

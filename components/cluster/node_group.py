"""The cluster's nodes: one managed group over the zones, on Amazon's image, protected before they join.

Creates the nodes' role, the launch template and the managed node group. One group for all zones, not one a zone: no
pod here keeps data on a zonal disk, Auto Scaling balances the zones by itself, and any number of nodes is possible.
Pods get their AWS permissions by Pod Identity and cannot reach the instance's own: its metadata answers one hop only.

Trust boundary: nodes have no public address and no permission but to join, to pull images and to activate the agent.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..foundations.placement import DataClass, Placement
from ..foundations.roles import GrantedRole, create_service_role
from .settings import ClusterSettings

DISK_GIB = 50
"""Images and writable layers of some dozens of pods; nothing else is kept on a node."""
USER_DATA_LIMIT_BYTES = 16 * 1024
"""EC2's limit for user data before encoding; EKS adds some 500 bytes of its own."""
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""To join and to pull. The network plug-in has a role of its own; people come by the bastion, so no Session Manager."""
UPDATE_AT_ONCE = 1
"""Nodes replaced at the same time in an update: with three, two thirds of the capacity stay."""
BOUNDARY = "==SOFTPOS=="


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """Inputs of `NodeGroup`."""

    placement: Placement
    settings: ClusterSettings
    cluster_name: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets, one a zone."""
    security_group_id: pulumi.Input[str]
    disk_key_arn: pulumi.Input[str]
    key_name: pulumi.Input[str]
    """EC2 key pair of the administrators, who log in from the bastion."""
    boot_script: str
    """Shell text that runs as root before the kubelet."""
    permission: Sequence[Mapping[str, Any]]
    """IAM statements that the boot script needs."""
    ready: Sequence[pulumi.Resource]
    """What a node needs to join: ways out, rules, network plug-in."""


class NodeGroup(pulumi.ComponentResource):
    """Managed nodes behind one Auto Scaling group."""

    group: aws.eks.NodeGroup
    autoscaling_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:cluster:NodeGroup", name, {}, opts)
        self._name = name
        self._args = args
        self._children = pulumi.ResourceOptions(parent=self)
        role = self._create_role()
        template = self._create_launch_template()
        self.group = self._create_group(role, template)
        self.autoscaling_group_name = self.group.resources.apply(_autoscaling_group_name)
        self.register_outputs({"autoscalingGroupName": self.autoscaling_group_name})

    def _create_role(self) -> GrantedRole:
        return create_service_role(
            f"{self._name}-role",
            self._args.placement,
            service="ec2.amazonaws.com",
            # EC2 hands an instance its own role and passes no source.
            confused_deputy_guard=False,
            does="What nodes may do: join, pull images, activate their agent",
            statements=self._args.permission,
            managed_policies=NODE_POLICIES,
            parent=self,
        )

    def _create_launch_template(self) -> aws.ec2.LaunchTemplate:
        name = f"{self._name}-template"
        placement = self._args.placement
        node_tags = placement.tags(self._name, DataClass.CARDHOLDER)
        return aws.ec2.LaunchTemplate(
            name,
            name=placement.name("nodes"),
            description="SoftPOS nodes: metadata by token for the host only, encrypted disk, agent before kubelet",
            update_default_version=True,
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                http_put_response_hop_limit=1,
                instance_metadata_tags="disabled",
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        encrypted="true",
                        kms_key_id=self._args.disk_key_arn,
                        volume_type="gp3",
                        volume_size=DISK_GIB,
                        delete_on_termination="true",
                    ),
                )
            ],
            key_name=self._args.key_name,
            vpc_security_group_ids=[self._args.security_group_id],
            monitoring=aws.ec2.LaunchTemplateMonitoringArgs(enabled=True),
            # Default tags do not reach what Auto Scaling creates.
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=node_tags)
                for kind in ("instance", "volume", "network-interface")
            ],
            user_data=user_data(self._args.boot_script),
            tags=placement.tags(name),
            opts=self._children,
        )

    def _create_group(self, role: GrantedRole, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        settings = self._args.settings
        return aws.eks.NodeGroup(
            self._name,
            cluster_name=self._args.cluster_name,
            node_role_arn=role.arn,
            subnet_ids=list(self._args.subnet_ids),
            ami_type=image_type(settings.node_instance_type),
            instance_types=[settings.node_instance_type],
            capacity_type="ON_DEMAND",
            version=settings.of_nodes,
            release_version=settings.node_release_version or None,
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=settings.nodes_min, desired_size=settings.nodes_desired, max_size=settings.nodes_max
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=UPDATE_AT_ONCE),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags=self._args.placement.tags(self._name, DataClass.CARDHOLDER),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*role.ready, *self._args.ready],
                # The autoscaler moves it; a deployment must not move it back.
                ignore_changes=["scalingConfig.desiredSize"],
            ),
        )


def _autoscaling_group_name(resources: Sequence[Any]) -> str:
    """The one group that EKS made for a node group."""
    return str(resources[0].autoscaling_groups[0].name)


def image_type(instance_type: str) -> str:
    """The EKS image for an EC2 instance type; a ``g`` after the generation, as in ``m7g.large``, means arm64."""
    graviton = re.match(r"[a-z]+\d+g", instance_type) is not None
    return "AL2023_ARM_64_STANDARD" if graviton else "AL2023_x86_64_STANDARD"


def user_data(boot_script: str) -> str:
    """`boot_script` as user data of a managed node, base64 of a MIME document to which EKS adds the node's own part.

    Raises:
        ValueError: when the script does not fit.
    """
    document = "\n".join(
        (
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"',
            "",
            f"--{BOUNDARY}",
            'Content-Type: text/x-shellscript; charset="us-ascii"',
            "",
            boot_script,
            f"--{BOUNDARY}--",
            "",
        )
    ).encode("ascii")
    if len(document) > USER_DATA_LIMIT_BYTES:
        raise ValueError(
            f"user data of nodes is {len(document)} bytes; allowed: at most {USER_DATA_LIMIT_BYTES}; "
            "shorten the boot script."
        )
    return base64.b64encode(document).decode("ascii")

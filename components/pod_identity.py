"""AWS roles for pods, by EKS Pod Identity: one role for one service account of one cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.placement import DataClass, Placement


@dataclass(frozen=True, kw_only=True)
class PodIdentity:
    """Makes the roles of one cluster's pods; components own theirs, this only keeps them alike."""

    placement: Placement
    cluster_name: str

    def role(
        self,
        name: str,
        *,
        namespace: str,
        service_account: str,
        does: str,
        parent: pulumi.Resource,
        policy: pulumi.Input[str] | None = None,
        managed_policies: Sequence[str] = (),
        data_class: DataClass = DataClass.OPERATIONS,
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """A role that only pods of `service_account` in `namespace` can assume, and its permissions to depend on.

        Args:
            does: what the role is for; its description.
            policy: its own permissions, a policy document as JSON text.
            managed_policies: names of AWS managed policies beside or instead of it.
        """
        children = pulumi.ResourceOptions(parent=parent)
        role = aws.iam.Role(
            name,
            description=does,
            assume_role_policy=json.dumps(self._trust(namespace, service_account)),
            tags=self.placement.tags(name, data_class),
            opts=children,
        )
        permissions: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{managed}",
                role=role.name,
                policy_arn=self.placement.arn("iam", f"policy/{managed}", region="", account="aws"),
                opts=children,
            )
            for managed in managed_policies
        ]
        if policy is not None:
            own = aws.iam.Policy(
                f"{name}-permissions",
                description=does,
                policy=policy,
                tags=self.placement.tags(f"{name}-permissions", data_class),
                opts=children,
            )
            permissions.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-permissions-attachment", role=role.name, policy_arn=own.arn, opts=children
                )
            )
        return role, permissions

    def associate(
        self,
        name: str,
        role: aws.iam.Role,
        *,
        namespace: str,
        service_account: str,
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource],
    ) -> aws.eks.PodIdentityAssociation:
        """Gives `role` to the pods of a service account. A pod started before this has no credentials, so wait for it.

        Args:
            after: what must be there first: the cluster, and the role's permissions.
        """
        return aws.eks.PodIdentityAssociation(
            name,
            cluster_name=self.cluster_name,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.arn,
            tags=self.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        )

    def _trust(self, namespace: str, service_account: str) -> dict[str, object]:
        """Pod Identity says which pod asks by session tags, which the pod itself cannot choose."""
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:RequestTag/eks-cluster-arn": self.placement.arn("eks", f"cluster/{self.cluster_name}"),
                            "aws:RequestTag/kubernetes-namespace": namespace,
                            "aws:RequestTag/kubernetes-service-account": service_account,
                        }
                    },
                }
            ],
        }

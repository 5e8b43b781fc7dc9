"""AWS roles for pods, by EKS Pod Identity: one role for one service account of one cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .placement import DataClass, Placement
from .roles import GrantedRole, Statement, create_role


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
    ) -> GrantedRole:
        """A role that only pods of `service_account` in `namespace` can assume.

        Args:
            does: what the role is for; its description.
            policy: its own permissions, a policy document as JSON text.
            managed_policies: names of AWS managed policies in addition to it or instead of it.
        """
        return create_role(
            name,
            self.placement,
            trust=self._trust(namespace, service_account),
            does=does,
            policy=policy,
            managed_policies=managed_policies,
            data_class=data_class,
            parent=parent,
        )

    def associate(
        self,
        name: str,
        role: GrantedRole,
        *,
        namespace: str,
        service_account: str,
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource],
    ) -> aws.eks.PodIdentityAssociation:
        """Gives `role` to the pods of a service account. A pod started before this has no credentials, so wait for it.

        Args:
            after: what must be there first in addition to the role's permissions: the cluster.
        """
        return aws.eks.PodIdentityAssociation(
            name,
            cluster_name=self.cluster_name,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.arn,
            tags=self.placement.tags(name),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[*after, *role.ready]),
        )

    def _trust(self, namespace: str, service_account: str) -> Statement:
        """Pod Identity says which pod asks by session tags, which the pod itself cannot choose."""
        tags = {
            "eks-cluster-arn": self.placement.arn("eks", f"cluster/{self.cluster_name}"),
            "kubernetes-namespace": namespace,
            "kubernetes-service-account": service_account,
        }
        return {
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in tags.items()}},
        }

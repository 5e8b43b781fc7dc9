"""Escalation paths that stay open for the role `deploy`, each with the reason; none stays open for any other role."""

from __future__ import annotations

from collections.abc import Mapping

WRITES_ROLES = (
    "whoever deploys writes the roles of the workloads, and IAM cannot read a policy's text; the boundary leaves the "
    "accounts of the migration, which exist only while it runs. The pack refuses foreign trusts"
)
RUNS_HOSTS = (
    "whoever deploys starts the nodes and the bastion, and a node must read the agent's token (ADR 11); the instance "
    "gets no more than the workload boundary"
)
RUNS_PODS = "whoever deploys runs the application, and the application reaches the database and the cache"
OWNS_DATA = (
    "the stack owns this and its program changes it in place; an approved plan, deletion protection and "
    "`protect` come before it, and the trail records it"
)

ACCEPTED: Mapping[str, str] = {
    **dict.fromkeys(
        ("iam-001", "iam-009", "iam-012", "iam-019", "iam-020", "iam-022", "iam-026"),
        WRITES_ROLES,
    ),
    **dict.fromkeys(("ec2-001", "ec2-002", "ec2-004"), RUNS_HOSTS),
    **dict.fromkeys(("eks-001", "eks-002"), RUNS_PODS),
    "kms-001": "a release may add a service to a key's policy; the pack judges the text, and the trail records it",
    "kms-002": "RDS, EKS and DMS take their grants in the caller's name; only keys with the stack's own tag",
    "kms-003": "a component that is removed takes its key along; KMS waits 30 days, and a CIS alarm reports the call",
    "s3-001": "a bucket's policy is part of the bucket; the account's block bars the public, and"
    " the resource control policy every other account",
    "rds-001": OWNS_DATA,
    "rds-002": "a stack may start from a snapshot; the copy stays in the account, with the stack's keys and subnets",
    "rds-005": OWNS_DATA,
    "elasticache-001": OWNS_DATA,
    "ec2-006": "tags are set while a thing is made, and the provider sets them again",
    "route53-001": "the stack's public name is its own; the plan shows each change, and the trail records it",
    "cloudtrail-001": "the trail is part of the stack; its bucket is locked, and a CIS alarm reports the call",
    "sns-001": "the topic of the alarms is the stack's own; the trail records each change",
}

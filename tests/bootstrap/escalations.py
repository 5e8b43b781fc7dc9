"""Every known escalation path, put to IAM's simulation for each role of bootstrap.

    python -m tests.bootstrap.escalations

A path is closed when one of its calls is refused, or when it ends where its maker gains nothing: a role of the platform
within its boundary, or what the maker's own stacks hold. The statement that closes it is named.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from bootstrap import boundaries, deployers, documents
from bootstrap.account import GITHUB, Account, StateKeys
from bootstrap.deployers import Deployer
from bootstrap.documents import Document
from facts.escalations import Escalation, Step, escalations
from tests.bootstrap.accepted import ACCEPTED
from tests.bootstrap.simulator import refusal

DEV = Account(
    account_id="444455556666",
    region="eu-central-1",
    stack="dev",
    subject="acme/softpos",
    environments=True,
    host_name="pay.dev.example.com",
)
KEYS = StateKeys(*(DEV.arn("kms", f"key/8a7b6c5d-0000-4000-8000-12345678901{digit}") for digit in range(3)))
PERMANENT, TEMPORARY = deployers.permanent(DEV), deployers.environments(DEV)
ADMINISTRATOR: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""What somebody might attach to a role that he made: its boundary must hold even then."""
HERE = {"aws:RequestedRegion": DEV.region}


class Role(NamedTuple):
    """A role of bootstrap: what is attached to it, what bounds it, and the stacks that it owns."""

    name: str
    policies: Sequence[Document]
    boundary: Document | None
    owns: Deployer | None
    tasks: Collection[str] = ()
    """Paths that are what the role is for; they are its task and no gain."""


def roles() -> list[Role]:
    """All of dev's account; production has the same without preview, environments and reaper."""
    read = [documents.reading(DEV)]
    refresh = [*read, documents.refreshing(DEV)]
    reads = documents.state(PERMANENT, KEYS, write=False)
    tests = [*refresh, *documents.writing(TEMPORARY).values(), documents.state(TEMPORARY, KEYS, write=True)]
    tighter = boundaries.deploy_boundary(TEMPORARY)
    deploys = [*refresh, *documents.writing(PERMANENT).values(), documents.state(PERMANENT, KEYS, write=True)]
    state = ("s3-002", "kms-004")
    return [
        Role("preview", [*read, reads], None, None, state),
        Role("plan", [*refresh, reads], None, None, state),
        Role("images", [documents.images(DEV)], boundaries.images_boundary(DEV), None, ("ecr-002",)),
        Role("environments", tests, tighter, TEMPORARY),
        Role("reaper", tests, tighter, TEMPORARY),
        Role("deploy", deploys, boundaries.deploy_boundary(PERMANENT), PERMANENT, (*state, "s3-003")),
    ]


# ---- Whose things a path may be aimed at -----------------------------------------------------------------------------

OWNERS = ("environment", "dev", "bootstrap", "stranger")
TAGS = {"environment": "env-ana", "dev": "dev", "bootstrap": "bootstrap", "stranger": ""}
PATHS = {
    "environment": "/softpos/environments/",
    "dev": "/softpos/",
    "bootstrap": "/softpos-bootstrap/",
    "stranger": "/",
}
NAMES = {"environment": "softpos-env-ana", "dev": "softpos-dev", "bootstrap": "softpos-state", "stranger": "payroll"}
SECRETS = {
    "environment": "softpos/env-ana/own",
    "dev": "softpos/dev/migration/source",
    "bootstrap": "bootstrap",
    "stranger": "payroll",
}


NAMED = {"role", "policy", "user", "group", "provider", "secret", "parameter", "key", "bucket", "state", "repository"}
"""Kinds that a stranger's may be told by: the account holds nothing of strangers but these (bootstrap/README.md)."""


def place(kind: str, owner: str) -> str:
    """The ARN of what a step is done to."""
    name, path = NAMES[owner], PATHS[owner]
    folder = "environments/" if owner == "environment" else ""
    project = "softpos-bootstrap/dev" if owner == "bootstrap" else f"softpos/{TAGS[owner] or 'prod'}"
    provider = GITHUB if owner == "bootstrap" else "evil.example"
    images = "softpos" if owner in ("bootstrap", "dev") else name
    places = {
        **{kind: DEV.arn("iam", f"{kind}{path}admin", region="") for kind in ("role", "policy", "user", "group")},
        "profile": DEV.arn("iam", f"instance-profile{path}admin", region=""),
        "provider": DEV.arn("iam", f"oidc-provider/{provider}", region=""),
        "secret": DEV.arn("secretsmanager", f"secret:{SECRETS[owner]}-AbCdEf"),
        "parameter": DEV.arn("ssm", f"parameter/{name}/password"),
        "shell": f"arn:aws:ssm:{DEV.region}::document/AWS-RunShellScript",
        "key": KEYS.bucket if owner == "bootstrap" else DEV.arn("kms", f"key/{owner}"),
        "secrets-key": {"dev": KEYS.stack, "environment": KEYS.environments}.get(owner, KEYS.bucket),
        "bucket": DEV.state_bucket_arn if owner == "bootstrap" else f"arn:aws:s3:::{name}-trail",
        "state": f"{DEV.state_bucket_arn}/{folder}.pulumi/stacks/{project}.json",
        "repository": DEV.arn("ecr", f"repository/{images}"),
    }
    return places.get(kind, "*")


def context(step: Step, owner: str, by: Deployer | None) -> Mapping[str, str]:
    """What the request tells: as good for the attacker as the truth allows."""
    names = {"dev": DEV.host_name, "environment": f"ana.{DEV.host_name}"}
    tags = {"aws:ResourceTag/Stack": TAGS[owner]} if TAGS[owner] else {}
    bounds = {"dev": PERMANENT.workload_boundary_arn, "environment": TEMPORARY.workload_boundary_arn}
    attached = by.attachable()[0].replace("*", "own") if by else "arn:aws:iam::aws:policy/AdministratorAccess"
    service = "pods.eks.amazonaws.com" if step.action.startswith("eks:") else "ec2.amazonaws.com"
    return {
        **HERE,
        **tags,
        "iam:PermissionsBoundary": bounds.get(owner, ""),
        "iam:PolicyARN": attached,
        "iam:PassedToService": service,
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": names.get(owner, ""),
        "kms:ViaService": "" if step.action != "kms:CreateGrant" else "rds.eu-central-1.amazonaws.com",
    }


# ---- What a path gains -----------------------------------------------------------------------------------------------


def probes() -> dict[str, tuple[str, str, Mapping[str, str]]]:
    """What an attacker wants after the first hop: action, resource and what the request tells."""

    def secret(name: str) -> str:
        return DEV.arn("secretsmanager", f"secret:{name}-AbCdEf")

    of_dev = {"aws:ResourceTag/Stack": "dev"}
    return {
        "the master password": ("secretsmanager:GetSecretValue", secret("rds!cluster-1234"), of_dev),
        "the VPN's keys": ("secretsmanager:GetSecretValue", secret("s2svpn!vpn-1234"), of_dev),
        "the agent's token": ("secretsmanager:GetSecretValue", secret("softpos/workload-security"), {}),
        "an account of the migration": (
            "secretsmanager:GetSecretValue",
            secret("softpos/dev/migration/source"),
            of_dev,
        ),
        "another secret": ("secretsmanager:GetSecretValue", secret("payroll"), {}),
        "the state": ("s3:GetObject", f"{DEV.state_bucket_arn}/.pulumi/stacks/softpos/dev.json", {}),
        "the trail": ("s3:GetObject", "arn:aws:s3:::softpos-dev-trail/AWSLogs/x", {}),
        "the trail, to delete": ("s3:DeleteObjectVersion", "arn:aws:s3:::softpos-dev-trail/AWSLogs/x", {}),
        "the trail, to stop": ("cloudtrail:StopLogging", "*", of_dev),
        "any key, to decrypt": ("kms:Decrypt", DEV.arn("kms", "key/dev"), of_dev),
        "any key, to delete": ("kms:ScheduleKeyDeletion", KEYS.bucket, {"aws:ResourceTag/Stack": "bootstrap"}),
        "a cluster": ("eks:DeleteCluster", "*", of_dev),
        "a database": ("rds:DeleteDBCluster", "*", of_dev),
        "a login to the database": ("rds-db:connect", DEV.arn("rds-db", "dbuser:cluster-1/softpos_admin"), {}),
        "a bucket's policy": ("s3:PutBucketPolicy", "arn:aws:s3:::payroll", {}),
        "an image": ("ecr:PutImage", DEV.arn("ecr", "repository/softpos"), {}),
        "another Region": ("ec2:RunInstances", "*", {"aws:RequestedRegion": "us-west-2"}),
        "a user": ("iam:CreateUser", DEV.arn("iam", "user/x", region=""), {}),
        "a role": ("iam:CreateRole", DEV.arn("iam", "role/x", region=""), {}),
        "another role": ("sts:AssumeRole", DEV.arn("iam", "role/platform-admin", region=""), {}),
        "the organization": ("organizations:LeaveOrganization", "*", {}),
    }


def gains(role: Role, landing: Deployer, *, instance: bool) -> list[str]:
    """What a role of the platform with every policy may do within its boundary that `role` may not."""
    session = {"ec2:SourceInstanceArn": DEV.arn("ec2", "instance/i-1")} if instance else {}
    bound = boundaries.workload_boundary(landing)
    return [
        name
        for name, (action, resource, told) in probes().items()
        if not refusal([ADMINISTRATOR], action, resource, boundary=bound, context={**HERE, **told, **session})
        and refusal(role.policies, action, resource, boundary=role.boundary, context={**HERE, **told})
    ]


class Verdict(NamedTuple):
    """What became of a path for a role."""

    role: str
    path: str
    open: str
    """What the role gains; empty when the path is closed."""
    closed_by: str


def judge(role: Role, path: Escalation) -> Verdict:
    """Aim the path at everybody's things; it is open when one aim succeeds and gains something."""
    reasons: dict[str, None] = {}
    for owner in OWNERS:
        if not _has(owner, path):
            continue
        closed = next(filter(None, (_refused(role, step, owner) for step in path.steps)), "")
        task = path.path in role.tasks and owner in ("dev", "bootstrap" if path.path == "ecr-002" else "")
        gained = "" if closed or task else _gain(role, path, owner)
        if gained:
            return Verdict(role.name, path.path, gained, "")
        reasons[closed or "gains nothing: the workload boundary, or its own stacks"] = None
    return Verdict(role.name, path.path, "", "; ".join(reasons))


def _has(owner: str, path: Escalation) -> bool:
    """Whether there is such a thing of this owner: a stranger's only by name, and names in DNS only of the stacks."""
    kinds = {step.kind for step in path.steps}
    if kinds == {"name"}:
        return owner in ("environment", "dev")
    return owner != "stranger" or bool(kinds & NAMED)


def _refused(role: Role, step: Step, owner: str) -> str:
    if step.kind == "own-database":
        owner = "environment" if role.owns is TEMPORARY else "dev"
    told = context(step, owner, role.owns)
    return refusal(role.policies, step.action, place(step.kind, owner), boundary=role.boundary, context=told)


def _gain(role: Role, path: Escalation, owner: str) -> str:
    if role.owns is PERMANENT and owner == "environment":
        return ""  # whoever deploys dev has more than any of its test environments
    landing = {"dev": PERMANENT, "environment": TEMPORARY}.get(owner)
    if landing is None:
        return f"{path.reaches} of {owner}"
    own = role.owns is TEMPORARY and landing is TEMPORARY
    if path.reaches in ("data", "loss"):
        return "" if own else f"{path.reaches} of {owner}"
    found = gains(role, landing, instance=path.reaches == "instance")
    return ", ".join([*found, *(["what the application may"] if path.reaches == "pods" and not own else [])])


def verdicts() -> Iterator[Verdict]:
    """Every path for every role."""
    for role in roles():
        for path in escalations():
            yield judge(role, path)


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Print the counts by role, each open path with its reason, and each closed one with what closes it."""
    found = list(verdicts())
    for one in found:
        if one.open:
            reason = ACCEPTED.get(one.path, "NOT ACCEPTED") if one.role == "deploy" else "NOT ACCEPTED"
            report(f"{one.role}: {one.path} is open ({one.open}): {reason}")
        elif "--all" in sys.argv:
            report(f"{one.role}: {one.path} is closed: {one.closed_by}")
    for role in roles():
        mine = [one for one in found if one.role == role.name]
        report(f"{role.name}: {sum(bool(one.open) for one in mine)} open of {len(mine)}")
    return int(any(one.open and (one.role != "deploy" or one.path not in ACCEPTED) for one in found))


if __name__ == "__main__":
    sys.exit(main())

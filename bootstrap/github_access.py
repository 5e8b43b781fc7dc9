"""How GitHub's workflows get into the account: by the identity of a run, for an hour, never by a stored key.

Creates the OIDC provider, the roles `softpos-plan`, `softpos-deploy`, `softpos-images`, in dev's account `softpos-
preview` and, where test environments live, `softpos-environments` and `softpos-reaper`, their policies and
boundaries, and the policy `softpos-traffic`, which an administrator attaches to whoever moves the traffic. No role of
production's account trusts a pull request. Trust boundary: GitHub says which repository, branch and environment a run
belongs to; who may start a run there, the repository's settings decide (protected environments).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from bootstrap import boundaries, deployers, documents, movers
from bootstrap.account import GITHUB, IAM_PATH, Account, StateKeys
from bootstrap.deployers import Deployer
from bootstrap.documents import Document

SESSION_SECONDS = 3_600
"""As long as the longest job."""

Making = Callable[[StateKeys], Document]
"""A document that needs the ARNs of the state's keys, which AWS invents."""


@dataclass(frozen=True, kw_only=True)
class GitHubAccessArgs:
    """Inputs of `GitHubAccess`."""

    account: Account
    state_keys: pulumi.Output[StateKeys]


class GitHubAccess(pulumi.ComponentResource):
    """The way in."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """ARNs by role: ``plan``, ``deploy``, ``images`` and perhaps ``preview``, ``environments`` and ``reaper``."""

    def __init__(self, name: str, args: GitHubAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:bootstrap:GitHubAccess", name, {}, opts)
        self._name = name
        self._account = account = args.account
        self._keys = args.state_keys
        self._children = pulumi.ResourceOptions(parent=self)
        self._identities = aws.iam.OpenIdConnectProvider(
            f"{name}-identities", url=f"https://{GITHUB}", client_id_lists=["sts.amazonaws.com"], opts=self._children
        )
        self._deploys = deployers.permanent(account)
        self._policy("softpos-workload-boundary", lambda _: boundaries.workload_boundary(self._deploys))
        self._policy("softpos-traffic", partial(_known, movers.traffic(account)))
        boundary = self._boundary("softpos-deploy-boundary", self._deploys)
        pushes = self._policy("softpos-images-boundary", lambda _: boundaries.images_boundary(account))
        reading = {"reading": self._policy("softpos-reading", lambda _: documents.reading(account))}
        refreshing = {
            **reading,
            "refreshing": self._policy("softpos-refreshing", lambda _: documents.refreshing(account)),
        }
        reads = self._policy("softpos-plan-state", lambda keys: documents.state(self._deploys, keys, write=False))
        plan = {**refreshing, "state": reads}
        state = self._policy("softpos-deploy-state", lambda keys: documents.state(self._deploys, keys, write=True))
        deploy = {**refreshing, **self._writing("softpos-deploy", self._deploys), "state": state}
        images = {"images": self._policy("softpos-images", partial(_known, documents.images(account)))}
        self.role_arns = {
            "plan": self._role("softpos-plan", documents.PLAN_SUBJECTS, plan, None),
            "deploy": self._role("softpos-deploy", [f"environment:{account.stack}"], deploy, boundary),
            "images": self._role("softpos-images", [documents.IMAGE_SUBJECTS[account.stack]], images, pushes),
        }
        if account.stack != "prod":
            preview = self._role("softpos-preview", documents.PREVIEW_SUBJECTS, {**reading, "state": reads}, None)
            self.role_arns = {**self.role_arns, "preview": preview}
        if account.environments:
            self.role_arns = {**self.role_arns, **self._environments(refreshing)}
        self.register_outputs({"roleArns": self.role_arns})

    def _environments(self, policies: Mapping[str, aws.iam.Policy]) -> Mapping[str, pulumi.Output[str]]:
        by = deployers.environments(self._account)
        self._policy("softpos-environment-workload-boundary", lambda _: boundaries.workload_boundary(by))
        boundary = self._boundary("softpos-environments-boundary", by)
        state = self._policy("softpos-environments-state", lambda keys: documents.state(by, keys, write=True))
        subjects = {"environments": documents.ENVIRONMENTS_SUBJECTS, "reaper": documents.REAPER_SUBJECTS}
        every = {**policies, **self._writing("softpos-environments", by), "state": state}
        return {role: self._role(f"softpos-{role}", taken, every, boundary) for role, taken in subjects.items()}

    def _writing(self, name: str, by: Deployer) -> Mapping[str, aws.iam.Policy]:
        written = documents.writing(by).items()
        return {part: self._policy(f"{name}-{part}", partial(_known, made)) for part, made in written}

    def _boundary(self, name: str, by: Deployer) -> aws.iam.Policy:
        return self._policy(name, lambda _: boundaries.deploy_boundary(by))

    def _policy(self, name: str, made: Making) -> aws.iam.Policy:
        return aws.iam.Policy(
            f"{self._name}-{name}",
            name=name,
            path=IAM_PATH,
            policy=self._keys.apply(lambda keys: json.dumps(made(keys), separators=(",", ":"))),
            opts=self._children,
        )

    def _role(
        self,
        name: str,
        subjects: Sequence[str],
        policies: Mapping[str, aws.iam.Policy],
        boundary: aws.iam.Policy | None,
    ) -> pulumi.Output[str]:
        role = aws.iam.Role(
            f"{self._name}-{name}",
            name=name,
            path=IAM_PATH,
            assume_role_policy=json.dumps(documents.trust(self._account, subjects)),
            max_session_duration=SESSION_SECONDS,
            permissions_boundary=boundary.arn if boundary else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._identities]),
        )
        for part, policy in policies.items():
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{name}-{part}", role=role.name, policy_arn=policy.arn, opts=self._children
            )
        return role.arn


def _known(made: Document, _keys: StateKeys) -> Document:
    """A document that names no key."""
    return made

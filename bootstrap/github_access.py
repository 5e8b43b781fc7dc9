"""How GitHub's workflows get into the account: by the identity of a run, for an hour, never by a stored key.

Creates the OIDC provider, the roles `softpos-plan`, `softpos-deploy`, `softpos-images`, in dev's account
`softpos-preview` and, where test environments live, `softpos-environments` and `softpos-reaper`, their policies and
boundaries. No role of production's account trusts a pull request. Trust boundary: GitHub says which repository, branch
and environment a run belongs to; who may start a run there, the repository's settings decide (protected environments).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from bootstrap import documents
from bootstrap.account import ENVIRONMENTS_PREFIX, GITHUB, IAM_PATH, Account
from bootstrap.documents import Document

SESSION_SECONDS = 3_600
"""As long as the longest job."""

Making = Callable[[str], Document]
"""A document that needs the state key's ARN, which AWS invents."""


@dataclass(frozen=True, kw_only=True)
class GitHubAccessArgs:
    """Inputs of `GitHubAccess`."""

    account: Account
    state_key_arn: pulumi.Input[str]


class GitHubAccess(pulumi.ComponentResource):
    """The way in."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """ARNs by role: ``plan``, ``deploy``, ``images`` and perhaps ``preview``, ``environments`` and ``reaper``."""

    def __init__(self, name: str, args: GitHubAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:bootstrap:GitHubAccess", name, {}, opts)
        self._name = name
        self._account = account = args.account
        self._key_arn = pulumi.Output.from_input(args.state_key_arn)
        self._children = pulumi.ResourceOptions(parent=self)
        self._identities = aws.iam.OpenIdConnectProvider(
            f"{name}-identities", url=f"https://{GITHUB}", client_id_lists=["sts.amazonaws.com"], opts=self._children
        )
        self._policy("softpos-workload-boundary", lambda key: documents.workload_boundary(account, key))
        boundary = self._policy("softpos-deploy-boundary", lambda key: documents.deploy_boundary(account, key))
        reading = {"reading": self._policy("softpos-reading", lambda _: documents.reading(account))}
        writing = {
            part: self._policy(f"softpos-deploy-{part}", partial(_known, document))
            for part, document in documents.writing(account).items()
        }
        refreshing = {
            **reading,
            "refreshing": self._policy("softpos-refreshing", lambda _: documents.refreshing(account)),
        }
        plan = {**refreshing, "state": self._state("softpos-plan-state", write=False)}
        deploy = {**refreshing, **writing, "state": self._state("softpos-deploy-state", write=True)}
        images = {"images": self._policy("softpos-images", partial(_known, documents.images(account)))}
        self.role_arns = {
            "plan": self._role("softpos-plan", documents.PLAN_SUBJECTS, plan, None),
            "deploy": self._role("softpos-deploy", [f"environment:{account.stack}"], deploy, boundary),
            "images": self._role("softpos-images", [documents.IMAGE_SUBJECTS[account.stack]], images, boundary),
        }
        if account.stack != "prod":
            own = self._policy("softpos-preview-state", lambda key: documents.preview_state(account, key))
            preview = self._role("softpos-preview", documents.PREVIEW_SUBJECTS, {**reading, "state": own}, None)
            self.role_arns = {**self.role_arns, "preview": preview}
        if account.environments:
            self.role_arns = {**self.role_arns, **self._environments({**refreshing, **writing})}
        self.register_outputs({"roleArns": self.role_arns})

    def _environments(self, policies: Mapping[str, aws.iam.Policy]) -> Mapping[str, pulumi.Output[str]]:
        account = self._account
        boundary = self._policy(
            "softpos-environments-boundary", lambda key: documents.environments_boundary(account, key)
        )
        state = self._state("softpos-environments-state", write=True, prefix=ENVIRONMENTS_PREFIX)
        subjects = {"environments": documents.ENVIRONMENTS_SUBJECTS, "reaper": documents.REAPER_SUBJECTS}
        every = {**policies, "state": state}
        return {role: self._role(f"softpos-{role}", taken, every, boundary) for role, taken in subjects.items()}

    def _state(self, name: str, *, write: bool, prefix: str = "") -> aws.iam.Policy:
        return self._policy(name, lambda key: documents.state(self._account, key, write=write, prefix=prefix))

    def _policy(self, name: str, made: Making) -> aws.iam.Policy:
        return aws.iam.Policy(
            f"{self._name}-{name}",
            name=name,
            path=IAM_PATH,
            policy=self._key_arn.apply(lambda key: json.dumps(made(key), separators=(",", ":"))),
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


def _known(made: Document, _key_arn: str) -> Document:
    """A document that names no key."""
    return made

"""The one-time set-up of an account: where state and images are kept, and how GitHub gets in."""

import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this program is a package of the repository

from bootstrap.account import FORMS, read_account
from bootstrap.github_access import GitHubAccess, GitHubAccessArgs
from bootstrap.state_backend import StateBackend, StateBackendArgs
from components.foundations.placement import DataClass, Placement
from components.service.image_repository import ImageRepository, ImageRepositoryArgs

settings = pulumi.Config()
account = read_account({key: settings.get(key) or "" for key in FORMS})
placement = Placement(
    stack="bootstrap",
    region=account.region,
    account_id=account.account_id,
    production=True,
    owner=account.owner,
    cost_centre=account.cost_centre,
)
provider = aws.Provider(
    "aws",
    region=account.region,
    allowed_account_ids=[account.account_id],
    default_tags=aws.ProviderDefaultTagsArgs(tags={**placement.default_tags, "DataClass": DataClass.CREDENTIALS.value}),
)
in_account = pulumi.ResourceOptions(provider=provider)

state = StateBackend("state", StateBackendArgs(account=account), in_account)
images = ImageRepository("images", ImageRepositoryArgs(placement=placement), in_account)
# An account has this role once, and only AWS Config can take it. Its history goes on when bootstrap does not.
aws.iam.ServiceLinkedRole(
    "config-role",
    aws_service_name="config.amazonaws.com",
    opts=pulumi.ResourceOptions.merge(in_account, pulumi.ResourceOptions(retain_on_delete=True)),
)
access = GitHubAccess("github", GitHubAccessArgs(account=account, state_keys=state.keys), in_account)

pulumi.export("backendUrl", state.url)
pulumi.export("secretsProvider", state.secrets_provider)
pulumi.export("bootstrapSecretsProvider", state.bootstrap_secrets_provider)
pulumi.export("imageRepository", images.url)
pulumi.export("workloadBoundary", account.workload_boundary_arn)
pulumi.export("roles", access.role_arns)

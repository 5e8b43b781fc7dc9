"""Where the application's images are kept: one repository for the account, because images outlive stacks.

The image is built once and the same digest is promoted from stack to stack, and it must be there before a stack that
runs it is made; so the repository is not part of the service: `bootstrap/` makes it, and what is in it stays.

Trust boundary: tags cannot be moved, so a name that was reviewed stays what was reviewed; stacks deploy by digest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.encryption_keys import DELETION_WINDOW_DAYS, ROTATION_DAYS, key_policy
from ..foundations.placement import DataClass, Placement

UNTAGGED_DAYS = 30
TAGGED_IMAGES = 500
"""Some years of releases. Danger: an image that expires can no longer be started, so this stays far above what runs."""


@dataclass(frozen=True, kw_only=True)
class ImageRepositoryArgs:
    """Inputs of `ImageRepository`."""

    placement: Placement
    repository: str = "softpos"
    """The repository's name in the account's registry."""


class ImageRepository(pulumi.ComponentResource):
    """An ECR repository and its key."""

    url: pulumi.Output[str]
    """Where a pipeline pushes."""

    def __init__(self, name: str, args: ImageRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("softpos:service:ImageRepository", name, {}, opts)
        self._name = name
        self._args = args
        # Holds data: the images of everything that ever ran. It and its key stay when the stack goes.
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        repository = self._create_repository(self._create_key())
        self._limit(repository)
        self.url = repository.repository_url
        self.register_outputs({"url": self.url})

    def _create_key(self) -> aws.kms.Key:
        """A key apart from the stack's, which go with the stack."""
        placement = self._args.placement
        return aws.kms.Key(
            f"{self._name}-key",
            description="SoftPOS: images of the application",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=json.dumps(key_policy(placement, "images", ())),
            tags=placement.tags(f"{self._name}-key", DataClass.CREDENTIALS),
            opts=self._kept,
        )

    def _create_repository(self, key: aws.kms.Key) -> aws.ecr.Repository:
        return aws.ecr.Repository(
            self._name,
            name=self._args.repository,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key.arn)
            ],
            force_delete=False,
            tags=self._args.placement.tags(self._name),
            opts=self._kept,
        )

    def _limit(self, repository: aws.ecr.Repository) -> None:
        rules = [
            {
                "rulePriority": 1,
                "description": f"Images that lost their name go after {UNTAGGED_DAYS} days",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "description": f"The newest {TAGGED_IMAGES} named images stay",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPatternList": ["*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": TAGGED_IMAGES,
                },
                "action": {"type": "expire"},
            },
        ]
        aws.ecr.LifecyclePolicy(
            f"{self._name}-lifecycle",
            repository=repository.name,
            policy=json.dumps({"rules": rules}),
            opts=self._kept,
        )

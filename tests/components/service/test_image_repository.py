import json

import pytest

from components.foundations.placement import Placement
from components.service.image_repository import ImageRepository, ImageRepositoryArgs
from recording.program import Recording
from tests.components.conftest import Play


@pytest.fixture(scope="module")
def images(play: Play, placement: Placement) -> Recording:
    return play(lambda: ImageRepository("images", ImageRepositoryArgs(placement=placement)))


def test_reviewed_tag_cannot_be_moved_and_every_push_is_scanned(images: Recording) -> None:
    repository = images.named("images", "aws:ecr/repository:Repository").inputs
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


def test_images_and_their_key_outlive_the_stack(images: Recording) -> None:
    repository = images.named("images", "aws:ecr/repository:Repository")
    key = images.named("images-key")
    assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": key.outputs["arn"]}]
    assert (repository.retain_on_delete, key.retain_on_delete) == (True, True)
    assert repository.inputs["forceDelete"] is False


def test_named_images_are_many_before_one_expires(images: Recording) -> None:
    rules = json.loads(images.named("images-lifecycle").inputs["policy"])["rules"]
    named = [rule["selection"] for rule in rules if rule["selection"]["tagStatus"] == "tagged"]
    assert [(rule["countType"], rule["countNumber"] >= 100) for rule in named] == [("imageCountMoreThan", True)]

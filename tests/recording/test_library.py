"""What a stranger does with the recorder: five lines, in a project that has nothing else of this one."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from recording import ProgramError, play

PROGRAM = """
import pulumi
import pulumi_aws as aws
from parts import bucket_name

bucket = aws.s3.Bucket(bucket_name(pulumi.Config("shop").require("owner")))
closed = pulumi.Config("shop").require_bool("closed")
aws.s3.BucketPublicAccessBlock("closed", bucket=bucket.id, block_public_acls=closed)
pulumi.export("arn", bucket.arn)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "parts.py").write_text("def bucket_name(owner):\n    return f'{owner}-files'\n", encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text('config: {shop:owner: ann, shop:closed: "true"}\n', encoding="utf-8")
    return tmp_path


def test_a_strangers_project_is_recorded_with_the_configuration_of_its_stack(project: Path) -> None:
    recording = play(project, stack="dev")
    (block,) = recording.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert block.inputs["blockPublicAcls"] is True
    assert recording.named("ann-files").urn == "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::ann-files"
    assert block.dependencies == (recording.named("ann-files").urn,)
    assert recording.outputs["arn"] == "arn:aws:s3:::" + recording.named("ann-files").id


def test_values_given_to_play_are_laid_over_the_files(project: Path) -> None:
    recording = play(project, stack="dev", values={"shop:closed": "false"})
    (block,) = recording.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert block.inputs["blockPublicAcls"] is False


def test_an_error_names_the_line_of_the_strangers_program(project: Path) -> None:
    (project / "parts.py").write_text("def bucket_name(owner):\n    raise ValueError('no name')\n", encoding="utf-8")
    with pytest.raises(ProgramError, match=r"ValueError: no name \(parts\.py:2\)"):
        play(project, stack="dev")


def test_a_function_is_a_program_too() -> None:
    recording = play(lambda: pulumi.export("arn", aws.sns.Topic("alarms").arn), account_id="111122223333")
    assert ":111122223333:" in recording.outputs["arn"]

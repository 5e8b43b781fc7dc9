"""The signature says who sealed a bundle. KMS is moto's here, which signs and verifies as KMS does."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from command_line.exits import FAILED, Stop
from operations.evidence.manifest import SIGNATURE, problems
from operations.evidence.signature import sign, signature_problems


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("kms", region_name="eu-central-1")


def key(kms: Any, usage: str = "SIGN_VERIFY") -> str:
    spec = "ECC_NIST_P256" if usage == "SIGN_VERIFY" else "SYMMETRIC_DEFAULT"
    return str(kms.create_key(KeyUsage=usage, KeySpec=spec)["KeyMetadata"]["Arn"])


@pytest.fixture
def signed(sealed: Path, tmp_path: Path, kms: Any) -> tuple[Path, str]:
    shutil.copytree(sealed, tmp_path / "copy")
    seal = json.loads((tmp_path / "copy" / "manifest.json").read_text(encoding="utf-8"))["seal"]
    return tmp_path / "copy", sign(tmp_path / "copy", seal, key(kms), kms)


def test_a_signed_bundle_is_confirmed_by_its_key_alone(signed: tuple[Path, str], kms: Any) -> None:
    directory, own = signed
    assert problems(directory) == []
    assert signature_problems(directory, own, kms) == []
    assert signature_problems(directory, key(kms), kms)


@pytest.mark.parametrize("cell", ["seal", "signature"])
def test_a_changed_signature_is_found(signed: tuple[Path, str], kms: Any, cell: str) -> None:
    directory, own = signed
    content = json.loads((directory / SIGNATURE).read_text(encoding="utf-8"))
    content[cell] = content[cell][::-1]
    (directory / SIGNATURE).write_text(json.dumps(content), encoding="utf-8")
    assert signature_problems(directory, own, kms)


def test_a_bundle_without_signature_is_not_confirmed(sealed: Path, kms: Any) -> None:
    (problem,) = signature_problems(sealed, key(kms), kms)
    assert "the signature cannot be read" in problem


def test_a_key_that_does_not_exist_ends_with_one_sentence(sealed: Path, tmp_path: Path, kms: Any) -> None:
    with pytest.raises(Stop, match="KMS did not sign with alias/none") as refused:
        sign(tmp_path, "0" * 64, "alias/none", kms)
    assert refused.value.code == FAILED
    assert list(tmp_path.iterdir()) == []

"""A lock that a dead update left is named with its owner, and with the words that free it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from command_line.exits import Stop
from operations.pipeline.locks import DIRECTORY, Lock, advice, locks


def lock_text(timestamp: str = "2026-11-23T09:15:00.123456789+01:00") -> str:
    """A lock as the engine writes it."""
    return json.dumps({"pid": 42, "username": "runner", "hostname": "build-7", "timestamp": timestamp})


LOCK = Lock("runner@build-7 (process 42)", datetime(2026, 11, 23, 8, 15, 0, 123456, tzinfo=UTC))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_lock_on_disk_is_read(tmp_path: Path) -> None:
    directory = tmp_path / DIRECTORY / "prod"
    directory.mkdir(parents=True)
    assert locks("prod", f"file://{tmp_path}") == []
    (directory / "8f2c.json").write_text(lock_text())
    assert locks("prod", f"file://{tmp_path}") == [LOCK]
    assert locks("dev", f"file://{tmp_path}") == []


@pytest.mark.parametrize("prefix", ["", "/team/a"])
def test_a_lock_in_a_bucket_is_read(s3: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ENDPOINT_URL", s3), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name="eu-central-1")
    bucket = f"state{prefix.replace('/', '-')}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    key = f"{prefix}/{DIRECTORY}/prod/8f2c.json".lstrip("/")
    client.put_object(Bucket=bucket, Key=key, Body=lock_text().encode())
    url = f"s3://{bucket}{prefix}?region=eu-central-1"
    assert locks("prod", url) == [LOCK]
    assert locks("pro", url) == []


@pytest.mark.parametrize("stamp", ["2026-11-23T08:15:00Z", "2026-11-23T08:15:00.1Z", "2026-11-23T09:15:00+01:00"])
def test_every_form_of_gos_timestamps_is_read(tmp_path: Path, stamp: str) -> None:
    directory = tmp_path / DIRECTORY / "prod"
    directory.mkdir(parents=True)
    (directory / "1.json").write_text(lock_text(stamp))
    [found] = locks("prod", f"file://{tmp_path}")
    assert found.since.replace(microsecond=0) == datetime(2026, 11, 23, 8, 15, tzinfo=UTC)


def test_the_advice_names_holder_time_and_command() -> None:
    lines = advice("prod", [LOCK], [])
    assert lines[0] == "prod is locked by runner@build-7 (process 42) since 2026-11-23 08:15 UTC."
    assert "pulumi cancel --stack prod --yes" in lines[2]


def test_the_advice_names_what_was_under_way() -> None:
    [first, *_] = advice("prod", [], ["urn:pulumi:prod::softpos::aws:eks/cluster:Cluster::cluster"])
    assert first == "prod was interrupted while it was changing: cluster."


def test_a_healthy_stack_needs_no_advice() -> None:
    assert advice("prod", [], []) == []


def test_another_backend_is_refused() -> None:
    with pytest.raises(Stop, match="PULUMI_BACKEND_URL"):
        locks("prod", "https://api.pulumi.com")

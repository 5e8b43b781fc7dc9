"""Nobody's change is lost, on a disk or in S3, however many change the ledger at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from command_line.exits import Stop
from operations.environments.ledger import Ledger, Request, from_text
from operations.environments.ledger_store import BucketStore, FileStore, Store, change, store_of_backend

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POOL = IPv4Network("10.64.0.0/12")
BUCKET = "softpos-state"


def claim(store: Store, name: str, owner: str = "ana", limit: int = 50) -> Ledger:
    request = Request(
        name=name, owner=owner, purpose="test", source="dev", account="444455556666", lifetime=timedelta(hours=8)
    )
    return change(store, lambda ledger: ledger.claim(request, AT, limit=limit, pool=POOL, taken=[]))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 that speaks HTTP on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "file":
        return f"file://{tmp_path}"
    for name, value in (
        ("AWS_ENDPOINT_URL", s3),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ):
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name="eu-central-1")
    bucket = f"{BUCKET}-{tmp_path.name.replace('_', '-').lower()}"[:60].strip("-")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return f"s3://{bucket}/team?region=eu-central-1"


def test_an_empty_backend_holds_an_empty_ledger(url: str) -> None:
    assert from_text(store_of_backend(url).read()[0]) == Ledger()


def test_a_change_is_there_for_the_next_reader(url: str) -> None:
    after = claim(store_of_backend(url), "ana")
    assert from_text(store_of_backend(url).read()[0]) == after


def test_a_swap_against_an_old_version_is_refused(url: str) -> None:
    store = store_of_backend(url)
    assert store.swap("one", "")
    assert not store.swap("two", "")
    _, version = store.read()
    assert store.swap("three", version)
    assert not store.swap("four", version)
    assert store.read()[0] == "three"


def test_changes_at_the_same_time_are_all_kept_and_share_no_address(url: str) -> None:
    names = [f"t{number}" for number in range(8)]
    threads = [threading.Thread(target=claim, args=(store_of_backend(url), name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = from_text(store_of_backend(url).read()[0])
    assert sorted(ledger.environments) == names
    assert len({one.cidr for one in ledger.environments.values()}) == len(names)


def test_of_two_who_want_one_name_at_the_same_time_one_gets_it(url: str) -> None:
    outcomes: list[str] = []
    both = threading.Barrier(2)

    def take(owner: str) -> None:
        both.wait()
        try:
            claim(store_of_backend(url), "shared", owner)
            outcomes.append(owner)
        except Stop as stop:
            outcomes.append(stop.lines[0])

    threads = [threading.Thread(target=take, args=(owner,)) for owner in ("ana", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = from_text(store_of_backend(url).read()[0]).get("shared").owner
    assert winner in outcomes
    assert [one for one in outcomes if "belongs to" in one and winner in one]


def test_a_store_that_never_accepts_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    monkeypatch.setattr(store, "swap", lambda *_: False)
    with pytest.raises(Stop, match="it changed 20 times"):
        claim(store, "ana")


def test_a_bucket_that_cannot_be_reached_is_a_sentence(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ENDPOINT_URL", s3), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(name, value)
    with pytest.raises(Stop, match=r"s3://nobodys-bucket/environments\.json: it cannot be used"):
        BucketStore("nobodys-bucket", "", "eu-central-1").read()


@pytest.mark.parametrize("url", ["", "https://api.pulumi.com", "file:///nowhere/at/all", "s3://", "gs://bucket"])
def test_no_other_backend_is_accepted(url: str) -> None:
    with pytest.raises(Stop, match="PULUMI_BACKEND_URL"):
        store_of_backend(url)

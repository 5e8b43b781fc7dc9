"""Where the ledger lies: beside the stacks' state, changed by compare-and-swap so that nobody's change is lost."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlparse

import boto3
import botocore.exceptions

from command_line.exits import BAD_INPUT, FAILED, Stop
from command_line.files import write_whole
from operations.environments.ledger import Ledger, from_text, to_text

NAME = "environments.json"
TRIES = 20
"""Each try loses only to another's success; twenty at once is more than the account may hold."""


class Store(Protocol):
    """A document with compare-and-swap."""

    def read(self) -> tuple[str, str]:
        """The text and its version; both empty when nothing is stored."""

    def swap(self, text: str, version: str) -> bool:
        """Store `text` if the stored version still is `version`; whether that was so."""


def change(store: Store, step: Callable[[Ledger], Ledger]) -> Ledger:
    """Apply one change to the ledger and return the ledger after it.

    Raises:
        Stop: as `step` does, or when others change the ledger faster than we can.
    """
    for _ in range(TRIES):
        text, version = store.read()
        changed = step(from_text(text))
        if store.swap(to_text(changed), version):
            return changed
    raise Stop(FAILED, f"{NAME}: it changed {TRIES} times while it was being changed here; run the command again.")


class FileStore:
    """A file, for a backend on this machine's disk."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / NAME
        self._lock = directory / f".{NAME}.lock"

    def read(self) -> tuple[str, str]:
        with suppress(FileNotFoundError):
            text = self._file.read_text(encoding="utf-8")
            return text, text
        return "", ""

    def swap(self, text: str, version: str) -> bool:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.read()[1] != version:
                return False
            write_whole(self._file, text)
            return True


class BucketStore:
    """An object in S3, guarded by conditional writes."""

    def __init__(self, bucket: str, prefix: str, region: str | None) -> None:
        self._bucket = bucket
        self._key = f"{prefix}/{NAME}".lstrip("/")
        self._s3 = boto3.client("s3", region_name=region)

    def read(self) -> tuple[str, str]:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=self._key)
        except self._s3.exceptions.NoSuchKey:
            return "", ""
        except botocore.exceptions.BotoCoreError as error:
            raise self._unreachable(error) from None
        except botocore.exceptions.ClientError as error:
            raise self._unreachable(error) from None
        return found["Body"].read().decode(), found["ETag"]

    def swap(self, text: str, version: str) -> bool:
        try:
            if version:
                self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=text.encode(), IfMatch=version)
            else:
                self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=text.encode(), IfNoneMatch="*")
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise self._unreachable(error) from None
        return True

    def _unreachable(self, error: Exception) -> Stop:
        return Stop(
            FAILED,
            f"s3://{self._bucket}/{self._key}: it cannot be used ({' '.join(str(error).split())}); "
            "log in to the development account and check PULUMI_BACKEND_URL.",
        )


def store_of_backend(url: str | None = None) -> Store:
    """The ledger's store for a Pulumi backend, by default the one in ``PULUMI_BACKEND_URL``.

    Raises:
        Stop: for a backend that is neither S3 nor a directory.
    """
    found = os.environ.get("PULUMI_BACKEND_URL", "") if url is None else url
    parsed = urlparse(found)
    if parsed.scheme == "s3" and parsed.netloc:
        region = parse_qs(parsed.query).get("region", [None])[0]
        return BucketStore(parsed.netloc, unquote(parsed.path).strip("/"), region)
    if parsed.scheme == "file":
        directory = Path(found.removeprefix("file://")).expanduser()
        if directory.is_dir():
            return FileStore(directory)
    raise Stop(
        BAD_INPUT,
        f"PULUMI_BACKEND_URL: {found or 'nothing'} is not allowed; allowed: s3://BUCKET?region=REGION or "
        "file://DIRECTORY that exists; export the address that bootstrap printed.",
    )

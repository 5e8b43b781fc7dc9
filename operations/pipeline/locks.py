"""Who holds a stack's lock, and how to free it: what a cancelled or killed update leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import boto3
import botocore.exceptions

from command_line.exits import BAD_INPUT, FAILED, Stop
from settings import PROJECT

DIRECTORY = f".pulumi/locks/organization/{PROJECT}"
"""Where Pulumi's own backends keep a stack's locks, a file each."""


@dataclass(frozen=True)
class Lock:
    """One lock of a stack."""

    owner: str
    since: datetime


def locks(stack: str, url: str | None = None) -> list[Lock]:
    """The locks of a stack in the backend, by default that of ``PULUMI_BACKEND_URL``, oldest first.

    Raises:
        Stop: for another backend than S3 or a directory, or one that cannot be read.
    """
    found = os.environ.get("PULUMI_BACKEND_URL", "") if url is None else url
    parsed = urlparse(found)
    if parsed.scheme == "s3":
        texts = _in_bucket(parsed.netloc, unquote(parsed.path).strip("/"), stack, parse_qs(parsed.query))
    elif parsed.scheme == "file":
        directory = Path(found.removeprefix("file://")).expanduser() / DIRECTORY / stack
        texts = (file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.json")))
    else:
        raise Stop(
            BAD_INPUT, f"PULUMI_BACKEND_URL: {found or 'nothing'} is not allowed; allowed: s3:// or file://; export it."
        )
    return sorted(map(_lock, texts), key=lambda lock: lock.since)


def advice(stack: str, found: Sequence[Lock], pending: Sequence[str]) -> list[str]:
    """What to do about a stack whose update ended badly, a line each; empty when nothing is in the way.

    Args:
        pending: URNs of operations that the state says were under way when the engine died.
    """
    lines = []
    if found:
        holders = ", ".join(f"{lock.owner} since {lock.since:%Y-%m-%d %H:%M} UTC" for lock in found)
        lines += [
            f"{stack} is locked by {holders}.",
            "Make sure that this update no longer runs: no running job in its concurrency group, no such process.",
            f"Then unlock it by `pulumi cancel --stack {stack} --yes`, and run the deployment again; it goes on.",
        ]
    if pending:
        names = ", ".join(urn.rpartition("::")[2] for urn in pending)
        lines += [
            f"{stack} was interrupted while it was changing: {names}.",
            "The next run goes on. If it says that one of them exists already, import it: "
            f"`pulumi import --stack {stack} TYPE NAME ID`, or delete it in AWS, and run the deployment again.",
            f"`pulumi refresh --stack {stack} --clear-pending-creates` takes them off the list.",
        ]
    return lines


def _lock(text: str) -> Lock:
    content: dict[str, Any] = json.loads(text)
    since = datetime.fromisoformat(_to_microseconds(content["timestamp"])).astimezone(UTC)
    return Lock(f"{content['username']}@{content['hostname']} (process {content['pid']})", since)


def _to_microseconds(timestamp: str) -> str:
    """Go writes nanoseconds, which Python does not read."""
    head, point, tail = timestamp.partition(".")
    if not point:
        return timestamp
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


def _in_bucket(bucket: str, prefix: str, stack: str, query: dict[str, list[str]]) -> Iterator[str]:
    s3 = boto3.client("s3", region_name=query.get("region", [None])[0])
    path = "/".join(filter(None, (prefix, DIRECTORY, stack))) + "/"
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=path):
            for entry in page.get("Contents", ()):
                yield s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Stop(FAILED, f"s3://{bucket}: its locks cannot be read ({' '.join(str(error).split())}).") from None

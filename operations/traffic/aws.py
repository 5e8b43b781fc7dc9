"""AWS of one region: every call in one place, and every failure one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from command_line.exits import FAILED, Stop


class AwsError(Stop):
    """AWS refused a call or did not answer. `reason` is AWS's own error code, or empty."""

    def __init__(self, sentence: str, reason: str = "") -> None:
        super().__init__(FAILED, sentence)
        self.reason = reason

    def __str__(self) -> str:
        return self.lines[0]


class Aws:
    """Clients are made once and only when they are used."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._session: boto3.session.Session | None = None
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            settings = Config(
                region_name=self.region,
                connect_timeout=5,
                read_timeout=10,
                retries={"mode": "standard", "total_max_attempts": 3},
            )
            try:
                self._session = self._session or boto3.session.Session()
                self._clients[service] = self._session.client(cast("Any", service), config=settings)
            except BotoCoreError as error:
                raise AwsError(f"AWS {service} cannot be used in {self.region}: {_words(error)}.") from error
        return self._clients[service]

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one API call. Raises `AwsError`."""
        method: Callable[..., dict[str, Any]] = getattr(self.client(service), operation)
        try:
            return method(**arguments)
        except ClientError as error:
            told = error.response.get("Error", {})
            code = told.get("Code", "?")
            raise AwsError(
                f"AWS {service} {operation} was refused: {code}, {told.get('Message', '')}.", code
            ) from error
        except BotoCoreError as error:
            raise AwsError(f"AWS {service} {operation} did not answer: {_words(error)}.") from error

    def operator(self) -> str:
        """Who runs this, as CloudTrail will say it too."""
        return str(self.call("sts", "get_caller_identity")["Arn"])


def _words(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")

"""Steps on the application: where its secret points, how it learns of it, whether it is well."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cutover.errors import RefusedError, ToolError
from cutover.steps.actions import ApiCall, Change, Command, Effect, Look, Progress, Run, Wait
from cutover.steps.dms import task
from cutover.steps.sessions import sessions

HEALTH_SECONDS = 5.0
TELLING_ERRORS = (1044, 1045, 1049, 1054, 1142, 1146, 1205, 1227, 1290, 1305, 1449, 3118, 3159, 3879)
"""Errors that a database just moved shows when it is not what the application expects: no access, no table, no column,
no routine, no definer, account locked, TLS refused, read-only, waiting for locks. Taken from performance_schema."""
_ERRORS = """SELECT COALESCE(SUM(SUM_ERROR_RAISED), 0) AS n
FROM performance_schema.events_errors_summary_global_by_error WHERE ERROR_NUMBER IN ({numbers})"""
TOLERATED_ERRORS_PER_SECOND = 5.0


AFTER = "AFTER-CUTOVER"
BEFORE = "BEFORE-CUTOVER"
"""Staging label that keeps the secret's version from before the switch: the way back needs its password."""


def secret_for_target(run: Run) -> Mapping[str, Any]:
    """The application's secret as it must be for the application to use the target."""
    stack = run.migration.stack
    now = dict(run.migration.aws.secret(stack.application_secret_arn))
    now["host"] = stack.database_writer_endpoint
    if "port" in now:
        now["port"] = stack.database_port
    if "reader_host" in now:
        now["reader_host"] = stack.database_reader_endpoint or stack.database_writer_endpoint
    if stack.application_authentication == "iam":
        now.pop("password", None)
        now["auth"] = "iam"
    return now


def _point_to_target(run: Run) -> Sequence[Effect]:
    aws, arn = run.migration.aws, run.migration.stack.application_secret_arn
    wanted, now = secret_for_target(run), aws.secret(arn)
    if wanted == now:
        return []
    names = sorted({*now, *wanted} - {"password"})
    changed = ", ".join(
        f"{name}: {now.get(name)} to {wanted.get(name)}" for name in names if wanted.get(name) != now.get(name)
    )
    without = ", without the password" if "password" in now and "password" not in wanted else ""
    current, labelled, version = aws.secret_version(arn), aws.secret_version(arn, BEFORE), str(uuid.uuid4())
    effects: list[Effect] = []
    if labelled != current:
        keep = {"VersionStage": BEFORE, "MoveToVersionId": current}
        if labelled:
            keep["RemoveFromVersionId"] = labelled
        effects.append(_move_label(arn, keep))
    put = {"SecretId": arn, "ClientRequestToken": version, "SecretString": json.dumps(wanted), "VersionStages": [AFTER]}
    return [
        *effects,
        ApiCall(
            service="secretsmanager",
            operation="put_secret_value",
            arguments=put,
            hidden={"SecretString": f"<the same, but for {changed}{without}>"},
        ),
        # Named from which version the label goes: a rotation in between makes AWS refuse rather than lose a password.
        _move_label(arn, {"VersionStage": "AWSCURRENT", "MoveToVersionId": version, "RemoveFromVersionId": current}),
    ]


def _move_label(arn: str, arguments: Mapping[str, str]) -> ApiCall:
    return ApiCall(
        service="secretsmanager", operation="update_secret_version_stage", arguments={"SecretId": arn, **arguments}
    )


def _point_to_source(run: Run) -> Sequence[Effect]:
    """Makes the version from before the switch the current one again: no value passes through here."""
    aws, arn = run.migration.aws, run.migration.stack.application_secret_arn
    before, now = run.facts.application_version, aws.secret_version(arn)
    if not before or before == now:
        return []
    return [_move_label(arn, {"VersionStage": "AWSCURRENT", "MoveToVersionId": before, "RemoveFromVersionId": now})]


def _reload(run: Run) -> Sequence[Effect]:
    return [Command(words=run.migration.reload_command)] if run.migration.reload_command else []


class _At(http.client.HTTPSConnection):
    """HTTPS to an address that the name need not lead to; the name is asked for (SNI, Host) and verified."""

    def __init__(self, name: str, address: str, port: int | None) -> None:
        super().__init__(name, port, timeout=HEALTH_SECONDS)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=HEALTH_SECONDS)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def healthy(url: str, at: str = "") -> str:
    """Empty if the application answers 2xx, else what it said. Redirects are answers of somebody else.

    Args:
        at: host or address to connect to instead of the one that the URL names, while the public name may lead to the
            data centre, whose application would answer for the new one.
    """
    if not url:
        return ""
    asked = urlsplit(url)
    try:
        name, port = asked.hostname or "", asked.port
        connection = (
            _At(name, at or name, port)
            if asked.scheme == "https"
            else http.client.HTTPConnection(at or name, port, timeout=HEALTH_SECONDS)
        )
        with contextlib.closing(connection):
            connection.request("GET", asked.path or "/", headers={"User-Agent": "cutover"})
            status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"did not answer ({error})"
    return "" if 200 <= status < 300 else f"answered {status}"


def health(run: Run) -> str:
    """What the load balancer itself says of the application, as `healthy` does."""
    stack = run.migration.stack
    return healthy(stack.health_url, stack.public.load_balancer_dns_name if stack.public else "")


def _serves(run: Run) -> Progress:
    wrong = health(run)
    if not wrong and not sessions(run, "target"):
        wrong = "has not connected to the target yet"
    return Progress(done=not wrong, sentence=f"the application {wrong or 'is healthy'}")


def database_errors(run: Run) -> int:
    """Errors that the target has raised so far, of the kinds that a move causes."""
    server = run.migration.target
    if server.dialect.flavour == "mariadb":
        return server.status("Access_denied_errors").get("access_denied_errors", 0)
    numbers = ", ".join(map(str, TELLING_ERRORS))
    return int(server.value(_ERRORS.replace("{numbers}", numbers)) or 0)


class Watch:
    """Looks at the application, the database and the reverse task until the watch's time is over."""

    def __init__(self) -> None:
        self._failures = 0
        self._errors: tuple[float, int] | None = None

    def look(self, run: Run) -> Progress:
        limits = run.limits
        wrong = self._wrong(run)
        self._failures = self._failures + 1 if wrong else 0
        if self._failures >= limits.tolerated_failures:
            raise RefusedError(f"The watch failed {self._failures} times in a row: {wrong}.")
        left = (run.facts.served_at or time.time()) + limits.watch_seconds - time.time()
        said = wrong or "the application is healthy, the reverse task runs"
        return Progress(done=left <= 0 and not wrong, sentence=f"{said}, {max(0, left):.0f} s left")

    def _wrong(self, run: Run) -> str:
        if told := health(run):
            return f"the application {told}"
        try:
            status = task(run, "reverse")["Status"]
            errors = database_errors(run)
        except (RefusedError, ToolError) as error:
            return str(error).rstrip(".")
        if status != "running":
            return f"the reverse task is {status}"
        before, self._errors = self._errors, (time.monotonic(), errors)
        if before is not None:
            rate = (errors - before[1]) / max(time.monotonic() - before[0], 0.001)
            if rate > TOLERATED_ERRORS_PER_SECOND:
                return f"the target raises {rate:.0f} errors a second"
        return ""


POINT_TO_TARGET = Change(
    id="point-to-target",
    name="point the application's secret to the target",
    why="the application reads it to connect",
    effects=_point_to_target,
)
POINT_TO_SOURCE = Change(
    id="point-to-source",
    name="point the application's secret to the source",
    why="the application reads it to connect",
    effects=_point_to_source,
)
RELOAD = Change(
    id="reload",
    name="make the application read its secret",
    why="running pods keep what they have read",
    effects=_reload,
)
SERVES = Wait(
    id="serves",
    name="see the application healthy",
    why="the downtime ends here",
    until=_serves,
    longest_seconds=lambda limits: limits.max_downtime_seconds,
)
SERVED = Look(
    id="served",
    name="note the end of the downtime",
    why="first healthy answer",
    read=lambda run: {
        "served_at": time.time(),
        "downtime_seconds": round(time.time() - (run.facts.frozen_at or time.time()), 2),
    },
    forecast=lambda _: "the time and the downtime",
)


def watch_step() -> Wait:
    """A fresh watch: a failure count is not carried over from another run."""
    return Wait(
        id="watch",
        name="watch",
        why="the application, the target's errors and the reverse task decide whether it stays",
        until=Watch().look,
        longest_seconds=lambda limits: limits.watch_seconds * 10 + 3600,
        every_seconds=lambda limits: limits.watch_every_seconds,
        forecast=lambda run: (
            f"would look every {run.limits.watch_every_seconds:g} s for {run.limits.watch_seconds:.0f} s, and go back "
            f"after {run.limits.tolerated_failures} failures in a row"
        ),
    )

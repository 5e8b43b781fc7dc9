"""What a smoke test aims at: a stack's outputs, from the Pulumi CLI or from a file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from command_line.exits import BAD_INPUT, FAILED, NO_PULUMI, Stop

PULUMI_SECONDS = 120
HTTPS = 443
HTTP = 80


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a stack answers, and where it must not."""

    host: str
    port: int
    http_port: int
    health_path: str
    private: Mapping[str, tuple[str, int]]
    """Endpoints that nobody outside may reach, by what they are."""


PRIVATE: tuple[tuple[str, str, int], ...] = (
    ("database writer", "databaseWriterEndpoint", 3306),
    ("database reader", "databaseReaderEndpoint", 3306),
    ("cache primary", "cachePrimaryEndpoint", 6379),
    ("cache reader", "cacheReaderEndpoint", 6379),
)
"""What must be private, the output that holds its address, and its port."""
HEALTH_URL = "healthUrl"


def from_outputs(stack: str, outputs: Mapping[str, Any]) -> Target:
    """The target that a stack's outputs describe.

    Raises:
        Stop: when an output is missing, a line each.
    """
    wanted = (HEALTH_URL, *(output for _, output, _ in PRIVATE))
    missing = [name for name in wanted if not isinstance(outputs.get(name), str) or not outputs[name]]
    if missing:
        raise Stop(
            BAD_INPUT,
            *(f"{name}: the stack {stack} has no such output; deploy it by this program first." for name in missing),
        )
    try:
        url = urlsplit(outputs[HEALTH_URL])
        host, port = url.hostname, url.port or HTTPS
    except ValueError:
        host = None
    if not host or url.scheme != "https":
        raise Stop(
            BAD_INPUT,
            f"{HEALTH_URL}: {outputs[HEALTH_URL]!r} of {stack} is not allowed; allowed: https://HOST/PATH; mend it.",
        )
    return Target(
        host=host,
        port=port,
        http_port=HTTP,
        health_path=url.path or "/",
        private={what: (str(outputs[output]), port) for what, output, port in PRIVATE},
    )


def read_outputs(stack: str, file: Path | None, root: Path) -> Mapping[str, Any]:
    """A stack's outputs: from `file`, which holds what `pulumi stack output --json` prints, or by asking it.

    Raises:
        Stop: when there is no CLI, no such stack or no such file.
    """
    if file:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise Stop(BAD_INPUT, f"--outputs: {file} cannot be read ({reason}); give another file.") from None
    else:
        text = _asked(stack, root)
    try:
        outputs = json.loads(text)
    except (ValueError, RecursionError):
        outputs = None
    if not isinstance(outputs, dict):
        raise Stop(BAD_INPUT, f"{file or 'pulumi'}: no outputs of {stack}; allowed: a JSON object by output name.")
    return outputs


def _asked(stack: str, root: Path) -> str:
    pulumi = shutil.which("pulumi")
    if not pulumi:
        raise Stop(BAD_INPUT, f"{NO_PULUMI}, or give --outputs FILE.")
    done = subprocess.run(
        [pulumi, "stack", "output", "--json", "--stack", stack, "--non-interactive"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=PULUMI_SECONDS,
        check=False,
    )
    if done.returncode:
        raise Stop(FAILED, f"pulumi: the outputs of {stack} cannot be read: {' '.join(done.stderr.split())}")
    return done.stdout

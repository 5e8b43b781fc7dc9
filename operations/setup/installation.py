"""The packages of the environment: exactly those of the requirements files, by uv, which pip installs first.

Neither resolves anything. uv is told what pip is configured with on this machine: index, mirror, proxy, certificates.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from operations.setup import Refusal
from operations.setup.environment import bare, interpreter

UV_REQUIREMENTS = "requirements-setup.txt"
"""Lies next to the other requirements files; pins uv by hash."""


def _existing(places: str) -> str:
    """Return links as uv wants them; pip passes over a directory that is missing, uv does not."""
    return ",".join(place for place in places.split() if "://" in place or Path(place).expanduser().is_dir())


CONNECTION: dict[str, tuple[tuple[str, ...], Callable[[str], str]]] = {
    "index-url": (("UV_DEFAULT_INDEX",), str.strip),
    "extra-index-url": (("UV_INDEX",), lambda value: " ".join(value.split())),
    "find-links": (("UV_FIND_LINKS",), _existing),
    "no-index": (("UV_NO_INDEX",), str.strip),
    "trusted-host": (("UV_INSECURE_HOST",), lambda value: " ".join(value.split())),
    "cert": (("SSL_CERT_FILE",), str.strip),
    "client-cert": (("SSL_CLIENT_CERT",), str.strip),
    "proxy": (("HTTPS_PROXY", "HTTP_PROXY"), str.strip),
    "timeout": (("UV_HTTP_TIMEOUT",), str.strip),
    "keyring-provider": (("UV_KEYRING_PROVIDER",), lambda value: "subprocess" if value == "subprocess" else "disabled"),
}
"""What pip may be configured with to reach packages -> uv's variables of the same meaning."""


SECTIONS = ("global", "install", ":env:")
"""Where pip's settings come from, the strongest last."""
UV_OWN = {"UV_CACHE_DIR", "UV_NO_CACHE", "UV_OFFLINE", "UV_CONFIG_FILE", "UV_LINK_MODE", "UV_SYSTEM_CERTS"}
"""What a user may tell uv in addition; the rest of its variables could change what is installed, or where."""
PIP_OWN = {"PIP_CONFIG_FILE", "PIP_CACHE_DIR", "PIP_RETRIES"}
"""What a user may tell pip in addition to `CONNECTION`, for the same reason."""


def install(environment: Path, requirements: Sequence[Path]) -> None:
    """Make the packages of `environment` exactly those of `requirements` and uv; pip, which came with it, stays.

    Raises:
        Refusal: packages could not be fetched, do not have the locked hash, or do not fit together.
    """
    files = [requirements[0].parent / UV_REQUIREMENTS, *requirements]
    python = interpreter(environment)
    variables = {name: value for name, value in bare().items() if _reaches(name)}
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    exactly = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    _run([*pip, "install", "--quiet", "--no-user", *exactly, "-r", files[0]], variables, files[:1])
    variables = {
        **_connection([*pip, "config", "list"], variables),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        **variables,
    }
    uv: list[str | Path] = [python.with_name("uv"), "pip"]
    if not _can_cache(variables):
        variables["UV_NO_CACHE"] = "1"
    _run([*uv, "sync", "--quiet", "--python", python, "--require-hashes", "--no-build", *files], variables, files)
    _run([*uv, "check", "--quiet", "--python", python], variables, files)


def _reaches(name: str) -> bool:
    """Return whether the variable `name` is passed on: of pip's and uv's, those that say how packages are reached."""
    if name.startswith("PIP_"):
        return name in PIP_OWN or name.removeprefix("PIP_").lower().replace("_", "-") in CONNECTION
    return not name.startswith("UV_") or name in UV_OWN or any(name in names for names, _ in CONNECTION.values())


def _connection(command: Sequence[str | Path], variables: dict[str, str]) -> dict[str, str]:
    """Return uv's variables for what pip is configured with: a command's section before the general one, then PIP_*."""
    listed = subprocess.run(command, env=variables, capture_output=True, text=True, check=False).stdout
    found: dict[str, tuple[int, str]] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, setting = name.rpartition(".")
        if section in SECTIONS and setting in CONNECTION:
            found[setting] = max(found.get(setting, (-1, "")), (SECTIONS.index(section), str(ast.literal_eval(value))))
    if "cert" not in found and (bundle := variables.get("REQUESTS_CA_BUNDLE")):
        found["cert"] = 0, bundle
    told = {}
    for setting, (_, value) in found.items():
        names, convert = CONNECTION[setting]
        told.update(dict.fromkeys(names, convert(value)))
    return {name: value for name, value in told.items() if value}


def _can_cache(variables: dict[str, str]) -> bool:
    """Return whether uv can keep what it downloads; a user without a home goes without."""
    kept = variables.get("UV_CACHE_DIR") or variables.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    place = Path(kept)
    while not place.exists() and place != place.parent:
        place = place.parent
    return os.access(place, os.W_OK)


def _run(command: Sequence[str | Path], variables: dict[str, str], files: Sequence[Path]) -> None:
    if subprocess.run(command, env=variables, check=False).returncode != 0:
        raise Refusal(
            f"the packages in {' and '.join(file.name for file in files)} could not be installed; see the lines above, "
            "check the network or index, and run again."
        )

"""The seal of an evidence bundle: a digest of each file, and one over all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from command_line.files import write_whole

NAME = "manifest.json"
SIGNATURE = "signature.json"
"""Signs the seal, so the seal cannot cover it."""


def seal(directory: Path, facts: Mapping[str, str]) -> str:
    """Write the manifest over every file of a bundle; answers the seal, which belongs somewhere else as well.

    Args:
        facts: what the bundle says of itself, such as stack and commit.
    """
    content = {"facts": dict(facts), "sha256": {name: digest(directory / name) for name in _files(directory)}}
    sealed = {**content, "seal": _seal(content)}
    write_whole(directory / NAME, _text(sealed))
    return str(sealed["seal"])


def problems(directory: Path, expected: str = "") -> list[str]:
    """What is no longer as it was sealed, a sentence each.

    Args:
        expected: the seal as it was kept elsewhere; without it, somebody who changes files and seals again is not seen.
    """
    file = directory / NAME
    try:
        text = file.read_text(encoding="utf-8")
        sealed: dict[str, Any] = json.loads(text)
        content = {"facts": sealed["facts"], "sha256": dict(sealed["sha256"])}
        whole = sealed["seal"] == _seal(content) and text == _text(sealed)
    except (OSError, ValueError, RecursionError, LookupError, TypeError) as error:
        return [f"{file}: the manifest cannot be read ({type(error).__name__}); take the bundle again."]
    found = [] if whole else [f"{file}: the manifest was changed after it was sealed; take the bundle again."]
    if expected and sealed["seal"] != expected:
        found.append(f"{file}: the seal is {sealed['seal']}, wanted {expected}; this is another bundle.")
    return [*found, *_differences(directory, content["sha256"])]


def _differences(directory: Path, digests: Mapping[str, str]) -> Iterator[str]:
    present = set(_files(directory))
    for name, wanted in sorted(digests.items()):
        if name not in present:
            yield f"{directory / name}: the file is gone; take the bundle again."
        elif digest(directory / name) != wanted:
            yield f"{directory / name}: the file was changed after it was sealed; take the bundle again."
    for name in sorted(present - set(digests)):
        yield f"{directory / name}: the file was added after the sealing; remove it or take the bundle again."


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(directory: Path) -> list[str]:
    found = (path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in (NAME, SIGNATURE))


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _text(sealed: Mapping[str, Any]) -> str:
    return json.dumps(sealed, indent=1, sort_keys=True) + "\n"

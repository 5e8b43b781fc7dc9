"""``python -m policy.catalogue`` writes docs/controls.md; with --check it only says whether the file is current."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..pack import judgement
from . import DOCUMENT, UnaccountedError, is_current, write


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: written or current. 1: stale, or a control is unaccounted for. 2: unknown argument."""
    if list(arguments) == ["--help"]:
        sys.stdout.write(f"Write {DOCUMENT}, or with --check say whether it is current.\n")
        return 0
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"Unknown arguments {' '.join(arguments)}: give --check, or nothing to write {DOCUMENT}.\n")
        return 2
    rules = judgement().rules
    try:
        if not arguments:
            write(rules)
            return 0
        current = is_current(rules)
    except UnaccountedError as problems:
        sys.stderr.write(f"{problems}\n")
        return 1
    if not current:
        sys.stderr.write(f"{DOCUMENT} is stale: run .venv/bin/python -m policy.catalogue and commit it.\n")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m operations.setup ENVIRONMENT REQUIREMENTS ...``: make `ENVIRONMENT` hold exactly what the files list.

`make` calls it with the Python that the environment is made from. Exit 0: done. Exit 2: it could not be done, and the
last line on standard error says why and what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from operations.setup import Refusal
from operations.setup.environment import prepare
from operations.setup.installation import install
from operations.setup.machine import check_machine


def main(arguments: list[str]) -> int:
    """Set up the environment `arguments[0]` from the requirements files that follow it."""
    environment, *requirements = (Path(argument) for argument in arguments)
    try:
        check_machine()
        prepare(environment)
        install(environment, requirements)
    except Refusal as refusal:
        print(f"make: {refusal}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Starts the package's provider; Pulumi runs this file when a program in any language uses a component of it."""

import sys
from pathlib import Path

from pulumi.provider import main

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provider.host import ComponentsProvider

if __name__ == "__main__":
    main(ComponentsProvider(), sys.argv[1:])

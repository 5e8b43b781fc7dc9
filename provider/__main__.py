"""Starts the package's provider; Pulumi runs this file when a program in any language uses a component of it."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provider.components import COMPONENTS, NAME, VERSION

if __name__ == "__main__":
    component_provider_host(components=COMPONENTS, name=NAME, version=VERSION)

"""The machines that every locked package is published for, ready to install."""

from __future__ import annotations

import platform
import sys

from operations.setup import Refusal

SUPPORTED = {
    ("linux", "x86_64"): "Linux on x86_64",
    ("linux", "aarch64"): "Linux on aarch64",
    ("darwin", "arm64"): "macOS on Apple silicon",
}
"""By `sys.platform` and machine. Intel Macs are missing: cryptography, among others, has no wheel for them any more."""
GLIBC = (2, 28)
"""The oldest C library that the wheels were built for (pygraphviz, vl-convert-python: manylinux_2_28)."""


def check_machine() -> None:
    """Raise `Refusal` on a machine for which a package would have to be compiled."""
    found = sys.platform, platform.machine()
    allowed = f"{', '.join(SUPPORTED.values())}, with glibc {GLIBC[0]}.{GLIBC[1]} or newer on Linux"
    advice = "set up in a Linux container or virtual machine"
    if found not in SUPPORTED:
        raise Refusal(f"no packages are published for {' on '.join(found)}; allowed: {allowed}; {advice}.")
    if sys.platform != "linux":
        return
    library, version = platform.libc_ver()
    if library != "glibc":
        raise Refusal(
            f"no packages are published for a Linux without glibc (Alpine, musl); allowed: {allowed}; {advice}."
        )
    if tuple(int(part) for part in version.split(".")[:2]) < GLIBC:
        raise Refusal(f"no packages are published for glibc {version}; allowed: {allowed}; {advice}.")

"""The recorder as a library for the tests of any Pulumi program in Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from recording.configuration import Configuration, read_configuration
from recording.program import Recording, main_file, record
from recording.stand_in_cloud import StandInCloud

EXAMPLE_REGION = "eu-central-1"
EXAMPLE_ACCOUNT = "123456789012"
"""An account number of AWS's documentation."""


def play(
    program: Callable[[], object] | Path,
    *,
    stack: str = "test",
    values: Mapping[str, str] = MappingProxyType({}),
    region: str = EXAMPLE_REGION,
    account_id: str = EXAMPLE_ACCOUNT,
) -> Recording:
    """Run a program on the stand-in cloud and wait until all its registrations are answered; every `apply` has run.

    Args:
        program: a function that creates resources; or the folder of a project with `Pulumi.yaml`, `__main__.py` and
            `Pulumi.<stack>.yaml`, whose configuration is then read as the engine reads it.
        stack: the stack's name.
        values: configuration by full key, such as ``aws:region``; laid over the files of a folder.
        region: AWS Region in which the stand-in cloud answers.
        account_id: the 12 digits of the account that it invents ARNs in.

    Raises:
        ProgramError: when the program fails; the message is one sentence with the place in the program.
        ConfigurationError: when a folder's files cannot be read.
    """
    cloud = StandInCloud(region, account_id)
    if isinstance(program, Path):
        root = program.resolve()
        known = set(sys.modules)
        try:
            return record(main_file(root), cloud, read_configuration(root, stack, values), root=root)
        finally:
            _forget(root, known)

    def run() -> None:
        program()

    return record(run, cloud, Configuration(project="test", stack=stack, values=values))


def _forget(root: Path, known: set[str]) -> None:
    """Let go of the program's own modules: another project, or the next run, may have others of the same names."""
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(root):
            del sys.modules[name]

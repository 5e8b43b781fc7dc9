"""A stack's recording for the commands around the rehearsal, with endings that a command line understands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from operations.exits import BAD_INPUT, FAILED, Stop
from operations.rehearsal.configuration import ConfigurationError, read_configuration
from operations.rehearsal.program import ROOT, ProgramError, Recording, record_program
from settings import read


def record_stack(stack: str, overrides: Mapping[str, str] = MappingProxyType({})) -> Recording:
    """Play the program with a stack's own settings, some of them overridden.

    Raises:
        Stop: when the settings cannot be used, one line for each problem, or when the program fails.
    """
    try:
        configuration = read_configuration(ROOT, stack, overrides)
    except ConfigurationError as error:
        raise Stop(BAD_INPUT, str(error)) from None
    settings, problems = read(configuration.values, stack)
    if settings is None:
        raise Stop(BAD_INPUT, *map(str, problems))
    try:
        return record_program(configuration, settings)
    except ProgramError as error:
        raise Stop(FAILED, str(error)) from None

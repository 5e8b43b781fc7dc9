"""A stack's recording for the commands around the rehearsal, with endings that a command line understands."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from queue import SimpleQueue
from types import MappingProxyType

from command_line.exits import BAD_INPUT, FAILED, Stop
from command_line.project import ROOT
from operations.plan.judgement import PackError, PolicyPack, Verdicts
from recording.configuration import Configuration, ConfigurationError, read_configuration
from recording.program import ProgramError, Recording, main_file, record
from recording.recorder import Resource
from recording.stand_in_cloud import StandInCloud
from settings import REHEARSAL, Settings, read

TOLD_EVERY = 20
"""Resources between two words on progress: drawing them takes time as well."""


def stack_settings(stack: str, overrides: Mapping[str, str] = MappingProxyType({})) -> tuple[Configuration, Settings]:
    """A stack's configuration, some of it overridden, and its typed form.

    Raises:
        Stop: when the settings cannot be used, one line for each problem.
    """
    try:
        configuration = read_configuration(ROOT, stack, overrides)
    except ConfigurationError as error:
        raise Stop(BAD_INPUT, *error.args) from None
    settings, problems = read(configuration.values, stack)
    if settings is None:
        raise Stop(BAD_INPUT, *map(str, problems))
    return configuration, settings


def record_program(
    configuration: Configuration, settings: Settings, hear: Callable[[Resource], None] = lambda _: None
) -> Recording:
    """Run the project's `__main__.py` once with `configuration`, of which `settings` are the typed form.

    Args:
        hear: called with each resource as soon as the program has registered it.

    Raises:
        ProgramError: when the program fails.
    """
    before = os.environ.get(REHEARSAL)
    os.environ[REHEARSAL] = "1"
    try:
        cloud = StandInCloud(settings.region, settings.account_id)
        recording = record(main_file(ROOT), cloud, configuration, hear, root=ROOT)
    finally:
        if before is None:
            del os.environ[REHEARSAL]
    if not any(resource.custom for resource in recording.resources):
        raise ProgramError("the program registered no resource, so there is nothing to judge; look at __main__.py.", "")
    return recording


def record_stack(stack: str, overrides: Mapping[str, str] = MappingProxyType({})) -> Recording:
    """Play the program with a stack's own settings, some of them overridden.

    Raises:
        Stop: when the settings cannot be used, or when the program fails.
    """
    try:
        return record_program(*stack_settings(stack, overrides))
    except ProgramError as error:
        raise Stop(FAILED, str(error)) from None


def record_and_judge(
    configuration: Configuration,
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
    *,
    debug: bool = False,
) -> tuple[Recording, Verdicts]:
    """Play the program, each resource judged by the policy pack as soon as it is registered, as the engine does it.

    Raises:
        Stop: when the program or the pack fails; with the program's traceback where `debug` asks for it.
    """
    arrivals = SimpleQueue[Resource | None]()

    counted = count(1)

    def hear(resource: Resource) -> None:
        arrivals.put(resource)
        number = next(counted)
        if number % TOLD_EVERY == 0:
            say(f"running the program: {number} resources")

    try:
        with (
            PolicyPack(ROOT / "policy", configuration.project, configuration.stack) as pack,
            ThreadPoolExecutor(1) as aside,
        ):
            judging = aside.submit(pack.judge, iter(arrivals.get, None), configuration.values)
            try:
                recording = record_program(configuration, settings, hear)
            finally:
                arrivals.put(None)
            say(f"judging {len(recording.resources)} resources")
            return recording, judging.result()
    except (ProgramError, PackError) as error:
        details = (error.details,) if debug and isinstance(error, ProgramError) else ()
        raise Stop(FAILED, *details, str(error)) from None

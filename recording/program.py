"""Runs a Pulumi program against a stand-in cloud and brings back what it asked for."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

import pulumi
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack

from recording.configuration import Configuration
from recording.light_sdk import light_sdk
from recording.recorder import INSTALLED, PACKAGE, Recorder, Resource
from recording.stand_in_cloud import StandInCloud

_T = TypeVar("_T")
LONGEST_TOLD = 500
"""Characters of an error's own words."""


class ProgramError(Exception):
    """The program itself failed; the message is one sentence, `details` the traceback."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Recording:
    """One run of a program: everything it registered, what others need before them, and its outputs."""

    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of(self, type_: str) -> tuple[Resource, ...]:
        """All resources of one type, for example ``aws:ec2/subnet:Subnet``."""
        return tuple(resource for resource in self.resources if resource.type == type_)

    def named(self, name: str, type_: str = "") -> Resource:
        """The one resource with this logical name (and type, where several share the name).

        Raises:
            LookupError: when there is none, or more than one.
        """
        found = [resource for resource in self.resources if resource.name == name and type_ in ("", resource.type)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources are named {name!r}; allowed: one; give the type as well.")
        return found[0]


def record(
    program: Callable[[], None],
    cloud: StandInCloud,
    configuration: Configuration,
    hear: Callable[[Resource], None] = lambda _: None,
    *,
    root: Path | None = None,
) -> Recording:
    """Run any Pulumi program against `cloud` and wait until all its registrations are answered.

    Args:
        hear: called with each resource as soon as the program has registered it.
        root: the folder of the program's own files; an error names the innermost place in it.

    Raises:
        ProgramError: when the program fails.
    """
    recorder = Recorder(cloud, hear, (root or Path.cwd()).resolve())
    try:
        with _undisturbed(), light_sdk():
            asyncio.run(_play(program, configuration, recorder))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an ending by sys.exit, too, is a failure: no verdict can follow
        raise ProgramError(_sentence(error, root or Path.cwd()), traceback.format_exc()) from error
    resources = tuple(_in_order(recorder.recorded))
    return Recording(stack=configuration.stack, resources=resources, outputs=recorder.stack_outputs)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hide an engine's settings from the program, and let no call of it end the process in silence."""
    before, leave = dict(os.environ), os._exit
    os.environ.pop("PULUMI_CONFIG", None)
    os._exit = sys.exit  # type: ignore[assignment] # it takes all that the other does
    try:
        yield
    finally:
        os._exit = leave
        os.environ.clear()
        os.environ.update(before)


def _in_order(resources: Iterable[Resource]) -> Iterator[Resource]:
    """What is needed first, then by name: registrations arrive in another order with each run."""
    found = {resource.urn: resource for resource in resources}
    sorter = TopologicalSorter(
        {urn: found.keys() & {*resource.dependencies, resource.parent} for urn, resource in found.items()}
    )
    sorter.prepare()
    while ready := sorter.get_ready():
        sorter.done(*ready)
        yield from sorted((found[urn] for urn in ready), key=lambda resource: (resource.name, resource.urn))


async def _play(program: Callable[[], None], configuration: Configuration, recorder: Recorder) -> None:
    """Point the SDK at the recorder and run the program as the language host would."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(_AtOnce())
    # A failure is raised once, by the run; the same error in every task that waited for it is not told again.
    loop.set_exception_handler(lambda _loop, _context: None)
    SETTINGS.outputs.clear()  # what a failed run before this one left behind belongs to a loop that is closed
    pulumi.runtime.set_mocks(
        recorder.mocks, project=configuration.project, stack=configuration.stack, preview=False, monitor=recorder
    )
    set_root_resource(None)  # type: ignore[arg-type] # set_mocks made a root for tests; the program's run makes its own
    pulumi.runtime.set_all_config(dict(configuration.values))
    await run_in_stack(program)


class _AtOnce(ThreadPoolExecutor):
    """Calls at once, in the caller's thread, what waits for nobody: the recorder answers from memory."""

    def submit(self, call: Callable[..., _T], /, *arguments: Any, **named: Any) -> Future[_T]:
        future = Future[_T]()
        try:
            future.set_result(call(*arguments, **named))
        except Exception as error:  # noqa: BLE001 the future carries it to whoever waits
            future.set_exception(error)
        return future


def main_file(root: Path) -> Callable[[], None]:
    """The program in `root`: its `__main__.py`, run as the language host runs it."""

    def run() -> None:
        sys.path.insert(0, str(root))
        try:
            runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        finally:
            sys.path.remove(str(root))

    return run


def _sentence(error: BaseException, root: Path) -> str:
    """An exception as one line, with the innermost place in the program that raised it."""
    own = [
        (file.relative_to(root), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if (file := Path(frame.filename)).is_relative_to(root)
        and not file.is_relative_to(PACKAGE)
        and not INSTALLED.intersection(file.parts)
    ]
    place = f" ({own[-1][0]}:{own[-1][1]})" if own else ""
    if isinstance(error, SystemExit):
        return f"the program ended itself by sys.exit({error.code!r}){place}; no verdict was reached; remove that call."
    message = " ".join(str(error).split())
    message = message if len(message) <= LONGEST_TOLD else f"{message[:LONGEST_TOLD]} ..."
    told = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"the program failed: {told}{place}; run again with --debug for the whole story."

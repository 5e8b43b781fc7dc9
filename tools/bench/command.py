"""``python -m operations bench``: every figure that has a target, measured on this machine.

Wall times of a shared machine are noisy: a figure is the median of several runs, with the least and the most beside it.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from command_line.exits import FAILED, Stop
from command_line.project import ROOT
from operations.environments.forecast import record_example
from operations.pipeline.figures import figures
from operations.plan.forecast import forecast_creation
from operations.plan.judgement import PolicyPack
from operations.plan.stack_recording import record_stack
from recording.program import Recording

RUNS = 5


@dataclass(frozen=True)
class Figure:
    """One measured or forecast figure against its target; `samples` in `unit`."""

    name: str
    unit: str
    samples: Sequence[float]
    target: str


@click.command()
@click.option("--stack", default="prod", show_default=True, metavar="NAME", help="The stack to measure with.")
@click.option("--runs", default=RUNS, show_default=True, type=click.IntRange(1, 50), help="Runs of each measurement.")
def bench(stack: str, runs: int) -> None:
    """Measure the figures that have a target."""
    console = Console()
    table = Table(title=f"{stack}, {runs} runs, {os.cpu_count()} CPUs", title_justify="left")
    for heading in ("figure", "least", "median", "most", "unit", "target"):
        table.add_column(heading, justify="left" if heading in ("figure", "unit", "target") else "right")
    with Console(stderr=True).status("measuring") as status:
        for figure in _figures(stack, runs, status.update):
            low, middle, high = min(figure.samples), statistics.median(figure.samples), max(figure.samples)
            table.add_row(figure.name, *(f"{value:.3g}" for value in (low, middle, high)), figure.unit, figure.target)
    console.print(table)


def _figures(stack: str, runs: int, say: Callable[[str], None]) -> Iterator[Figure]:
    recordings = {name: record_stack(name) for name in {stack, "dev", "prod"}}
    recording = recordings[stack]
    resources = sum(resource.custom for resource in recording.resources)
    yield Figure("resources", "", [resources], "")
    for name, choice in (("median", "median"), ("slowest measured", "max")):
        seconds = forecast_creation(recording.resources, choice).seconds  # type: ignore[arg-type] # both are literals
        target = "<= 15" if choice == "median" else "<= 20"
        yield Figure(f"forecast of a deployment from zero, {name}", "min", [seconds / 60], target)
    say("forecasting the pipeline")
    for one in figures(recordings["dev"], recordings["prod"], record_example()):
        yield Figure(one.name, "min", [one.minutes], one.target)
    say("measuring the set-up")
    yield from _set_up()
    say("measuring the rehearsal")
    yield Figure("rehearsal, wall", "s", [_seconds_of_rehearsal(stack) for _ in range(runs)], "<= 4")
    say("measuring the policy pack")
    gc.freeze()  # the recordings above are not the pack's
    first, whole = zip(*(_seconds_of_pack(recording) for _ in range(runs)), strict=True)
    yield Figure("policy pack, start to first verdict", "s", first, "<= 1.5")
    per_resource = [seconds * 1000 / len(recording.resources) for seconds in whole]
    yield Figure("policy pack, each resource", "ms", per_resource, "<= 1")


def _set_up() -> Iterator[Figure]:
    """Figures of an environment with all packages and tools: made with nothing kept, then again from what that kept."""
    requirements = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]
    with tempfile.TemporaryDirectory() as folder:
        kept = {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip"}
        for name, target in (("all downloaded", "<= 90"), ("downloads kept", "<= 30")):
            start = time.perf_counter()
            command = [sys.executable, "-m", "operations.setup", f"{folder}/{name}", *map(str, requirements)]
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **kept}, check=False)
            if done.returncode != 0:
                raise Stop(FAILED, "bench: the set-up failed; see the lines above, and run `make setup`.")
            yield Figure(f"set-up from an empty environment, {name}", "s", [time.perf_counter() - start], target)


def _seconds_of_rehearsal(stack: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "operations", "rehearse", "--stack", stack]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise Stop(FAILED, f"bench: the rehearsal of {stack} failed; run `make rehearse STACK={stack}` to see why.")
    return time.perf_counter() - start


def _seconds_of_pack(recording: Recording) -> tuple[float, float]:
    """Seconds from the pack's start to its first verdict, and for all verdicts of one run once it has started."""
    start = time.perf_counter()
    with PolicyPack(ROOT / "policy", "softpos", recording.stack) as pack:
        pack.judge(recording.resources[:1], {})
        first = time.perf_counter() - start
        start = time.perf_counter()
        pack.judge(recording.resources, {})
        return first, time.perf_counter() - start

"""``python -m operations rehearse``: the whole deployment with no account and no Pulumi CLI."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, REFUSED, Stop
from command_line.files import OutputFile, report_console, write_whole
from command_line.project import ROOT
from operations.journeys.proof import prove_stack
from operations.plan.document import Rehearsal, as_document
from operations.plan.forecast import forecast_creation
from operations.plan.judgement import Finding
from operations.plan.stack_recording import record_and_judge, stack_settings
from operations.rehearsal.report import print_report
from settings import PROJECT, example_values

JOURNEYS = "journeys"
"""The name under which the proof's problems are among the violations."""
JOURNEY_REQUIREMENTS = ("1.3.1", "1.3.2")
"""PCI DSS v4.0.1: traffic into and out of the cardholder data environment is only what is necessary."""


@click.command()
@click.option("--stack", required=True, metavar="NAME", help="The stack to rehearse, as in Pulumi.NAME.yaml.")
@click.option("--json", "json_file", type=OutputFile(), help="Write the result as JSON; - is standard output.")
@click.option("--html", "html_file", type=OutputFile(), help="Write the result as a page.")
@click.option("--against", type=click.Path(path_type=Path), help="In the page, compare with an older --json.")
@click.option("--config", "overrides", multiple=True, metavar="KEY=VALUE", help="What if: set one setting; repeatable.")
@click.option("--whole", is_flag=True, help="List every resource, not one line a type.")
@click.option("--debug", is_flag=True, help="Show the traceback when the program fails.")
def rehearse(
    stack: str,
    json_file: Path | None,
    html_file: Path | None,
    against: Path | None,
    overrides: tuple[str, ...],
    whole: bool,
    debug: bool,
) -> None:
    """Play the whole deployment of a stack and judge it.

    \b
    Exit codes:
      0  compliant
      1  a mandatory violation: nothing would have been created
      2  bad settings or arguments, one line each
      3  the program or the policy pack failed
    """
    if against and not html_file:
        raise Stop(
            BAD_INPUT, "--against: there is no page to compare in; allowed: together with --html; add --html FILE."
        )
    if json_file and html_file and os.path.realpath(json_file) == os.path.realpath(html_file):
        raise Stop(BAD_INPUT, f"--html: {html_file} is the file of --json; allowed: a file of its own; choose another.")
    older = _older(against) if against else None
    # A picture that moves is for a terminal; whether it can be drawn must not decide on the verdict.
    errors = Console(stderr=True, quiet=not (sys.stderr and sys.stderr.isatty()))
    report = report_console(json_file, html_file)
    with errors.status("reading settings") as status:
        with redirect_stdout(sys.stderr):  # what the program prints is no part of the result
            rehearsal = play(stack, _pairs(overrides), status.update, debug=debug)
        if json_file:
            write_whole(json_file, json.dumps(as_document(rehearsal), indent=1, sort_keys=False) + "\n")
        if html_file:
            status.update("drawing the page")
            write_whole(html_file, _page(rehearsal, older))
    print_report(rehearsal, report, whole=whole)
    gc.freeze()  # else the interpreter walks everything once more at its end, for a second
    if rehearsal.verdicts.blocking:
        raise Stop(REFUSED)


def _violation(problem: str) -> Finding:
    """A way that is blocked, or open without need, as the pack would name it."""
    return Finding(policy=JOURNEYS, urn="", message=problem, level="mandatory", requirements=JOURNEY_REQUIREMENTS)


def _older(path: Path) -> Mapping[str, Any]:
    from operations.rehearsal.page.comparison import (
        read_document,  # the page's parts are imported only when it is asked for
    )

    return read_document(path)


def _page(rehearsal: Rehearsal, older: Mapping[str, Any] | None) -> str:
    from operations.evidence.provenance import read_provenance
    from operations.rehearsal.page.page import render_page

    return render_page(rehearsal, read_provenance(ROOT), older)


def _pairs(overrides: tuple[str, ...]) -> dict[str, str]:
    bad = [pair for pair in overrides if not pair.partition("=")[0] or "=" not in pair]
    if bad:
        raise Stop(
            BAD_INPUT,
            *(f"--config: {pair!r} is not allowed; allowed: KEY=VALUE; add the part that is missing." for pair in bad),
        )
    pairs = [pair.split("=", 1) for pair in overrides]
    keys = [key.removeprefix(f"{PROJECT}:") for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise Stop(
            BAD_INPUT, *(f"--config: {key} is given twice; allowed: once; remove one of the two." for key in twice)
        )
    return dict(pairs)


def play(
    stack: str,
    overrides: Mapping[str, str] = MappingProxyType({}),
    say: Callable[[str], None] = lambda _: None,
    *,
    debug: bool = False,
) -> Rehearsal:
    """Play one stack, judge it and forecast its deployment.

    Raises:
        Stop: when the settings cannot be used, or when the program or the pack fails.
    """
    # A short life: walking the SDK's many thousand classes over and over took a third of the time.
    gc.disable()
    configuration, settings = stack_settings(stack, overrides)
    recording, verdicts = record_and_judge(configuration, settings, say, debug=debug)
    say("proving who can reach whom")
    proof = prove_stack(recording.resources, settings)
    return Rehearsal(
        recording=recording,
        verdicts=verdicts.with_violations(map(_violation, proof.problems)),
        proof=proof,
        forecast=forecast_creation(recording.resources),
        worst_case=forecast_creation(recording.resources, "max"),
        examples=tuple(example_values(settings)),
    )

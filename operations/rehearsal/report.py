"""What a person reads at the end of a rehearsal: the tree, the verdicts, the forecast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from operations.rehearsal.document import Rehearsal
from operations.rehearsal.forecast import LIMIT_SECONDS, Forecast
from operations.rehearsal.judgement import Finding
from operations.rehearsal.recording import Resource

SHOWN_PER_TYPE = 1
"""Of several resources of one type under one parent, a tree shows one line with the count."""


def print_report(rehearsal: Rehearsal, console: Console, *, whole: bool) -> None:
    """Print the report; `whole` lists every resource instead of one line a type."""
    console.print(_tree(rehearsal, whole=whole))
    console.print()
    _print_findings(rehearsal, console)
    _print_forecast(rehearsal, console)
    _print_examples(rehearsal, console)
    _print_verdict(rehearsal, console)


def _tree(rehearsal: Rehearsal, *, whole: bool) -> Tree:
    resources = rehearsal.recording.resources
    children: dict[str, list[Resource]] = {}
    known = {resource.urn for resource in resources}
    for resource in resources:
        children.setdefault(resource.parent if resource.parent in known else "", []).append(resource)
    root = Tree(Text(f"{rehearsal.recording.stack}: {_count(resources)} resources", style="bold"))
    _grow(root, children.get("", ()), children, whole=whole)
    return root


def _grow(branch: Tree, resources: Iterable[Resource], children: dict[str, list[Resource]], *, whole: bool) -> None:
    plain = [resource for resource in resources if resource.urn not in children]
    shown = plain if whole else list({resource.type: resource for resource in reversed(plain)}.values())[::-1]
    amounts = Counter(resource.type for resource in plain)
    for resource in shown:
        amount = "" if whole or amounts[resource.type] == 1 else f" and {amounts[resource.type] - 1} more"
        branch.add(Text.assemble(resource.name, amount, (f"  {resource.type}", "dim"), _marks(resource)))
    for resource in resources:
        if resource.urn in children:
            label = Text.assemble((resource.name, "bold"), (f"  {resource.type}", "dim"), _marks(resource))
            _grow(branch.add(label), children[resource.urn], children, whole=whole)


def _marks(resource: Resource) -> tuple[str, str]:
    marks = [word for word, on in (("protected", resource.protect), ("retained", resource.retain_on_delete)) if on]
    return (f"  [{', '.join(marks)}]" if marks else "", "cyan")


def _count(resources: Iterable[Resource]) -> int:
    return sum(resource.custom for resource in resources)


def _print_findings(rehearsal: Rehearsal, console: Console) -> None:
    verdicts = rehearsal.verdicts
    for title, findings, style in (
        ("Violations", verdicts.violations, "red"),
        ("Not judged, so not passed", verdicts.undetermined, "yellow"),
        ("Exceptions in force", verdicts.exceptions, "yellow"),
    ):
        if findings:
            console.print(Text(title, style=f"bold {style}"))
            for finding in findings:
                console.print(_line(finding, style), soft_wrap=True)
            console.print()


def _line(finding: Finding, style: str) -> Text:
    numbers = f"  PCI DSS {', '.join(finding.requirements)}" if finding.requirements else ""
    return Text.assemble(
        "  ", (finding.policy, style), (f"  {finding.level}{numbers}", "dim"), "\n    ", finding.message
    )


def _print_forecast(rehearsal: Rehearsal, console: Console) -> None:
    console.print(Text("Forecast of a deployment from nothing", style="bold"))
    console.print(
        f"  median {_minutes(rehearsal.forecast)}, slowest measured {_minutes(rehearsal.worst_case)}, "
        f"limit {LIMIT_SECONDS // 60} min"
    )
    console.print(
        "  longest chain: "
        + " -> ".join(
            f"{step.urn.rpartition('::')[2]} {step.seconds:.0f} s" for step in rehearsal.forecast.critical_path
        ),
        soft_wrap=True,
    )
    console.print(
        Text(
            "  modelled from other deployments' public logs; "
            f"{rehearsal.forecast.assumed} quick resources have no measured time and are assumed",
            style="dim",
        )
    )
    console.print()


def _minutes(forecast: Forecast) -> str:
    return f"{forecast.seconds / 60:.1f} min"


def _print_examples(rehearsal: Rehearsal, console: Console) -> None:
    if rehearsal.examples:
        keys = ", ".join(problem.key for problem in rehearsal.examples)
        console.print(Text("Settings that are still examples; a real deployment refuses them", style="bold yellow"))
        console.print(f"  {keys}", soft_wrap=True)
        console.print()


def _print_verdict(rehearsal: Rehearsal, console: Console) -> None:
    blocking = len(rehearsal.verdicts.blocking)
    if blocking:
        console.print(
            Text(f"Not compliant: {blocking} mandatory violations; nothing would have been created.", "bold red")
        )
    else:
        rules = len(rehearsal.verdicts.policies)
        console.print(Text(f"Compliant with all {rules} rules; nothing was created.", "bold green"))

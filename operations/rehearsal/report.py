"""What a person reads at the end of a rehearsal: the tree, the verdicts, the forecast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from operations.evidence.assessment import reach
from operations.plan.document import Rehearsal
from operations.plan.forecast import LIMIT_SECONDS, Forecast, Step
from operations.plan.judgement import EXCEPTION, Finding
from recording.recorder import Resource


def print_report(rehearsal: Rehearsal, console: Console, *, whole: bool) -> None:
    """Print the report; `whole` lists every resource instead of one line a component."""
    console.print(_tree(rehearsal, whole=whole))
    console.print()
    _print_findings(rehearsal, console)
    _print_journeys(rehearsal, console)
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
    _grow(root, "", children, whole=whole)
    return root


def _grow(branch: Tree, parent: str, children: Mapping[str, list[Resource]], *, whole: bool) -> None:
    for resource in children.get(parent, ()):
        inside = children.get(resource.urn, ())
        if whole or inside or not parent:
            kind = resource.type if whole else resource.type.rpartition(":")[2]
            label = Text.assemble((resource.name, "bold" if inside else ""), (f"  {kind}", "dim"), _marks(resource))
            if not whole:
                label.append_text(_contents(inside, children))
            _grow(branch.add(label), resource.urn, children, whole=whole)


def _contents(inside: Iterable[Resource], children: Mapping[str, list[Resource]]) -> Text:
    """What a component holds besides other components: amounts by kind, and what of it is protected."""
    plain = [resource for resource in inside if resource.urn not in children]
    amounts = Counter(resource.type.rpartition(":")[2] for resource in plain)
    kinds = ", ".join(f"{amount} {kind}" if amount > 1 else kind for kind, amount in amounts.items())
    protected = sum(resource.protect for resource in plain)
    return Text.assemble(f"  {kinds}" if kinds else "", (f"  [{protected} protected]" if protected else "", "cyan"))


def _marks(resource: Resource) -> tuple[str, str]:
    marks = [word for word, on in (("protected", resource.protect), ("retained", resource.retain_on_delete)) if on]
    return (f"  [{', '.join(marks)}]" if marks else "", "cyan")


def _count(resources: Iterable[Resource]) -> int:
    return sum(resource.custom for resource in resources)


def _print_findings(rehearsal: Rehearsal, console: Console) -> None:
    verdicts = rehearsal.verdicts
    places = {resource.urn: resource.source for resource in rehearsal.recording.resources}
    for title, findings, style in (
        ("Violations", verdicts.violations, "red"),
        ("Not judged, so not passed", verdicts.undetermined, "yellow"),
        ("Exceptions in force", verdicts.exceptions, "yellow"),
    ):
        if findings:
            console.print(Text(f"{title}: {len(findings)}", style=f"bold {style}"))
            for finding in findings:
                _print_indented(console, _line(finding, style, places.get(finding.urn, ())))
            console.print()


def _line(finding: Finding, style: str, places: tuple[str, ...]) -> Text:
    if finding.policy == EXCEPTION:
        return Text(finding.message)
    numbers = f"  PCI DSS {', '.join(finding.requirements)}" if finding.requirements else ""
    where = f"\n  at {places[0]}, called from {places[-1]}" if places else ""
    return Text.assemble(
        (finding.policy, style), (f"  {finding.level}{numbers}", "dim"), f"\n  {finding.message}", (where, "dim")
    )


def _print_indented(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 2), expand=False))


def _print_journeys(rehearsal: Rehearsal, console: Console) -> None:
    proof = rehearsal.proof
    console.print(Text("Journeys: who must reach whom, through every layer", style="bold"))
    extra = len(proof.problems) - proof.blocked
    beyond = f"{extra} more ways are open, which no journey needs" if extra else "nothing else is possible"
    line = f"{proof.possible} of {len(proof.expected)} are possible; {beyond}"
    _print_indented(console, Text(line, style="red" if proof.problems else ""))
    for problem in proof.problems:
        _print_indented(console, Text(problem, style="red"))
    console.print()


def _print_forecast(rehearsal: Rehearsal, console: Console) -> None:
    median, worst = rehearsal.forecast, rehearsal.worst_case
    service = median.service_path
    running = [f"the application runs after {service[-1].end / 60:.1f} min: {_chain(service)}"] if service else []
    console.print(Text("Forecast of a deployment from nothing", style="bold"))
    for line, style in (
        (f"median {_minutes(median)}, slowest measured {_minutes(worst)}, limit {LIMIT_SECONDS // 60} min", ""),
        *((line, "") for line in running),
        (f"longest chain: {_chain(median.critical_path)}", ""),
        (
            f"a model of other deployments' public logs; assumed are the times of {median.assumed} quick resources",
            "dim",
        ),
    ):
        _print_indented(console, Text(line, style))
    console.print()


def _chain(steps: Iterable[Step]) -> str:
    return " -> ".join(f"{step.urn.rpartition('::')[2]} {step.seconds:.0f} s" for step in steps)


def _minutes(forecast: Forecast) -> str:
    return f"{forecast.seconds / 60:.1f} min"


def _print_examples(rehearsal: Rehearsal, console: Console) -> None:
    if rehearsal.examples:
        keys = ", ".join(problem.key for problem in rehearsal.examples)
        console.print(Text("Settings that are still examples; a real deployment refuses them", style="bold yellow"))
        _print_indented(console, Text(keys))
        console.print()


def _print_verdict(rehearsal: Rehearsal, console: Console) -> None:
    blocking = len(rehearsal.verdicts.blocking)
    if blocking:
        console.print(
            Text(f"Not compliant: {blocking} mandatory violations; nothing would have been created.", "bold red")
        )
    else:
        console.print(Text(compliance(rehearsal), "bold green"))


def compliance(rehearsal: Rehearsal) -> str:
    """The sentence of a compliant run: all rules, and how many of them had something to judge."""
    recording, verdicts = rehearsal.recording, rehearsal.verdicts
    told = reach(recording.stack, recording.resources, (finding.message for finding in verdicts.exceptions))
    unjudged = len(verdicts.undetermined)
    parts = [
        f"{told.looking} had something to judge ({told.excepted} of them excepted)",
        f"{told.not_applicable} not applicable",
        *([f"{unjudged} times the value was unknown, so not judged"] if unjudged else ()),
    ]
    return f"Compliant with all {told.looking + told.not_applicable} rules: {', '.join(parts)}; nothing was created."

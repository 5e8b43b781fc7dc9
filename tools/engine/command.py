"""``python -m operations rehearse-engine``: the whole life of a stack on the real Pulumi engine, with no cloud."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from rich.console import Console

from command_line.exits import BAD_INPUT, FAILED, NO_PULUMI, REFUSED, Stop
from operations.plan.forecast import Forecast, forecast_creation
from operations.plan.stack_recording import record_stack, stack_settings
from tools.engine.account import Account
from tools.engine.clock import Clock
from tools.engine.component import plugin_missing
from tools.engine.stack import EngineStack, Run
from tools.engine.upgrades import UPGRADES, baseline, effect_of, table

if TYPE_CHECKING:
    from tools.engine.api_server import ApiServer

TOLERANCE = 0.05
"""How far apart the forecast and the played deployment may be."""


@dataclass
class Findings:
    """What did not hold, one sentence each."""

    lines: list[str] = field(default_factory=list)

    def expect(self, held: bool, otherwise: str) -> None:
        if not held:
            self.lines.append(otherwise)


@click.command()
@click.option("--stack", required=True, metavar="NAME", help="The stack to rehearse, as in Pulumi.NAME.yaml.")
@click.option(
    "--scale",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Real seconds for each played one; 0 is as fast as the engine goes.",
)
@click.option("--upgrades", is_flag=True, help="Instead, print what each change of a setting would do.")
def rehearse_engine(stack: str, scale: float, upgrades: bool) -> None:
    """Deploy, deploy again, refresh and destroy a stack on the Pulumi CLI, against stand-in providers.

    \b
    Exit codes:
      0  everything held
      1  something did not: a change where there should be none, a drift, a left-over, a forecast that is wrong
      2  bad settings or arguments, or no Pulumi CLI
      3  a deployment failed
    """
    if shutil.which("pulumi") is None:
        raise Stop(BAD_INPUT, f"{NO_PULUMI}.")
    _, settings = stack_settings(stack)
    forecast = forecast_creation(record_stack(stack).resources)
    console = Console(soft_wrap=True, highlight=False)
    if missing := plugin_missing():
        console.print(f"The rehearsal's model stands for pulumi-eks: {missing}.")
    with _api_server() as server:
        clock = Clock(scale=scale)
        account = Account(
            settings.region, settings.account_id, clock, answers={"aws:eks/cluster:Cluster": {"endpoint": server.url}}
        )
        if upgrades:
            clock.close()
            _print_upgrades(stack, account, console)
            return
        findings = _live(stack, account, forecast, console)
    if findings.lines:
        raise Stop(REFUSED, *findings.lines)
    console.print("Everything held; no cloud was touched.")


def _api_server() -> ApiServer:
    try:
        from tools.engine.api_server import ApiServer
    except ImportError:
        raise Stop(BAD_INPUT, "cryptography is not installed; run `make setup` and try again.") from None
    return ApiServer()


def _live(stack: str, account: Account, forecast: Forecast, console: Console) -> Findings:
    """The four runs of a life, each with what must hold of it."""
    findings = Findings()
    with EngineStack(account, stack) as engine:
        first = _tell("deploy", engine.up(*engine.policy), console)
        if first.code:
            raise Stop(FAILED, "deploy: the first deployment failed; see its output above.")
        played = account.clock.now
        account.clock.close()
        _print_times(account, forecast, played, console)
        apart = abs(forecast.seconds - played) / max(played, 1.0)
        findings.expect(
            apart <= TOLERANCE, f"deploy: forecast and played deployment are {apart:.0%} apart, not <= 5 %."
        )
        before = len(account.operations)
        second = _tell("deploy again", engine.up(*engine.policy), console)
        findings.expect(second.code == 0 and not second.steps(), "deploy again: something changed.")
        findings.expect(len(account.operations) == before, "deploy again: operations reached the provider.")
        refresh = _tell("refresh", engine.refresh("--expect-no-changes"), console)
        findings.expect(refresh.code == 0, "refresh: there is drift.")
        resources = engine.resources()
        protected = {one["urn"] for one in resources if one.get("protect")} & set(account.created())
        retained = {one["urn"] for one in resources if one.get("retainOnDelete")}
        destroy = _tell("destroy", engine.destroy(preview=bool(protected)), console, failure_is_meant=bool(protected))
    left = {thing.urn: thing for thing in account.things.values()}
    findings.expect((destroy.code != 0) == bool(protected), "destroy: protected things decide whether it may succeed.")
    if protected:
        findings.expect(set(account.created()) == set(left), "destroy: a refused destruction deleted something.")
        console.print(f"  refused: {len(protected)} protected things hold data; nothing of the stack was deleted:")
    else:
        findings.expect(set(left) <= retained, f"destroy: left without being retained: {sorted(set(left) - retained)}.")
    for urn, thing in sorted(left.items()):
        if urn in protected or not protected:
            console.print(f"  {'protected' if urn in protected else 'retained'}: {urn.rpartition('::')[2]} ({thing})")
    return findings


def _tell(what: str, run: Run, console: Console, *, failure_is_meant: bool = False) -> Run:
    amounts = Counter(operation for operation, _ in run.steps())
    done = ", ".join(f"{amount} {operation}" for operation, amount in sorted(amounts.items())) or "no changes"
    console.print(f"[bold]{what}[/bold]: {'done' if run.code == 0 else 'failed'} in {run.seconds:.0f} s; {done}")
    if run.code and not failure_is_meant:
        console.print(run.output[-4000:], markup=False)
    return run


def _print_times(account: Account, forecast: Forecast, played: float, console: Console) -> None:
    console.print(f"  forecast {forecast.seconds:.0f} s, played {played:.0f} s with the same creation times")
    ends = {one.urn: one for one in account.operations if one.verb == "create"}
    chain = [ends[step.urn] for step in forecast.critical_path if step.urn in ends]
    steps = (f"{one.urn.rpartition('::')[2]} {one.start:.0f}-{one.end:.0f} s" for one in chain)
    console.print(f"  longest chain, as played: {' -> '.join(steps)}")


def _print_upgrades(stack: str, account: Account, console: Console) -> None:
    with EngineStack(account, stack, overrides=baseline()) as engine:
        first = engine.up()
        if first.code:
            raise Stop(FAILED, "deploy: the stack to upgrade could not be deployed.", first.diagnostics())
        effects = [effect_of(upgrade, engine) for upgrade in UPGRADES]
    console.print(table(effects), markup=False)
    refused = [f"{effect.upgrade.what}: {effect.problem}" for effect in effects if effect.problem]
    if refused:
        raise Stop(REFUSED, *refused)

"""Previews and deployments of a permanent stack on the engine, heard event by event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation

from command_line.exits import FAILED, Stop
from command_line.interruption import InterruptibleCommand
from command_line.progress import Progress
from command_line.project import POLICY_CONFIGURATION, ROOT
from operations.environments.stacks import PARALLEL, last_words
from operations.pipeline import approval
from operations.pipeline.changes import Listener, Preview

PLANS = {"PULUMI_EXPERIMENTAL": "true"}
"""Update plans are a preview feature of the engine."""


class Runs:
    """One stack on the engine.

    Raises:
        Stop: from the constructor when there is no usable `pulumi` on PATH.
    """

    def __init__(self, stack: str, root: Path = ROOT) -> None:
        self.command = InterruptibleCommand()
        self._name = stack
        self._root = root
        self._workspace = automation.LocalWorkspace(
            work_dir=str(root), pulumi_command=self.command, env_vars=dict(PLANS)
        )

    def preview(self, *, plan: Path | None = None, refresh: bool = False) -> Preview:
        """What an update would change, and what the pack says of it; `blocked` when it would not run.

        `plan` becomes the engine's plan; where that could not hold, the list of changes (see `approval`).
        """
        listener = Listener(self._name)
        problem = ""
        try:
            self._stack().preview(
                plan=str(plan.resolve()) if plan else None,
                refresh=refresh or None,
                policy_packs=[str(self._root / "policy")],
                policy_pack_configs=[str(POLICY_CONFIGURATION)],
                parallel=PARALLEL,
                color="never",
                on_event=listener.hear,
            )
        except automation.CommandError as error:
            problem = last_words(str(error))
        found = listener.result(problem)
        if plan and not found.blocked and approval.needed(found):
            approval.save(found, plan)
        if plan and not found.blocked:
            approval.bind(plan, approval.commit_of(self._root))
        return found

    def deploy(self, say: Callable[[str], None], plan: Path | None = None) -> Progress:
        """Update the stack; with a plan, to nothing but what the plan says.

        Raises:
            Stop: when the update broke off, with what failed and what to do; when it would do something else than what
                was approved, or the plan is another commit's.
        """
        if plan:
            approval.must_be_bound(plan, approval.commit_of(self._root))
        approved = approval.read(plan) if plan else None
        if approved is not None:
            say("previewing again, to hold it against what was approved")
            approval.check(approved, self.preview())
            plan = None
        progress = Progress(say)
        try:
            self.take_over(say)
            self._stack().up(
                plan=str(plan.resolve()) if plan else None,
                policy_packs=[str(self._root / "policy")],
                policy_pack_configs=[str(POLICY_CONFIGURATION)],
                parallel=PARALLEL,
                color="never",
                show_secrets=False,
                suppress_outputs=True,
                on_event=progress.hear,
            )
        except automation.CommandError as error:
            how = "it was stopped" if self.command.interrupted else "it broke off"
            said = progress.problems or [last_words(str(error))]
            raise Stop(
                FAILED,
                *dict.fromkeys(said),
                f"{self._name}: {how} after {progress.line()}. What is done stays; the next run goes on from there.",
            ) from None
        return progress

    def take_over(self, say: Callable[[str], None]) -> None:
        """Read again what others move, before the update sends it.

        The engine puts the last known value in an ignored property's place. The provider sends the property with its
        neighbours: other limits of a node group would take along the count of nodes at its creation.
        """
        moved = moved_by_others(self._state())
        if moved:
            say(f"reading what others may have moved: {', '.join(urn.rpartition('::')[2] for urn in moved)}")
            self._stack().refresh(target=moved, color="never")

    def _state(self) -> Mapping[str, Any]:
        return self._workspace.export_stack(self._name).deployment or {}

    def pending(self) -> list[str]:
        """URNs of the operations that were under way when an engine died."""
        try:
            state = self._state()
        except automation.CommandError as error:
            raise Stop(FAILED, f"pulumi: the state of {self._name} cannot be read: {last_words(str(error))}") from None
        return [operation["resource"]["urn"] for operation in state.get("pending_operations") or ()]

    def _stack(self) -> automation.Stack:
        return automation.Stack.select(self._name, self._workspace)


def moved_by_others(state: Mapping[str, Any]) -> list[str]:
    """URNs of the resources of AWS in a state that ignore one value inside a larger property.

    Kubernetes needs none of it: server-side apply leaves out what another manager owns.
    """
    return [
        resource["urn"]
        for resource in state.get("resources") or ()
        if resource["type"].startswith("aws:") and any("." in path for path in resource.get("ignoreChanges") or ())
    ]

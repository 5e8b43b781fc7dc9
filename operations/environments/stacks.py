"""The environments' stacks on Pulumi's Automation API: everything here talks to the engine, nothing decides."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from command_line.exits import FAILED, Stop
from command_line.interruption import InterruptibleCommand
from command_line.project import POLICY_CONFIGURATION, ROOT
from operations.environments.configuration import as_stack_file
from recording.configuration import Configuration

PARALLEL = 256
"""Resources at once. The engine's own choice is four a CPU, which would make a small runner wait for nothing; AWS's
providers queue by themselves what the account's request rates do not allow."""
DIRECTORY = ROOT / "build" / "environments"
"""A working directory an environment, so that a developer's own selected stack and files stay as they are."""
OnEvent = Callable[[automation.EngineEvent], None]


class Engine:
    """The Pulumi CLI, and what environments ask of it.

    Raises:
        Stop: from the constructor when there is no usable `pulumi` on PATH.
    """

    def __init__(self, secrets_provider: str = "") -> None:
        self.command = InterruptibleCommand()
        self._secrets_provider = secrets_provider

    def names(self) -> list[str]:
        """All stacks of this project in the backend, sorted."""
        try:
            found = self._workspace("list").list_stacks()
        except automation.CommandError as error:
            raise failure("the stacks cannot be listed", error) from None
        return sorted(summary.name.rpartition("/")[2] for summary in found)

    def up(self, configuration: Configuration, tags: Mapping[str, str], on_event: OnEvent) -> Mapping[str, Any]:
        """Create or update a stack, under the policy pack, and return its outputs.

        Raises:
            automation.CommandError: when the engine fails; the stack is then whole as far as it came.
        """
        name = configuration.stack
        workspace = self._workspace(name)
        stack = automation.Stack.create_or_select(name, workspace)
        for key, value in tags.items():
            workspace.set_tag(name, key, value)
        self._write_settings(configuration)
        result = stack.up(
            policy_packs=[str(ROOT / "policy")],
            policy_pack_configs=[str(POLICY_CONFIGURATION)],
            parallel=PARALLEL,
            color="never",
            show_secrets=False,
            on_event=on_event,
        )
        return {key: output.value for key, output in result.outputs.items() if not output.secret}

    def set_tag(self, stack: str, key: str, value: str) -> None:
        try:
            self._workspace(stack).set_tag(stack, key, value)
        except automation.CommandError as error:
            raise failure(f"the tag {key} of {stack} cannot be set", error) from None

    def tags(self, stack: str) -> Mapping[str, str]:
        try:
            tags: Mapping[str, str] = self._workspace(stack).list_tags(stack)
        except automation.CommandError as error:
            raise failure(f"the tags of {stack} cannot be read", error) from None
        return tags

    def resources(self, stack: str) -> Sequence[Mapping[str, Any]]:
        """The resources of a stack's state, secrets still encrypted."""
        try:
            state = self._workspace(stack).export_stack(stack)
        except automation.CommandError as error:
            raise failure(f"the state of {stack} cannot be read", error) from None
        return (state.deployment or {}).get("resources") or ()

    def destroy(self, stack: str, on_event: OnEvent) -> None:
        """Destroy all of a stack's resources, then the stack.

        Raises:
            automation.CommandError: when something is left.
        """
        workspace = self._workspace(stack)
        selected = automation.Stack.select(stack, workspace)
        selected.destroy(parallel=PARALLEL, color="never", show_secrets=False, on_event=on_event)
        workspace.remove_stack(stack)
        shutil.rmtree(DIRECTORY / stack, ignore_errors=True)

    def unlock(self, stack: str) -> None:
        """Remove the lock that a dead update left."""
        automation.Stack.select(stack, self._workspace(stack)).cancel()

    def _workspace(self, stack: str) -> automation.LocalWorkspace:
        directory = DIRECTORY / stack
        directory.mkdir(parents=True, exist_ok=True)
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(ROOT)
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
        return automation.LocalWorkspace(
            work_dir=str(directory),
            secrets_provider=self._secrets_provider or None,
            pulumi_command=self.command,
            # Another machine made the stack, perhaps: its state says how its secrets are kept.
            env_vars={"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"},
        )

    def _write_settings(self, configuration: Configuration) -> None:
        """Lay the settings over the stack's file, which also says how its secrets are kept."""
        file = DIRECTORY / configuration.stack / f"Pulumi.{configuration.stack}.yaml"
        kept = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
        content = {**(kept or {}), "config": as_stack_file(configuration)}
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def locked_since(error: automation.ConcurrentUpdateError) -> datetime | None:
    """When the oldest lock was taken that an update ran into, as the engine's message tells."""
    stamps = re.findall(r" at (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2}))", str(error))
    return min((datetime.fromisoformat(stamp).astimezone(UTC) for stamp in stamps), default=None)


def failure(what: str, error: automation.CommandError) -> Stop:
    """An engine's failure as one sentence and its own last words."""
    return Stop(FAILED, f"pulumi: {what}: {last_words(str(error))}")


def last_words(text: str) -> str:
    """The first line in which the engine says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("error:")]
    return (said or lines[-1:] or ["it ended without a word"])[0].removeprefix("error:").strip()


PERMANENT_SECRETS, ENVIRONMENTS_SECRETS = "alias/softpos-secrets-stack", "alias/softpos-secrets-environments"
"""Keys that bootstrap makes: an environment's role cannot use the permanent stack's."""


def secrets_provider_of(source: str, root: Path = ROOT) -> str:
    """How environments keep their secrets: as the source stack does, by their own key; empty for a passphrase."""
    content = yaml.safe_load((root / f"Pulumi.{source}.yaml").read_text(encoding="utf-8")) or {}
    return str(content.get("secretsprovider", "")).replace(PERMANENT_SECRETS, ENVIRONMENTS_SECRETS)

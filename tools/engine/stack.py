"""One stack of the real program on the Pulumi CLI that is on PATH, with all its state in a temporary folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from command_line.exits import NO_PULUMI
from command_line.project import POLICY_CONFIGURATION, ROOT
from operations.environments.stacks import PARALLEL
from settings import REHEARSAL
from tools.engine import idle
from tools.engine.account import Account
from tools.engine.component import plugin_missing, plugins
from tools.engine.provider import PACKAGES, Components, Providers

PASSPHRASE = "rehearsal"  # noqa: S105 (guards nothing: the state is thrown away)


@dataclass(frozen=True)
class Run:
    """One finished command of the CLI."""

    code: int
    output: str
    events: tuple[Mapping[str, Any], ...]
    seconds: float

    def steps(self) -> list[tuple[str, str]]:
        """What was done (or would be), as operation and URN, without what stayed the same."""
        planned = (event.get("resourcePreEvent", {}).get("metadata", {}) for event in self.events)
        return [(one["op"], one["urn"]) for one in planned if one and one["op"] not in ("same", "read")]

    def violations(self) -> set[tuple[str, str, str]]:
        """What the policy pack said: policy, URN and message."""
        found = (event.get("policyEvent") for event in self.events)
        return {(one["policyName"], one.get("resourceUrn", ""), one["message"].strip()) for one in found if one}

    def diagnostics(self) -> str:
        """Errors and warnings, as one text."""
        found = (event.get("diagnosticEvent", {}) for event in self.events)
        return "\n".join(one["message"] for one in found if one and one["severity"] in ("error", "warning"))


class EngineStack(AbstractContextManager["EngineStack"]):
    """A stack that lives in a temporary folder and deploys into a stand-in account."""

    def __init__(
        self,
        account: Account,
        stack: str,
        *,
        settings_of: str = "",
        overrides: Mapping[str, str] | None = None,
        folder: Path | None = None,
        checkpoints: bool = False,
        model: bool | None = None,
    ) -> None:
        """
        Args:
            stack: the stack's name.
            settings_of: the stack whose ``Pulumi.<name>.yaml`` it takes, by default its own.
            overrides: settings that differ, by full key.
            folder: where state is kept; stacks of one account may share it.
            checkpoints: whether the CLI writes its state after every step, as it does by default, instead of once at
                the end; needed where it is killed.
        """
        self.account = account
        self.stack = stack
        self._folder = Path(tempfile.mkdtemp(prefix="softpos-engine-")) if folder is None else folder
        self._own_folder = folder is None
        self._project = self._folder / f"project-{stack}"
        self._providers = Providers(account, stack)
        self._number = 0
        self._checkpoints = checkpoints
        model = bool(plugin_missing()) if model is None else model
        self._components = Components(account, stack) if model else None
        self._write_project(settings_of or stack, overrides or {})
        self._command("stack", "init", stack, "--secrets-provider", "passphrase")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in filter(None, (self._providers, self._components)):
            one.close()
        if self._own_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def project(self) -> Path:
        """The folder of the program; its files are links to the real ones, and may be replaced for a trial."""
        return self._project

    @property
    def policy(self) -> tuple[str, ...]:
        """The arguments that put an update under the policy pack, with this platform's own wishes."""
        pack = self._project / "policy"
        return "--policy-pack", str(pack), "--policy-pack-config", str(pack / POLICY_CONFIGURATION.name)

    def up(self, *arguments: str, preview: bool = False) -> Run:
        """Deploy; without a preview first, unless `preview`."""
        return self.run("up", "--yes", *([] if preview else ["--skip-preview"]), *arguments)

    def preview(self, *arguments: str) -> Run:
        """Ask what a deployment would do."""
        return self.run("preview", *arguments)

    def refresh(self, *arguments: str) -> Run:
        """Take over what the account says."""
        return self.run("refresh", "--yes", "--skip-preview", *arguments)

    def destroy(self, *arguments: str, preview: bool = False) -> Run:
        """Delete everything; without a preview first, unless `preview`.

        A preview meets what is protected and ends the command there; without it, all else is deleted first.
        """
        return self.run("destroy", "--yes", *([] if preview else ["--skip-preview"]), *arguments)

    def run(self, verb: str, *arguments: str) -> Run:
        """Run one command to its end."""
        return self.finish(self.start(verb, *arguments))

    def start(self, verb: str, *arguments: str) -> Started:
        """Start a command and leave it running."""
        self._number += 1
        log = self._folder / f"{self.stack}-{self._number}.events"
        command = [*_cli(), verb, "--non-interactive", "--stack", self.stack, "--event-log", str(log)]
        if not any(argument.startswith("--parallel") for argument in arguments):
            command += ["--parallel", str(PARALLEL)]
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=self._project,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.account.clock.follow((lambda: idle.resting(process.pid)) if idle.visible() else None)
        return Started(process, log, time.monotonic())

    def finish(self, started: Started) -> Run:
        """Wait for a started command."""
        output, _ = started.process.communicate()
        text = started.log.read_text(encoding="utf-8") if started.log.exists() else ""
        events = tuple(json.loads(line) for line in text.splitlines() if line.endswith("}"))
        return Run(started.process.returncode, output, events, time.monotonic() - started.since)

    def kill(self, started: Started) -> None:
        """End a command as a power cut would: no farewell to anybody."""
        os.killpg(started.process.pid, signal.SIGKILL)
        self.finish(started)

    def settings(self) -> dict[str, Any]:
        """The stack's settings, by full key."""
        content = yaml.safe_load(self._settings_file.read_text(encoding="utf-8"))
        return dict(content["config"])

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Replace the stack's settings."""
        content = yaml.safe_load(self._settings_file.read_text(encoding="utf-8"))
        self._settings_file.write_text(yaml.safe_dump({**content, "config": dict(settings)}), encoding="utf-8")

    def set(self, key: str, value: Any) -> None:
        """Change one setting of the stack."""
        self.write_settings({**self.settings(), key: value})

    @property
    def _settings_file(self) -> Path:
        return self._project / f"Pulumi.{self.stack}.yaml"

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        """Change the program for this stack alone: `file` becomes a changed copy.

        Raises:
            ValueError: when the change changes nothing.
        """
        path = self._project / file
        before = path.read_text(encoding="utf-8")
        after = change(before)
        if after == before:
            raise ValueError(f"{file}: the edit changes nothing; correct the edit.")
        path.unlink()
        path.write_text(after, encoding="utf-8")

    def cancel(self) -> None:
        """Lift the lock that a killed command left."""
        self._command("cancel", "--yes", "--stack", self.stack)

    def state(self) -> dict[str, Any]:
        """The stack as the CLI exports it."""
        exported: dict[str, Any] = json.loads(self._command("stack", "export", "--stack", self.stack))
        return exported

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the exported state."""
        return list(self.state()["deployment"].get("resources", ()))

    def replace_state(self, state: Mapping[str, Any]) -> None:
        """Put an exported and corrected state back."""
        file = self._folder / f"{self.stack}-state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        self._command("stack", "import", "--stack", self.stack, "--file", str(file))

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [*_cli(), *arguments, "--non-interactive"],
            cwd=self._project,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pulumi {arguments[0]} failed: {done.stderr or done.stdout}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """The variables with which a command of the CLI finds this stack, its state and its account."""
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        if plugins().is_dir() and not (home / "plugins").exists():
            (home / "plugins").symlink_to(plugins())
        state = self._folder / "state"
        state.mkdir(exist_ok=True)
        ports = dict.fromkeys(PACKAGES, self._providers.port)
        if self._components:
            ports["eks"] = self._components.port
        return {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", ""))),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            **({} if self._checkpoints else {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}),
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in ports.items()),
            REHEARSAL: "1",
        }

    def _write_project(self, settings_of: str, overrides: Mapping[str, str]) -> None:
        """Links to the real program; copies of what the CLI writes to."""
        self._project.mkdir(parents=True)
        pack = self._project / "policy"
        pack.mkdir()
        for folder, links in ((ROOT, self._project), (ROOT / "policy", pack)):
            for path in folder.iterdir():
                if not path.name.startswith((".", "Pulumi")) and path.name not in ("__pycache__", "policy"):
                    (links / path.name).symlink_to(path)
        policy = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
        policy["runtime"]["options"]["virtualenv"] = sys.prefix
        (pack / "PulumiPolicy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        (self._project / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        settings = yaml.safe_load((ROOT / f"Pulumi.{settings_of}.yaml").read_text(encoding="utf-8"))
        settings["config"].update(overrides)
        (self._project / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@dataclass(frozen=True)
class Started:
    """A command under way."""

    process: subprocess.Popen[str]
    log: Path
    since: float


def _cli() -> Sequence[str]:
    found = shutil.which("pulumi")
    if found is None:
        raise FileNotFoundError(NO_PULUMI)
    return (found,)

"""Carries out one step: on this machine where a person may deploy, by a pull request where only the pipeline may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from command_line.exits import FAILED, REFUSED, Stop
from command_line.files import write_whole
from command_line.project import ROOT
from operations.pipeline.github import Repository
from operations.pipeline.runs import Runs
from operations.upgrade.stack_file import with_setting
from operations.upgrade.steps import Step

WORKFLOW = "deploy.yml"
POLL_SECONDS = 30.0
Say = Callable[[str], None]


def with_settings(text: str, step: Step) -> str:
    """The text of a stack's file with all settings of a step."""
    for key, value in step.settings.items():
        try:
            text = with_setting(text, key, value)
        except ValueError as error:
            raise Stop(REFUSED, f"{step.name}: {error}") from None
    return text


def here(stack: str, step: Step, say: Say) -> None:
    """Change the stack's file on this machine and deploy it, under the policy pack.

    A deployment that breaks off leaves the file changed: the next run resumes with the same settings.
    """
    path = ROOT / f"Pulumi.{stack}.yaml"
    write_whole(path, with_settings(path.read_text(encoding="utf-8"), step))
    say(f"{path.name} is changed; deploying")
    Runs(stack).deploy(say)


@dataclass(frozen=True)
class ByPullRequest:
    """Proposes a step, and waits until the pipeline has deployed it.

    Nobody's credentials but the pipeline's change production. A run that is stopped resumes: it finds its own pull
    request by the branch's name.
    """

    repository: Repository
    stack: str
    say: Say
    wait: Callable[[float], None] = time.sleep

    def carry_out(self, step: Step) -> None:
        """Open the pull request of a step, if there is none, and wait for its deployment.

        Raises:
            Stop: when it is closed without a merge, or its deployment failed.
        """
        branch = f"upgrade/{self.stack}/{step.name}"
        found = self.repository.proposal(branch) or self._propose(branch, step)
        self.say(f"{found['html_url']}: waiting for its review and merge")
        while not found.get("merged_at"):
            if found["state"] == "closed":
                raise Stop(
                    REFUSED, f"{step.name}: {found['html_url']} was closed without a merge; delete its branch to retry."
                )
            self.wait(POLL_SECONDS)
            found = self.repository.proposal(branch) or found
        self.say(f"{found['html_url']} is merged: waiting for its deployment")
        while not (conclusion := self.repository.deployed(str(found["merge_commit_sha"]), WORKFLOW)):
            self.wait(POLL_SECONDS)
        if conclusion != "success":
            raise Stop(
                FAILED, f"{step.name}: its deployment ended with {conclusion}; see the workflow's run, then run again."
            )

    def _propose(self, branch: str, step: Step) -> dict[str, object]:
        path = f"Pulumi.{self.stack}.yaml"
        text, _ = self.repository.read(path)
        body = f"Interrupts: {step.interrupts}.\n\nWay back: {step.way_back}."
        return self.repository.propose(
            branch, path, with_settings(text, step), f"Upgrade {self.stack}: {step.name}", body
        )

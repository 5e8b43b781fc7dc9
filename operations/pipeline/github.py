"""The few calls to GitHub that the pipeline makes: one comment or issue per topic, one pull request per proposal."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from command_line.exits import BAD_INPUT, FAILED, Stop
from operations.pipeline.comment import mark

SECONDS = 30
PAGE = 100
BOT = "Bot"


@dataclass(frozen=True)
class Repository:
    """One repository, spoken to with the token of a workflow's run."""

    api: str
    name: str
    token: str

    def comment(self, pull_request: int, topic: str, body: str) -> None:
        """Write the topic's comment on a pull request: edited where it stands, made where it does not."""
        for found in self._pages(f"issues/{pull_request}/comments"):
            if _is_ours(found, topic):
                self._call("PATCH", f"issues/comments/{found['id']}", {"body": body})
                return
        self._call("POST", f"issues/{pull_request}/comments", {"body": body})

    def open_issue(self, topic: str, title: str, body: str, label: str) -> int:
        """Open the topic's issue, or bring it up to date where it is open; returns its number."""
        content = {"title": title, "body": f"{mark(topic)}\n\n{body}"}
        found = self._issue(topic, label)
        if found:
            self._call("PATCH", f"issues/{found['number']}", content)
            return int(found["number"])
        return int(self._call("POST", "issues", {**content, "labels": [label]})["number"])

    def close_issue(self, topic: str, reason: str, label: str) -> bool:
        """Close the topic's issue with a reason, if one is open; whether one was."""
        found = self._issue(topic, label)
        if not found:
            return False
        self._call("POST", f"issues/{found['number']}/comments", {"body": reason})
        self._call("PATCH", f"issues/{found['number']}", {"state": "closed", "state_reason": "completed"})
        return True

    def read(self, path: str) -> tuple[str, str]:
        """A file of the default branch: its text, and the number that GitHub needs to change it."""
        found = self._call("GET", f"contents/{path}")
        return base64.b64decode(found["content"]).decode(), str(found["sha"])

    def proposal(self, branch: str) -> dict[str, Any] | None:
        """The newest pull request from a branch of this repository, or nothing."""
        owner = self.name.partition("/")[0]
        found = self._call("GET", f"pulls?state=all&head={owner}:{branch}&per_page=1")
        return dict(found[0]) if found else None

    def propose(self, branch: str, path: str, text: str, title: str, body: str) -> dict[str, Any]:
        """Open a pull request that changes one file, on a branch of its own from the default branch's head.

        Args:
            branch: a branch that does not exist; the default branch is never written.
            path: the file, from the repository's root.
            text: its new text.
        """
        default = str(self._call("GET", "")["default_branch"])
        head = self._call("GET", f"git/ref/heads/{default}")["object"]["sha"]
        _, number = self.read(path)
        self._call("POST", "git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
        content = base64.b64encode(text.encode()).decode()
        self._call("PUT", f"contents/{path}", {"message": title, "content": content, "sha": number, "branch": branch})
        return dict(self._call("POST", "pulls", {"title": title, "head": branch, "base": default, "body": body}))

    def deployed(self, commit: str, workflow: str) -> str:
        """How a workflow's run on a commit ended: its conclusion, or nothing while it runs or has not begun."""
        found = self._call("GET", f"actions/workflows/{workflow}/runs?head_sha={commit}&per_page=1")
        runs = found["workflow_runs"]
        return str(runs[0]["conclusion"] or "") if runs else ""

    def _issue(self, topic: str, label: str) -> dict[str, Any] | None:
        found = self._pages(f"issues?state=open&labels={label}")
        return next((issue for issue in found if "pull_request" not in issue and _is_ours(issue, topic)), None)

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        joint = "&" if "?" in path else "?"
        page = 1
        while True:
            found = self._call("GET", f"{path}{joint}per_page={PAGE}&page={page}")
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def _call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 (the address is GitHub's own, from the runner's environment)
            f"{self.api}/repos/{self.name}/{path}".rstrip("/"),
            method=verb,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Stop(
                FAILED, f"GitHub: {verb} {path} was answered {error.code}; check the job's permissions."
            ) from None
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise Stop(FAILED, f"GitHub: {verb} {path} failed ({error}); run the job again.") from None


def _is_ours(found: dict[str, Any], topic: str) -> bool:
    """Whether a comment or issue is the pipeline's own on this topic: its mark, and written by a bot."""
    body = str(found.get("body") or "")
    return body.startswith(mark(topic)) and found.get("user", {}).get("type") == BOT


def repository_of_run() -> Repository:
    """The repository of the workflow that runs us.

    Raises:
        Stop: outside a workflow.
    """
    wanted = ("GITHUB_REPOSITORY", "GITHUB_TOKEN")
    missing = [name for name in wanted if not os.environ.get(name)]
    if missing:
        raise Stop(BAD_INPUT, *(f"{name}: it is not set; run this in a workflow, or use --print." for name in missing))
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return Repository(api, os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"])

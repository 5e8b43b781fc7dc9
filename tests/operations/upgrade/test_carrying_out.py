"""A step in production is a pull request: opened once, waited for, and never written to the default branch."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from command_line.exits import FAILED, REFUSED, Stop
from operations.pipeline.github import Repository
from operations.upgrade.carrying_out import ByPullRequest
from operations.upgrade.steps import Step

STEP = Step("nodes-to-1.36", {"clusterNodeVersion": "1.36"}, "nothing", "none")
BRANCH = "upgrade/prod/nodes-to-1.36"
FILE = 'config:\n  softpos:clusterVersion: "1.36"\n'


@dataclass
class GitHub:
    """A repository on this machine, as far as GitHub's REST API is asked of it."""

    url: str = ""
    branches: dict[str, str] = field(default_factory=lambda: {"main": FILE})
    pulls: list[dict[str, Any]] = field(default_factory=list)
    conclusions: list[str | None] = field(default_factory=lambda: [None, "success"])
    """What the workflow's run says, one poll after the other."""
    merges_after: int = 2
    """Polls of the pull request until somebody merges it; a negative number closes it instead."""

    def answer(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        if path == "":
            return {"default_branch": "main"}
        if path == "git/ref/heads/main":
            return {"object": {"sha": "head-of-main"}}
        if (verb, path) == ("POST", "git/refs"):
            self.branches[body["ref"].removeprefix("refs/heads/")] = self.branches["main"]
            return {}
        if re.fullmatch(r"contents/Pulumi\.prod\.yaml", path):
            if verb == "PUT":
                self.branches[body["branch"]] = base64.b64decode(body["content"]).decode()
                return {}
            return {"content": base64.b64encode(self.branches["main"].encode()).decode(), "sha": "blob"}
        if (verb, path) == ("POST", "pulls"):
            self.pulls.append({"html_url": "https://github.test/pull/1", "state": "open", "merged_at": None, **body})
            return self.pulls[0]
        if path == "pulls":
            for pull in self.pulls:
                self._poll(pull)
            return self.pulls[:1]
        assert path == "actions/workflows/deploy.yml/runs"
        return {"workflow_runs": [{"conclusion": self.conclusions.pop(0)}]}

    def _poll(self, pull: dict[str, Any]) -> None:
        if self.merges_after < 0:
            pull["state"] = "closed"
        elif self.merges_after == 0:
            pull.update(state="closed", merged_at="2026-12-01T00:00:00Z", merge_commit_sha="merged")
        self.merges_after -= 1 if self.merges_after > 0 else 0


@pytest.fixture
def github() -> Iterator[GitHub]:
    found = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "{}")
            path = urlsplit(self.path).path.removeprefix("/repos/acme/softpos").lstrip("/")
            content = json.dumps(found.answer(self.command, path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


def by_pull_request(github: GitHub) -> ByPullRequest:
    return ByPullRequest(Repository(github.url, "acme/softpos", "t"), "prod", lambda _: None, wait=lambda _: None)


def test_a_step_changes_its_settings_on_a_branch_and_waits_for_the_deployment(github: GitHub) -> None:
    by_pull_request(github).carry_out(STEP)
    assert github.branches["main"] == FILE
    changed = yaml.safe_load(github.branches[BRANCH])["config"]
    assert changed == {"softpos:clusterVersion": "1.36", "softpos:clusterNodeVersion": "1.36"}
    assert github.pulls[0]["base"] == "main"
    assert github.conclusions == []


def test_a_run_that_was_stopped_finds_its_pull_request_again(github: GitHub) -> None:
    by_pull_request(github).carry_out(STEP)
    github.conclusions.append("success")
    by_pull_request(github).carry_out(STEP)
    assert len(github.pulls) == 1


def test_a_step_that_reviewers_refuse_ends_the_run(github: GitHub) -> None:
    github.merges_after = -1
    with pytest.raises(Stop, match="closed without a merge") as refused:
        by_pull_request(github).carry_out(STEP)
    assert refused.value.code == REFUSED


def test_a_deployment_that_failed_ends_the_run(github: GitHub) -> None:
    github.conclusions = ["failure"]
    with pytest.raises(Stop, match="ended with failure") as failed:
        by_pull_request(github).carry_out(STEP)
    assert failed.value.code == FAILED

"""A GitHub on this machine: comments and issues of one repository, over HTTP."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from operations.pipeline.github import Repository

REPOSITORY = "acme/softpos"
TOKEN = "a-token"


@dataclass
class GitHub:
    """What is stored, and what was called."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    answer: int = 200
    """Another status than 200 refuses every call."""

    @property
    def repository(self) -> Repository:
        return Repository(self.url, REPOSITORY, TOKEN)

    def add_comment(self, body: str, kind: str = "User") -> None:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"type": kind}})

    def handle(self, verb: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        if match := re.fullmatch(r"issues/comments/(\d+)", path):
            self.comments[int(match[1]) - 1].update(body)
            return self.comments[int(match[1]) - 1]
        if re.fullmatch(r"issues/\d+/comments", path):
            if verb == "POST":
                self.add_comment(body["body"], "Bot")
                return self.comments[-1]
            return _page(self.comments, query)
        if match := re.fullmatch(r"issues/(\d+)", path):
            self.issues[int(match[1]) - 1].update(body)
            return self.issues[int(match[1]) - 1]
        if verb == "POST":
            number = len(self.issues) + 1
            self.issues.append({"number": number, "state": "open", "user": {"type": "Bot"}, **body})
            return self.issues[-1]
        [label] = query["labels"]
        wanted = [one for one in self.issues if one["state"] == "open" and label in one["labels"]]
        return _page(wanted, query)


def _page(found: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    size, number = int(query["per_page"][0]), int(query["page"][0])
    return found[(number - 1) * size : number * size]


@contextlib.contextmanager
def running() -> Iterator[GitHub]:
    """A GitHub that answers."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "{}")
            url = urlsplit(self.path)
            github.calls.append(f"{self.command} {url.path}")
            status, found = github.answer, None
            if self.headers["Authorization"] != f"Bearer {TOKEN}" or not url.path.startswith(f"/repos/{REPOSITORY}/"):
                status = 403
            if status == 200:
                path = url.path.removeprefix(f"/repos/{REPOSITORY}/")
                found = github.handle(self.command, path, parse_qs(url.query), body)
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 (the library's names)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

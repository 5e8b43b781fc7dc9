"""What the pipeline's tests share."""

from collections.abc import Iterator

import pytest

from tests.operations.pipeline.github_server import REPOSITORY, TOKEN, GitHub, running


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub on this machine, and a workflow's environment that points to it."""
    with running() as found:
        monkeypatch.setenv("GITHUB_API_URL", found.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        for name in ("GITHUB_SHA", "GITHUB_STEP_SUMMARY", "HEAD_SHA"):
            monkeypatch.delenv(name, raising=False)
        yield found

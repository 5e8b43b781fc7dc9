"""A rehearsal of the sample, its page, and the operating system's Chromium to look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.evidence.provenance import Provenance
from operations.journeys.proof import Proof
from operations.plan.document import Rehearsal, as_document
from operations.plan.forecast import forecast_creation
from operations.plan.judgement import Finding, Verdicts
from operations.rehearsal.page.page import render_page
from recording.program import Recording
from tests.accessible import started_browser
from tests.operations.sample import record_sample

PROVENANCE = Provenance("0123456789abcdef0123456789abcdef01234567", changed=False)


def rehearse(recording: Recording) -> Rehearsal:
    """A rehearsal of a recording, with a violation that the analyzer might have found."""
    violation = Finding("kms-rotation", recording.resources[-1].urn, "key: broken", "mandatory", ("3.7.4",))
    return Rehearsal(
        recording=recording,
        verdicts=Verdicts((violation,), (), (), (), {}),
        forecast=forecast_creation(recording.resources),
        worst_case=forecast_creation(recording.resources, "max"),
        proof=Proof(expected=(), problems=(), blocked=0),
        examples=(),
    )


@pytest.fixture(scope="session")
def rehearsal(recording: Recording) -> Rehearsal:
    return rehearse(recording)


@pytest.fixture(scope="session")
def page(rehearsal: Rehearsal) -> str:
    return render_page(rehearsal, PROVENANCE, as_document(rehearse(record_sample(database_class="db.r7g.xlarge"))))


@pytest.fixture(scope="session")
def page_file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(page_file: Path, production: Recording) -> Iterator[object]:
    """Started after every recording, and gone with its tests: both need the thread's event loop for themselves."""
    yield from started_browser()

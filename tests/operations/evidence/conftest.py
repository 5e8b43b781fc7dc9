"""The sample platform, judged, and a bundle of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.evidence.assessment import Assessment, assess
from operations.evidence.bundle import write_bundle
from operations.evidence.provenance import Provenance
from operations.evidence.records import Origin
from recording.program import Recording
from tests.accessible import started_browser
from tests.operations.sample import record_sample
from tests.recorded import recorded

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def origin(made_at: str = "2026-11-22T20:00:00Z") -> Origin:
    return Origin("sample", "rehearsal", Provenance(COMMIT, changed=False), made_at)


@pytest.fixture(scope="session")
def recording() -> Recording:
    return record_sample()


@pytest.fixture(scope="session")
def assessment(recording: Recording) -> Assessment:
    return assess(recording.stack, recording.resources)


@pytest.fixture(scope="session")
def sealed(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("evidence") / "bundle"
    write_bundle(directory, recording.resources, origin())
    return directory


@pytest.fixture(scope="session")
def production() -> Recording:
    """The real program, as it stands."""
    return recorded("prod")


@pytest.fixture(scope="module")
def browser(production: Recording) -> Iterator[Any]:
    """Started after every recording: both need the thread's event loop for themselves."""
    yield from started_browser()

"""The sample platform, judged, and a bundle of it."""

from pathlib import Path

import pytest

from operations.evidence.assessment import Assessment, assess
from operations.evidence.bundle import write_bundle
from operations.evidence.provenance import Provenance
from operations.evidence.records import Origin
from recording.program import Recording
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

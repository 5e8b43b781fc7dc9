"""What drawing and page are shown: a small sample, and the real program."""

import pytest

from recording.program import Recording
from tests.operations.sample import record_sample
from tests.recorded import recorded


@pytest.fixture(scope="session")
def recording() -> Recording:
    return record_sample()


@pytest.fixture(scope="session")
def production() -> Recording:
    """The real program, as it stands."""
    return recorded("prod")

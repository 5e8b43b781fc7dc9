"""The pack under test, loaded once."""

from __future__ import annotations

import pytest

from policy import pack
from policy.judgement import Judgement


@pytest.fixture(scope="session")
def judge() -> Judgement:
    return pack.judgement()

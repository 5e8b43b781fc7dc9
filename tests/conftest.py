"""What all tests share."""

import gc
from contextlib import ExitStack

# Imported before any test: hypothesis's own pytest plugin otherwise imports it in the closing summary, where CPython
# 3.11 has been seen to fail on it after Pulumi programs had run (SystemError: AST constructor recursion depth).
import hypothesis
import pytest

from recording.light_sdk import light_sdk

hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Load the SDKs as the rehearsal does and collect garbage less often: both took a quarter of the tests' time."""
    gc.set_threshold(100_000, 50, 100)
    light = ExitStack()
    light.enter_context(light_sdk())
    config.add_cleanup(light.close)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many bad inputs were refused: the table is in `tests/bad_inputs`."""
    rows = "test_bad_inputs.py::test_a_bad_input"
    passed = sum(rows in report.nodeid for report in terminalreporter.stats.get("passed", ()))
    failed = sum(rows in report.nodeid for report in terminalreporter.stats.get("failed", ()))
    if passed or failed:
        terminalreporter.write_line(f"{passed} of {passed + failed} bad inputs: one sentence each, and the right code.")

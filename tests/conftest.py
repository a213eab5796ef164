"""Hypothesis, for machines that are busy: no verdict depends on how long something takes.

And at the end of a run, what it has tried.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.fix_proofs import proofs

settings.register_profile("flightlake", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flightlake")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = list(proofs())
    if lines:
        terminalreporter.section("tried")
    for line in lines:
        terminalreporter.line(line)

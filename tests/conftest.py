"""Hypothesis: no verdict depends on how long something takes, nor on chance.

Every run tries the same examples, so that no change meets a failure that is not its own;
``make test ARGS='tests/property --hypothesis-profile=explore'`` tries others each time.

And at the end of a run, what it has tried.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.fix_proofs import proofs

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("flightlake", settings.get_profile("explore"), derandomize=True)
settings.load_profile("flightlake")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = list(proofs())
    if lines:
        terminalreporter.section("tried")
    for line in lines:
        terminalreporter.line(line)

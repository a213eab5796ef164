"""A refresh whose process is killed, wherever it is, leaves the old rows or the new.

That all steps are safe is told by tests/property/test_fault_stories.py; here some of them, drawn
by a seed, end in a real SIGKILL of a real process.
"""

import os
import random
import signal
from pathlib import Path

import pytest

from tests.fix_materialized import NEW, OLD, Mills, with_news
from tests.fix_view_process import begin, order, said

_STEPS = 60
"""About as many as a refresh has."""
KILLS = 4 * int(os.environ.get("FLIGHTLAKE_VIEW_STORIES", "1"))
_WHEN = ("dies before", "dies within", "dies after")


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_process_that_is_killed_leaves_the_old_rows_or_the_new(
    mills: Mills, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be told again
    # One each in a stretch of its own, so that the few of `make test` are spread, too.
    at = round((seed % 4 + chance.random()) * _STEPS / 4)
    mill = with_news(mills())
    statement = "REFRESH MATERIALIZED VIEW v"
    wanted = order(mill.lake, tmp_path / "s", statement, at=at, fault=chance.choice(_WHEN))
    code, told, errors = said(begin(wanted))
    if code == 0:
        assert told == ["FULL"]  # it was done before it came that far
    else:
        assert (code, told) == (-signal.SIGKILL, []), errors
    done = mill.stored("v") == NEW
    assert done or mill.stored("v") == OLD
    assert done or code != 0
    assert mill.named("v") <= mill.files("v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == ("NOOP" if done else "FULL")
    assert mill.stored("v") == NEW

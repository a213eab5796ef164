"""A refresh whose process is killed, wherever it is, leaves the old rows or the new."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.fix_materialized import NEW, OLD, Mills, with_news

_PROGRAM = """
import os, signal, sys
from pathlib import Path
from flightlake.clock import SystemClock
from flightlake.cancellation import Cancellation
from flightlake.lake import replacement
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.sql_pointers import SqlPointers
from flightlake.query.workers import Workers
from flightlake.refresh.grammar import parse
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.service import Asked, MaterializedViews
from tests.fix_engine import engine_on
from tests.fix_materialized import WRITER
from datetime import timedelta

uri, warehouse, name, root, spill, point = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, function, after):
    real = getattr(owner, function)
    def run(*arguments, **named):
        if not after:
            die()
        real(*arguments, **named)
        die()
    setattr(owner, function, run)

where, _, when = point.partition(":")
owner, function = {
    "rows": (replacement.DataFiles, "write"),
    "files": (replacement.DataFiles, "finish"),
    "manifests": (replacement, "replaced"),
    "swap": (SqlPointers, "swap"),
}[where]
dying(owner, function, when == "after")
properties = {"uri": uri, "warehouse": warehouse}
catalogs = {name: open_catalog(name, "sql", properties, timedelta(seconds=10))}
engine = engine_on(catalogs, Path(spill))
views = MaterializedViews(
    Refresher(engine, catalogs, Workers(1), SystemClock()), frozenset({name})
)
views.run(parse("REFRESH MATERIALIZED VIEW v"), Asked(WRITER, name, root, "", Cancellation()))
"""


@pytest.mark.parametrize(
    "point",
    [
        *("rows:after", "files:after", "manifests:after", "swap:before", "swap:after"),
    ],
)
def test_a_process_that_is_killed_leaves_the_old_rows_or_the_new(
    mills: Mills, tmp_path: Path, point: str
) -> None:
    mill = with_news(mills())
    lake = mill.lake
    arguments = [lake.properties["uri"], lake.properties["warehouse"], lake.name, lake.root]
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PROGRAM), *arguments, str(tmp_path / "s"), point],
        timeout=60,
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    done = point == "swap:after"
    assert mill.stored("v") == (NEW if done else OLD)
    assert mill.named("v") <= mill.files("v")
    again = mill.one("REFRESH MATERIALIZED VIEW v")
    assert again["strategy"] == ("NOOP" if done else "FULL")
    assert mill.stored("v") == NEW

"""Upkeep that ends at any step leaves every snapshot readable, and the next one finishes it."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills
from tests.fix_upkeep import Keeper, everything, keeper, kept_until, reachable, readable

_PROGRAM = """
import os, signal, sys
from datetime import datetime, timedelta
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.lake import blobs, deletion
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.sql_pointers import SqlPointers
from flightlake.refresh.maintenance import Maintenance, Upkeep
from flightlake.telemetry import Observers

uri, warehouse, name, now, step, number = sys.argv[1:]
left = int(number)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

real_swap = SqlPointers.swap

def swap(self, *change):
    if step == "before the commit":
        die()
    done = real_swap(self, *change)
    if step == "after the commit":
        die()
    return done

SqlPointers.swap = swap

class Dying:
    def __init__(self, files):
        self.files = files

    def delete_file(self, key):
        global left
        left -= 1
        if left < 0:
            die()
        self.files.delete_file(key)

deletion._AT_ONCE = 1
if step == "a deletion":
    deletion.filesystem = lambda store: Dying(blobs.filesystem(store))
properties = {"uri": uri, "warehouse": warehouse}
catalogs = {name: open_catalog(name, "sql", properties, timedelta(minutes=2))}
clock = ManualClock(datetime.fromisoformat(now))
Maintenance(catalogs, frozenset(catalogs), Upkeep(), clock, Observers(())).run(Cancellation())
"""
_STEPS = [("a deletion", 3)]  # the others: see the last test


def _old(mills: Mills) -> Keeper:
    """Return a keeper of ``v``, which has two snapshots to expire, and what a refresh left."""
    kept = keeper(mills)
    mill = kept.mill
    mill.lake.create("orders").append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    for number in range(2):
        mill.table("orders").append(orders(number))
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
    where = Path(mill.table("v").location().removeprefix("file://"))
    for number in range(2):
        stray = where / f"data/{number:032x}/00000.parquet"
        stray.parent.mkdir()
        stray.write_bytes(b"stray")
    kept.pass_days(3)
    return kept


def _require_whole(kept: Keeper, rows: dict[int, Any]) -> None:
    """Require all rows, and that the next upkeep leaves nothing behind."""
    mill = kept.mill
    now = readable(mill, "v")
    assert now == {snapshot: rows[snapshot] for snapshot in now}
    assert mill.table("v").metadata.current_snapshot_id in now
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    kept.pass_days(3)
    kept.kept()
    assert everything(mill, "v") == reachable(mill, "v")
    assert len(readable(mill, "v")) == 1


@pytest.mark.parametrize(("step", "number"), _STEPS)
def test_a_process_that_is_killed_leaves_every_snapshot_readable(
    mills: Mills, step: str, number: int
) -> None:
    kept = _old(mills)
    rows, lake = readable(kept.mill, "v"), kept.mill.lake
    arguments = [lake.properties["uri"], lake.properties["warehouse"], lake.name]
    arguments += [kept.clock.now().isoformat(), step, str(number)]
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        timeout=300,
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    _require_whole(kept, rows)


def test_upkeep_that_ends_anywhere_is_finished_by_the_next(mills: Mills) -> None:
    kept = _old(mills)
    mill: Mill = kept.mill
    for calls in range(100):
        done = kept_until(kept, calls)
        assert readable(mill, "v")
        if done:
            break
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
        kept.pass_days(3)
    else:
        pytest.fail("the upkeep never ended")
    assert calls > 10
    kept.pass_days(3)
    kept.kept()
    assert everything(mill, "v") == reachable(mill, "v")

"""Clocks, catalogs and defects do not stop the refreshing of views, nor a server from ending."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flightlake.clock import ManualClock, SystemClock
from flightlake.refresh.scheduler.loop import Rules, Scheduler
from flightlake.refresh.scheduler.ownership import Peers
from flightlake.telemetry import Observers
from tests.fix_materialized import Mills, Odd
from tests.fix_schedule import shift_on

pytestmark = pytest.mark.usefixtures("writers_stand_still")

AS = "AS SELECT id FROM orders"


class Broken(Odd):
    """A catalog with a defect in what commits, while ``broken``."""

    broken = False

    def attempt(self, base: Any, updates: Any) -> Any:
        if self.broken:
            raise ValueError("a defect")
        return self.catalog.attempt(base, updates)


def test_a_defect_ends_a_refresh_and_not_the_refreshing(mills: Mills) -> None:
    shift = shift_on(mills, around=Broken)
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.pass_time()
    shift.append(4)
    shift.mill.catalog.broken = True
    assert shift.pass_time(10) == ["v change InternalError"]  # not again and again
    shift.mill.catalog.broken = False
    assert shift.pass_time(400) == ["v change"]
    assert len(shift.mill.stored("v")) == 4


def test_views_of_a_catalog_that_does_not_answer_come_after_all_others(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = shift_on(mills)
    for name in "ab":
        shift.mill.run(f"CREATE MATERIALIZED VIEW {name} ON CHANGE {AS}")
    shift.pass_time()
    shift.append(4)
    mute = shift.name("a")
    monkeypatch.setattr(shift.scheduler, "_unanswered", lambda view: view == mute)
    assert shift.pass_time(10) == ["b change", "a change"]


def test_a_clock_that_was_ahead_once_does_not_put_off_refreshes_for_ever(mills: Mills) -> None:
    shift = shift_on(mills, clock=ManualClock(datetime.now(UTC) + timedelta(days=365)))
    shift.mill.run(f"CREATE MATERIALIZED VIEW v SCHEDULE = 'every 10 minutes' {AS}")
    shift.mill.run(f"CREATE MATERIALIZED VIEW w TARGET_LAG = '1 minute' {AS}")
    shift.pass_time()
    shift.mill.lake.writer.drop_table((shift.mill.lake.root, "orders"))
    assert shift.pass_time(15) + shift.pass_time(60) == ["w lag NotFound"]
    shift.clock = ManualClock(datetime.now(UTC))  # which is right again
    shift = shift.relieved()
    assert shift.pass_time(10) == []
    assert sorted(shift.pass_time(610)) == ["v schedule NotFound", "w lag NotFound"]


def test_a_server_ends_though_catalogs_and_databases_hang(mills: Mills) -> None:
    shift = shift_on(mills)
    release, asked = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        asked.release()
        release.wait(600)

    class Hanging(Peers):
        def alive(self) -> list[str]:
            hang()
            return ["me"]

        def leave(self) -> None:
            hang()

    shift.mill.catalog.heads = hang
    jobs, none = shift.mill.views.jobs, Observers(())
    scheduler = Scheduler(jobs, Hanging("me"), Rules("1.0"), SystemClock(), none)
    scheduler.start()
    try:
        assert asked.acquire(timeout=120)
        assert asked.acquire(timeout=120)
        begun = time.monotonic()
        scheduler.leave()
        assert time.monotonic() - begun < 60
    finally:
        release.set()

"""A scheduler over a mill, moved step by step by a clock that moves when it is told to."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pyiceberg.table import snapshots

from flightlake.clock import ManualClock
from flightlake.names import TableIdentifier
from flightlake.refresh.runs import Ended
from flightlake.refresh.scheduler.loop import Rules, Scheduler
from flightlake.refresh.scheduler.ownership import Members, Peers
from flightlake.telemetry import Observers
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills
from tests.fix_server import eventually


@dataclass
class Shift:
    """A mill whose views are refreshed by themselves, as time passes."""

    mill: Mill
    clock: ManualClock
    scheduler: Scheduler
    ended: list[Ended] = field(default_factory=list)

    def name(self, view: str) -> TableIdentifier:
        return TableIdentifier(self.mill.lake.name, self.mill.lake.root, view)

    def pass_time(self, seconds: float = 0) -> list[str]:
        """Let time pass, and all that is due by then be done; return what was refreshed."""
        before, background = len(self.ended), self.mill.views.jobs.background
        self.clock.advance(timedelta(seconds=seconds))
        while True:
            count = len(self.ended)
            self.scheduler.step()
            eventually(lambda: background.free == background.slots, "the end of all refreshes")
            if len(self.ended) == count:
                return [
                    f"{one.run.wanted.view.table} {one.run.wanted.trigger}"
                    + ("" if one.failure is None else f" {type(one.failure).__name__}")
                    for one in self.ended[before:]
                ]

    def relieved(self) -> "Shift":
        """Return a shift whose scheduler begins now, and knows nothing; this one's ends."""
        self.scheduler.leave()
        return _begun(self.mill, self.clock, None)

    def due(self, view: str) -> float:
        """Return in how many seconds *view* is due."""
        _, wish = self.scheduler.standing(self.name(view))
        assert wish is not None
        return (wish.at - self.clock.now()).total_seconds()

    def append(self, *ids: int) -> None:
        """Let orders come, at the time that it is by the clock of this shift."""
        self.mill.table("orders").append(orders(*ids))

    def state(self, view: str) -> str:
        rows = self.mill.run("SHOW MATERIALIZED VIEWS")
        return str(next(row["state"] for row in rows if row["view"] == str(self.name(view))))


@pytest.fixture
def writers_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pyiceberg write at one moment, however long the test takes: its clocks stand still too.

    Otherwise what is appended on a busy machine would be seconds ahead of the clock of a shift.
    The moment is a whole second: snapshots know no microseconds, and what is appended would else
    be from before the clock of a shift began, so that the scheduler spreads it by random names.
    """
    moment = float(int(time.time()))
    monkeypatch.setattr(snapshots, "time", SimpleNamespace(time=lambda: moment))


def real_time() -> ManualClock:
    """Return a clock that begins at the real time, as writers know it, and stands still."""
    return ManualClock(datetime.fromtimestamp(snapshots.time.time(), UTC))


def shift_on(
    mills: Mills, members: Members | None = None, clock: ManualClock | None = None, **how: Any
) -> Shift:
    """Return a shift on a lake with three orders; its clock begins at the real time."""
    clock = clock or real_time()
    mill = mills(clock=clock, **how)
    if not mill.lake.writer.table_exists((mill.lake.root, "orders")):
        mill.lake.create("orders").append(orders(1, 2, 3))
    return _begun(mill, clock, members)


def _begun(mill: Mill, clock: ManualClock, members: Members | None) -> Shift:
    scheduler = Scheduler(
        mill.views.jobs, members or Peers("me"), Rules("1.0"), clock, Observers(())
    )
    shift = Shift(mill, clock, scheduler)
    mill.views.jobs.runs.listen(shift.ended.append)
    return shift

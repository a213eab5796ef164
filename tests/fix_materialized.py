"""Materialized views over a lake in a folder, without a server; and catalogs that misbehave."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table

from flightlake.auth import Identity
from flightlake.cancellation import Cancellation
from flightlake.clock import Clock, SystemClock
from flightlake.engine.engine import Engine
from flightlake.errors import NotReady
from flightlake.lake.catalogs import Catalog
from flightlake.lake.pointers import PointedTables
from flightlake.query.workers import Workers
from flightlake.refresh.background import Background
from flightlake.refresh.finding import Views
from flightlake.refresh.grammar import parse
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.runs import Runs
from flightlake.refresh.service import Asked, MaterializedViews
from flightlake.telemetry import Observer, Observers
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_engine import engine_on

WRITER = Identity("ada", frozenset({"writer"}))


@dataclass
class Mill:
    """Runs statements about views as ``ada``, who may write, on ``catalog`` of ``lake``."""

    lake: Lake
    catalog: Any
    views: MaterializedViews
    engine: Engine
    call: Cancellation = field(default_factory=Cancellation)

    def run(self, sql: str) -> list[dict[str, Any]]:
        asked = Asked(WRITER, self.lake.name, self.lake.root, "", self.call)
        rows: list[dict[str, Any]] = self.views.run(parse(sql), asked).to_pylist()
        return rows

    def one(self, sql: str) -> dict[str, Any]:
        (row,) = self.run(sql)
        return row

    def table(self, name: str) -> Table:
        """Return a table of the lake as it is now."""
        return self.lake.writer.load_table((self.lake.root, name))

    def stored(self, view: str) -> list[dict[str, Any]]:
        """Return the rows of *view* as pyiceberg reads them, in some fixed order."""
        rows = self.table(view).scan().to_arrow().to_pylist()
        return sorted(rows, key=repr)

    def files(self, view: str) -> set[Path]:
        """Return all data files below the folders of *view*, referenced or not."""
        where = self.table(view).location()
        return set(Path(where.removeprefix("file://")).glob("data/**/*.parquet"))

    def named(self, view: str) -> set[Path]:
        """Return the data files that some snapshot of *view* holds."""
        table = self.table(view)
        return {
            Path(task.file.file_path.removeprefix("file://"))
            for snapshot in table.snapshots()
            for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()
        }


def mill_on(
    lake: Lake,
    catalog: Any,
    spill: Path,
    more: Mapping[str, Catalog] | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> Mill:
    """Return a mill on *catalog*, which is that of *lake*; its engine is to be closed."""
    catalogs = {lake.name: catalog, **(more or {})}
    engine = engine_on(catalogs, spill)
    refresher = Refresher(engine, catalogs, Workers(2), clock or SystemClock(), **settings)
    return Mill(lake, catalog, MaterializedViews(jobs_of(refresher, lake.name)), engine)


Mills = Callable[..., Mill]


def jobs_of(refresher: Refresher, *writable: str, observer: Observer | None = None) -> Jobs:
    """Return what refreshes the views of the *writable* catalogs, without deadlines."""
    clock = refresher.clock
    return Jobs(
        Views(refresher.catalogs, frozenset(writable)),
        refresher,
        Runs(clock, observer or Observers(())),
        Background(1, lambda: False, clock),
        lambda delay, function: lambda: None,
        timedelta(hours=1),
    )


@pytest.fixture
def mills(tmp_path: Path) -> Iterator[Mills]:
    """Make mills on one lake; *around* makes of the catalog one that misbehaves.

    The lake is of SQLite in a folder, or the *lake* that the first one is made on.
    """
    engines: list[Engine] = []
    lakes: list[Lake] = []

    def make(
        around: Callable[[Catalog], Any] = lambda catalog: catalog,
        more: Mapping[str, Catalog] | None = None,
        lake: Lake | None = None,
        **settings: Any,
    ) -> Mill:
        if not lakes:
            lakes.append(sqlite_lake(tmp_path) if lake is None else lake)
        (lake,) = lakes
        made = mill_on(lake, around(lake.open()), tmp_path / "spill", more, **settings)
        engines.append(made.engine)
        return made

    yield make
    for engine in engines:
        engine.close()


class Odd(PointedTables):
    """A catalog of pointers of which a test overrides what it wants to be odd."""

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    def pointer(self, *name: str) -> Any:
        return self.catalog.pointer(*name)

    def swap(self, *change: Any) -> Any:
        return self.catalog.swap(*change)

    def swap_name(self, *change: Any) -> Any:
        return self.catalog.swap_name(*change)

    def new_location(self, *name: str) -> Any:
        return self.catalog.new_location(*name)

    def store(self, location: str) -> Any:
        return self.catalog.store(location)

    def materialized_views(self, db_schema: str) -> Any:
        return self.catalog.materialized_views(db_schema)


class LosesAnswers(Odd):
    """Does what it is told to, and does not answer, while ``lost``."""

    lost = False

    def swap(self, *change: Any) -> bool:
        done: bool = self.catalog.swap(*change)
        if self.lost:
            raise NotReady("the answer was lost")
        return done


class LosesRequests(Odd):
    """Neither does what it is told to nor answers, while ``lost``."""

    lost = False

    def swap(self, *change: Any) -> bool:
        if self.lost:
            raise NotReady("the request was lost")
        done: bool = self.catalog.swap(*change)
        return done


class AnswersTwice(Odd):
    """Sends every change twice, and tells the answer to the second, as a retrying proxy would."""

    def swap(self, *change: Any) -> bool:
        self.catalog.swap(*change)
        done: bool = self.catalog.swap(*change)
        return done


class Interrupted(Odd):
    """Calls ``before`` right before a change, once."""

    before: Callable[[], object] | None = None

    def swap(self, *change: Any) -> bool:
        before, self.before = self.before, None
        if before is not None:
            before()
        done: bool = self.catalog.swap(*change)
        return done


QUERY = "SELECT id, count(*) AS n FROM orders GROUP BY id"
OLD = [{"id": 1, "n": 1}, {"id": 2, "n": 1}]
NEW = [{"id": 1, "n": 1}, {"id": 2, "n": 2}]


def with_news(mill: Mill) -> Mill:
    """Make ``v`` of two orders, and let a third come."""
    table = mill.lake.create("orders")
    table.append(orders(1, 2))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {QUERY}")
    table.append(orders(2))
    assert mill.stored("v") == OLD
    return mill

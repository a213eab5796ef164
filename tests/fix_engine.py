"""Engines and query services over real tables in a folder."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.auth import Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import Clock, SystemClock
from flightlake.engine.engine import Defaults, Engine, EngineSettings, Plan
from flightlake.engine.sql_text import read
from flightlake.flightsql.payloads import Pin, Statement
from flightlake.lake.catalogs import Catalog
from flightlake.names import TableIdentifier
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.service import QueryService, StatementLimits
from flightlake.query.workers import Workers
from flightlake.telemetry import Admission, QueryFinished
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_server import Recorder

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MANY = 12
"""Files of the table ``big``: more than are planned without asking which are needed."""

BIG = pa.schema([("id", pa.int64()), ("grp", pa.string()), ("x", pa.float64())])
FEW = pa.schema([("id", pa.int64()), ("name", pa.string())])


def big_rows(number: int) -> pa.Table:
    """Return the ten rows of a file of ``big``: ids from ten times *number*."""
    ids = list(range(number * 10, number * 10 + 10))
    return pa.table(
        {"id": ids, "grp": [f"g{number}"] * 10, "x": [float(n) for n in range(10)]}, schema=BIG
    )


def small_lake(folder: Path) -> Lake:
    """Return a lake with ``big`` (12 files), ``few`` (3 files) and ``nothing`` (no snapshot)."""
    lake = sqlite_lake(folder)
    big = lake.create("big", BIG)
    for number in range(MANY):
        big.append(big_rows(number))
    few = lake.create("few", FEW)
    for number in range(3):
        few.append(
            pa.table({"id": [number * 10, number * 10 + 1], "name": [f"n{number}", None]}, FEW)
        )
    lake.create("nothing", FEW)
    return lake


def data_files(folder: Path, table: str) -> list[Path]:
    """Return the data files of *table* in the lake in *folder*."""
    return sorted(folder.glob(f"warehouse/**/{table}/data/**/*.parquet"))


@dataclass
class Lab:
    """An engine on one or several catalogs, with the defaults of a session."""

    engine: Engine
    defaults: Defaults

    def plan(
        self,
        sql: str,
        values: Mapping[str, pa.Scalar] | None = None,
        pins: Mapping[TableIdentifier, Pin] | None = None,
        defaults: Defaults | None = None,
    ) -> Plan:
        call = Cancellation()
        where = self.defaults if defaults is None else defaults
        return self.engine.plan(read(sql), where, pins or {}, values or {}, MOMENT, call)

    def collect(self, plan: Plan) -> pa.Table:
        result = self.engine.start(plan, Cancellation())
        try:
            return pa.Table.from_batches(list(result), schema=plan.schema)
        finally:
            result.close()

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        """Return the rows of *sql*, as tuples, in the order they come."""
        return tuples(self.collect(self.plan(sql, **options)))


def tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    """Return the rows of *table*."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def engine_on(
    catalogs: Mapping[str, Catalog],
    spill: Path,
    *,
    prune: bool = True,
    memory_bytes: int = 1 << 29,
    threads: int = 2,
    held_rows: int = 100_000,
) -> Engine:
    spill.mkdir(exist_ok=True)
    settings = EngineSettings(
        memory_bytes, spill, 1 << 30, threads, prune=prune, held_rows=held_rows
    )
    return Engine(settings, catalogs)


Labs = Callable[..., Lab]


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    """Make engines on lakes; all are closed after the test.  The first lake is the default."""
    engines: list[Engine] = []

    def make(*lakes: Lake, more: Mapping[str, Catalog] | None = None, **settings: Any) -> Lab:
        catalogs = {lake.name: lake.open() for lake in lakes} | dict(more or {})
        engine = engine_on(catalogs, tmp_path / "spill", **settings)
        engines.append(engine)
        return Lab(engine, Defaults(lakes[0].name, lakes[0].root))

    yield make
    for engine in engines:
        engine.close()


@dataclass
class Served:
    """A query service and what happened in it."""

    service: QueryService
    observed: Recorder
    clock: Clock
    identity: Identity = field(default_factory=lambda: Identity("alice"))
    session: Session = field(default_factory=lambda: Session("session-1"))

    @property
    def running(self) -> int:
        """How many slots are taken."""
        found = self.observed.of(Admission)
        return found[-1].running if found else 0

    @property
    def waiting(self) -> int:
        found = self.observed.of(Admission)
        return found[-1].queued if found else 0

    @property
    def finished(self) -> list[QueryFinished]:
        return self.observed.of(QueryFinished)

    def statement(self, sql: str) -> Statement:
        return self.service.new_statement(sql, self.identity, self.session)

    def describe(self, sql: str, call: Cancellation | None = None) -> Any:
        return self.service.describe(self.statement(sql), call or Cancellation())

    def execute(self, statement: Statement, call: Cancellation | None = None) -> Any:
        return self.service.execute(statement, self.identity, call or Cancellation())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        described = self.describe(sql)
        return self.read(described.statement)

    def read(self, statement: Statement) -> list[tuple[Any, ...]]:
        stream = self.execute(statement)
        try:
            return tuples(pa.Table.from_batches(list(stream), schema=stream.schema))
        finally:
            stream.close()


Services = Callable[..., Served]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Make query services on lakes; all are closed after the test."""
    made: list[QueryService] = []

    def make(
        *lakes: Lake,
        running: int = 2,
        queued: int = 10,
        queue_timeout: timedelta = timedelta(minutes=5),
        statement_timeout: timedelta = timedelta(hours=1),
        sql_bytes: int = 1_000_000,
        clock: Clock | None = None,
        more: Mapping[str, Catalog] | None = None,
        **settings: Any,
    ) -> Served:
        catalogs = {lake.name: lake.open() for lake in lakes} | dict(more or {})
        clock = clock or SystemClock()
        observed = Recorder()
        engine = engine_on(catalogs, tmp_path / "spill", **settings)
        defaults = Defaults(lakes[0].name, lakes[0].root) if lakes else Defaults("", "")
        service = QueryService(
            Planning(engine, Workers(running)),
            Slots(running, queued, queue_timeout, clock, observed),
            StatementLimits(statement_timeout, sql_bytes),
            defaults,
            clock,
            observed,
        )
        made.append(service)
        return Served(service, observed, clock)

    yield make
    for service in made:
        service.close()


def in_thread(work: Callable[[], Any]) -> "Background":
    """Begin *work* in a thread."""
    return Background(work)


class Background:
    """Work in another thread; ``result`` waits for what it returned or raises what it raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - told to whoever asks for the result
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self, seconds: float = 120) -> Any:
        self._thread.join(seconds)
        assert self.done, "the work in the other thread did not end"
        if self._error is not None:
            raise self._error
        return self._value

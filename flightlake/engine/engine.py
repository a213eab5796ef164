"""SQL → plan → batches.

All statements run in one engine context, which owns the memory pool, the spill space, the object
stores and the caches of footers and statistics.  Each is planned in a session context of its
own, which sees the catalogs through ``StatementTables``; that costs a tenth of a millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from datafusion import DataFrame, ExecutionPlan, RuntimeEnvBuilder, SessionConfig, SessionContext

from flightlake.cancellation import Cancellation
from flightlake.engine.datafusion_errors import translate
from flightlake.engine.defaults import Defaults as Defaults
from flightlake.engine.explain import without_paths
from flightlake.engine.loss_guard import Counted, LossGuard
from flightlake.engine.parameters import parameter_schema
from flightlake.engine.planner import StatementPlanner, Values
from flightlake.engine.pump import EngineLoop, LoopPump, Pump
from flightlake.engine.result import Result
from flightlake.engine.scan import ScannedFiles, Scans, unread
from flightlake.engine.scan_pump import ScanPump, ScanThreads, is_steady
from flightlake.engine.sessions import Sessions
from flightlake.engine.sql_text import Kind, SqlText
from flightlake.engine.stores import Stores
from flightlake.engine.tables import NO_CATALOG, NO_SCHEMA, StatementTables
from flightlake.flightsql.column_metadata import describe_schema
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.presence import require_present
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView
from flightlake.names import TableIdentifier

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_JOINS = "datafusion.optimizer.hash_join_single_partition"
_SMALL_SIDE_BYTES = 64 << 20
_SMALL_SIDE_ROWS = 4_000_000
"""Up to this size, the smaller side of a join is hashed once for all partitions, so that the rows
of the larger side stay where they were read: 11 to 17 % less CPU for TPC-H (2 cores) than with the
engine's own limits of 1 MiB and 131,072 rows.  It is held in memory as a whole either way."""

_DENSE_JOINS = "datafusion.execution.perfect_hash_join"
_DENSE_RANGE = 8 << 20
_DENSE = 0.05
"""A join on whole numbers that lie within this range, or of which this part of their range is
there, finds rows by an array instead of a hash table: 4 bytes for each number in the range, so the
range is made smaller where there is little memory.  The engine's own limits are 1,024 and 0.15:
3 to 5 % less CPU for TPC-H."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine may use: bytes of memory and of spill space, partitions, rows per batch.

    ``prune`` may be switched off to measure what pruning is worth.  The rows per batch are twice
    the engine's own number: 3 % less CPU for TPC-H, 20 % less for whole tables over the wire.
    """

    memory_bytes: int
    spill_directory: Path
    spill_bytes: int
    threads: int
    batch_rows: int = 16_384
    prune: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a statement before it is bound: its result and its parameters."""

    schema: pa.Schema
    parameters: pa.Schema


@dataclass(frozen=True, slots=True)
class Survey:
    """What a statement reads, found without looking at any rows.

    ``unpinned`` names what it reads that is no table at a snapshot.
    """

    schema: pa.Schema
    tables: Mapping[TableIdentifier, IcebergTable]
    views: Mapping[TableIdentifier, IcebergView]
    pins: Mapping[TableIdentifier, Pin]
    unpinned: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that can be executed, any number of times, on what it was planned for.

    ``schema`` is that of the result; ``pins`` are the snapshots it reads; ``paths`` the files of
    each scan, ``rows`` how many rows each file has.
    """

    text: SqlText
    schema: pa.Schema
    pins: Mapping[TableIdentifier, Pin]
    frame: DataFrame
    tables: Mapping[TableIdentifier, IcebergTable]
    paths: Mapping[TableIdentifier, Sequence[Sequence[str]]]
    rows: Mapping[TableIdentifier, Mapping[str, int]]


class Engine:
    """DataFusion over Iceberg tables.  Thread-safe."""

    def __init__(self, settings: EngineSettings, catalogs: Catalogs) -> None:
        self._settings = settings
        self._catalogs = catalogs
        runtime = (
            RuntimeEnvBuilder()
            .with_fair_spill_pool(settings.memory_bytes)
            .with_temp_file_path(settings.spill_directory)
        )
        self._context = SessionContext(self._config(Defaults("", "")), runtime)
        # This makes a new disk manager, which spills below $TMPDIR: app sets that.
        spill = max(settings.spill_bytes >> 20, 1)
        self._context.sql(f"SET datafusion.runtime.max_temp_directory_size = '{spill}M'")
        # The engine numbers the rows of a file only right above its scan, and common expressions
        # of a filter are put in between; so plans that number rows go without that rule.  This is
        # the one way to a context of other rules over the same runtime; tables named by URL, which
        # it also allows, would have to be named in SQL, and no SQL is planned in it.
        self._numbering = self._context.enable_url_table()
        self._numbering.remove_optimizer_rule("common_sub_expression_eliminate")
        self._scans = Scans(self._context)
        self._stores = Stores(self._context)
        self._loop = EngineLoop()
        self._scan_threads = ScanThreads()
        self._callbacks = ThreadPoolExecutor(32, thread_name_prefix="tables")
        self._sessions = Sessions(self._config, self._context, self._callbacks)

    def outline(
        self,
        text: SqlText,
        defaults: Defaults,
        pins: Mapping[TableIdentifier, Pin],
        catalogs: Catalogs | None = None,
    ) -> Outline:
        """Return the schemas of the result and the parameters of *text*; executes nothing.

        *pins* and *catalogs* are as for ``plan``.

        Raises:
            FlightlakeError: The statement is wrong, or a table is missing.
        """
        tables = self._tables(catalogs, pins, defaults)
        planned = self._planner(text, defaults, tables, {}, _EPOCH).outline()
        parameters = parameter_schema(planned.plan, text.parameters, text.row_counts)
        return Outline(describe_schema(planned.schema), parameters)

    def survey(self, text: SqlText, defaults: Defaults, catalogs: Catalogs | None = None) -> Survey:
        """Return what *text* would read now, and its result's schema; executes nothing.

        Raises:
            FlightlakeError: The statement is wrong, or a table is missing.
        """
        tables = self._tables(catalogs, {}, defaults)
        planned = self._planner(text, defaults, tables, {}, _EPOCH).outline()
        return Survey(planned.schema, tables.loaded, tables.views, tables.pins, tables.unpinned)

    def plan(
        self,
        text: SqlText,
        defaults: Defaults,
        pins: Mapping[TableIdentifier, Pin],
        values: Values,
        moment: datetime,
        cancellation: Cancellation,
        catalogs: Catalogs | None = None,
    ) -> Plan:
        """Plan *text* on the snapshots of *pins*, and on the current ones of other tables.

        *moment* is the statement's current time; *catalogs* are those it sees, if not the engine's.

        Raises:
            FlightlakeError: The statement is wrong, a table cannot be read, or *cancellation*
                came meanwhile.
        """
        tables = self._tables(catalogs, pins, defaults)
        planned = self._planner(text, defaults, tables, values, moment).plan(cancellation)
        loaded = tables.loaded
        for table in loaded.values():
            self._stores.ensure(table.store)
        context = self._numbering if planned.numbers_rows else self._context
        return Plan(
            text=text,
            schema=describe_schema(planned.schema),
            pins=tables.pins,
            frame=context.create_dataframe_from_logical_plan(planned.plan),
            tables=loaded,
            paths=dict(planned.paths),
            rows=dict(planned.rows),
        )

    def start(self, plan: Plan, cancellation: Cancellation) -> Result:
        """Begin to execute *plan*; the caller closes the result.

        Raises:
            FlightlakeError: A file is missing or broken, or *cancellation* came meanwhile.
        """
        try:
            physical = plan.frame.execution_plan()
        except BaseException as error:
            raise translate(error, plan.text) from error
        cancellation.check()
        self._require_files(plan, physical)
        cancellation.check()
        edit = without_paths if plan.text.kind is Kind.EXPLAIN else None
        guard = LossGuard(physical, _counted(plan))
        pump: Pump
        if is_steady(physical):
            pump = ScanPump(self._scan_threads, self._context, physical)
        else:
            pump = LoopPump(self._loop, self._context, physical)
        return Result(plan.schema, pump, plan.text, edit, guard)

    def _require_files(self, plan: Plan, physical: ExecutionPlan) -> None:
        scans: list[ScannedFiles] = []
        paths: dict[str, str] = {}
        for name, groups in plan.paths.items():
            for group in groups:
                urls = plan.tables[name].store.engine_urls(group)
                scans.append(ScannedFiles(name, tuple(urls)))
                paths.update(zip(urls, group, strict=True))
        for left_out in unread(physical, scans):
            wanted = [paths[url] for url in left_out.urls]
            require_present(plan.tables[left_out.table].store, wanted, str(left_out.table))

    def close(self) -> None:
        """Stop all that runs; the engine cannot be used after."""
        self._scan_threads.stop()
        self._loop.stop()
        self._stores.close()
        self._callbacks.shutdown(wait=False, cancel_futures=True)

    def _tables(
        self, catalogs: Catalogs | None, pins: Mapping[TableIdentifier, Pin], defaults: Defaults
    ) -> StatementTables:
        seen = self._catalogs if catalogs is None else catalogs
        return StatementTables(seen, pins, defaults.branch)

    def _planner(
        self,
        text: SqlText,
        defaults: Defaults,
        tables: StatementTables,
        values: Values,
        moment: datetime,
    ) -> StatementPlanner:
        def open_session(
            tables: StatementTables, scan: Callable[[IcebergTable], DataFrame]
        ) -> SessionContext:
            return self._sessions.open(text, defaults, tables, scan, moment)

        prune = self._settings.prune
        return StatementPlanner(
            text, values, tables, open_session, self._context, self._scans, prune
        )

    def _config(self, defaults: Defaults) -> SessionConfig:
        catalog, db_schema = defaults.catalog or NO_CATALOG, defaults.db_schema or NO_SCHEMA
        dense = min(_DENSE_RANGE, self._settings.memory_bytes // 256)
        return (
            SessionConfig()
            .with_default_catalog_and_schema(catalog, db_schema)
            .with_create_default_catalog_and_schema(False)
            .with_information_schema(False)
            .with_target_partitions(self._settings.threads)
            .with_batch_size(self._settings.batch_rows)
            .set("datafusion.execution.parquet.coerce_int96", "us")  # ns hold too few years
            .set(f"{_JOINS}_threshold", str(_SMALL_SIDE_BYTES))
            .set(f"{_JOINS}_threshold_rows", str(_SMALL_SIDE_ROWS))
            .set(f"{_DENSE_JOINS}_small_build_threshold", str(dense))
            .set(f"{_DENSE_JOINS}_min_key_density", str(_DENSE))
        )


def _counted(plan: Plan) -> list[Counted]:
    return [
        Counted(str(name), plan.tables[name].store, paths, plan.rows[name])
        for name, scans in plan.paths.items()
        for paths in scans
    ]

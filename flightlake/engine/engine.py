"""SQL → plan → batches.

All statements run in one engine context, which owns the memory pool, the spill space, the object
stores and the caches of footers and statistics.  Each is planned in a session context of its
own, which sees the catalogs through ``StatementTables``; that costs a tenth of a millisecond.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
from datafusion import DataFrame, ExecutionPlan, SessionContext

from flightlake.cancellation import Cancellation
from flightlake.engine import late_filters, repeated_names
from flightlake.engine.contexts import Contexts, open_contexts, session_config
from flightlake.engine.contexts import EngineSettings as EngineSettings
from flightlake.engine.datafusion_errors import translate
from flightlake.engine.defaults import Defaults as Defaults
from flightlake.engine.expected import bases, expected
from flightlake.engine.explain import without_paths
from flightlake.engine.held import HeldCatalog, Holding
from flightlake.engine.known_plans import KnownPlans
from flightlake.engine.loss_guard import Counted, LossGuard
from flightlake.engine.outlet import Outlet
from flightlake.engine.parameters import parameter_schema
from flightlake.engine.planner import Planned, StatementPlanner, Values
from flightlake.engine.plans import Plan as Plan
from flightlake.engine.pump import EngineLoop, LoopPump
from flightlake.engine.result import Result
from flightlake.engine.scan import ScannedFiles, Scans, unread
from flightlake.engine.scan_pump import ScanPump, ScanThreads, is_steady
from flightlake.engine.sessions import Sessions
from flightlake.engine.sql_text import Kind, SqlText
from flightlake.engine.stores import Stores
from flightlake.engine.surveys import Outline as Outline
from flightlake.engine.surveys import Survey as Survey
from flightlake.engine.surveys import reread
from flightlake.engine.system_tables import SystemTables
from flightlake.engine.tables import StatementTables
from flightlake.engine.with_lists import HELD
from flightlake.flightsql.column_metadata import describe_schema
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.portions import Portion
from flightlake.lake.presence import require_present
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = 32
"""Tables of all statements that are loaded side by side."""


class Engine:
    """DataFusion over Iceberg tables.  Thread-safe."""

    def __init__(self, settings: EngineSettings, catalogs: Catalogs) -> None:
        self._settings = settings
        self._catalogs = catalogs
        self._contexts = open_contexts(settings)
        self._context = self._contexts.plain
        self._scans = Scans(self._context)
        self._stores = Stores(self._context)
        self._loop = EngineLoop()
        self._scan_threads = ScanThreads(settings.threads)
        self._ahead = ThreadPoolExecutor(_AHEAD, thread_name_prefix="ahead")
        self._callbacks = ThreadPoolExecutor(32, thread_name_prefix="tables")
        self._known: KnownPlans[Plan] = KnownPlans()
        config = partial(session_config, settings)
        self._sessions = Sessions(config, self._context, self._callbacks)
        self._holding = Holding(
            self._context,
            catalogs,
            lambda text, defaults, tables, held: self._planner(
                text, defaults, tables, {}, _EPOCH, held
            ),
            partial(_frame, self._contexts),
            settings.held_rows,
            settings.held_bytes,
        )

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
        tables = self._tables(text, catalogs, pins, defaults)
        if not pins and not text.parameters:
            known = self._known.find(text, defaults, tables)
            if known is not None:
                return Outline(known.schema, pa.schema([]))
        planned = self._planner(text, defaults, tables, {}, _EPOCH).outline()
        parameters = parameter_schema(planned.plan, text.parameters, text.row_counts)
        return Outline(describe_schema(planned.schema), parameters)

    def survey(
        self,
        text: SqlText,
        defaults: Defaults,
        catalogs: Catalogs | None = None,
        ahead: bool = True,
        unmade: bool = False,
    ) -> Survey:
        """Return what *text* would read now, and its result's schema; executes nothing.
        Without *ahead*, *catalogs* are asked for nothing but what *text* reads.  *unmade* is as
        for ``StatementTables``.

        Raises:
            FlightlakeError: The statement is wrong, or a table is missing.
        """
        tables = self._tables(text, catalogs, {}, defaults, ahead=ahead, unmade=unmade)
        planned = self._planner(text, defaults, tables, {}, _EPOCH).outline()
        loaded, views, pins = tables.loaded, tables.views, tables.pins
        return Survey(planned.schema, loaded, views, pins, tables.unpinned, planned.plan)

    def reread(
        self, survey: Survey, defaults: Defaults, catalogs: Catalogs, unmade: bool = False
    ) -> Survey:
        """Return *survey* with what it names as it is now; see ``surveys.reread``."""
        tables = StatementTables(catalogs, {}, defaults.branch, unmade=unmade)
        return reread(survey, tables, self._ahead)

    def plan(
        self,
        text: SqlText,
        defaults: Defaults,
        pins: Mapping[TableIdentifier, Pin],
        values: Values,
        moment: datetime,
        cancellation: Cancellation,
        catalogs: Catalogs | None = None,
        system: SystemTables | None = None,
        only: Mapping[TableIdentifier, tuple[Portion, ...]] | None = None,
    ) -> Plan:
        """Plan *text* on the snapshots of *pins*, and on the current ones of other tables.

        *moment* is the statement's current time; *catalogs* are those it sees, if not the engine's;
        *system* is what it sees of the system tables.  Of tables in *only*, which are in *pins*,
        too, it reads these files and no others.

        Raises:
            FlightlakeError: The statement is wrong, a table cannot be read, or *cancellation*
                came meanwhile.
        """
        cancellation.check()
        tables = self._tables(text, catalogs, pins, defaults, system)
        tables.only = only or {}
        lasting = not pins and not values and not text.parameters
        known = self._known.find(text, defaults, tables) if lasting else None
        if known is not None:
            self._reach(tables)
            return replace(known, tables=tables.loaded)
        planned = self._planner(text, defaults, tables, values, moment).plan(cancellation)
        self._reach(tables)
        plan = Plan(
            text=text,
            schema=describe_schema(planned.schema),
            pins=tables.pins,
            frame=_frame(self._contexts, text, planned),
            tables=tables.loaded,
            paths=dict(planned.paths),
            rows=dict(planned.rows),
        )
        if not values and not tables.only:
            plan = replace(plan, held=self._holding.find(plan, defaults, tables, cancellation))
        if lasting and not planned.numbers_rows:
            self._known.keep(text, defaults, tables, replace(plan, tables={}), plan.paths)
        return plan

    def start(self, plan: Plan, cancellation: Cancellation) -> Result:
        """Begin to execute *plan*; the caller closes the result.

        Raises:
            FlightlakeError: A file is missing or broken, or *cancellation* came meanwhile.
        """
        plan = self._holding.resolved(plan, self.start, cancellation)
        try:
            physical = plan.frame.execution_plan()
        except BaseException as error:
            raise translate(error, plan.text) from error
        cancellation.check()
        _require_files(plan, physical)
        cancellation.check()
        edit = without_paths if plan.text.kind is Kind.EXPLAIN else None
        guard = LossGuard(physical, _counted(plan))
        pump: Outlet
        if is_steady(physical):
            pump = ScanPump(self._scan_threads, self._context, physical)
        else:
            pump = LoopPump(self._loop, self._context, physical)
        return Result(plan.schema, pump, plan.text, edit, guard)

    def close(self) -> None:
        """Stop all that runs; the engine cannot be used after."""
        self._scan_threads.stop()
        self._loop.stop()
        self._stores.close()
        self._ahead.shutdown(wait=False, cancel_futures=True)
        self._callbacks.shutdown(wait=False, cancel_futures=True)

    def _reach(self, tables: StatementTables) -> None:
        for table in tables.loaded.values():
            self._stores.ensure(table.store)

    def _tables(
        self,
        text: SqlText,
        catalogs: Catalogs | None,
        pins: Mapping[TableIdentifier, Pin],
        defaults: Defaults,
        system: SystemTables | None = None,
        ahead: bool = True,
        unmade: bool = False,
    ) -> StatementTables:
        seen = self._catalogs if catalogs is None else catalogs
        tables = StatementTables(seen, pins, defaults.branch, system, unmade)
        known = [name for name, pin in pins.items() if pin.schema_id is not None]  # no views
        if ahead:
            tables.expect(bases(known or expected(text.engine_sql, defaults)), self._ahead)
        return tables

    def _planner(
        self,
        text: SqlText,
        defaults: Defaults,
        tables: StatementTables,
        values: Values,
        moment: datetime,
        held: DataFrame | None = None,
    ) -> StatementPlanner:
        def open_session(
            tables: StatementTables, scan: Callable[[IcebergTable], DataFrame]
        ) -> SessionContext:
            session = self._sessions.open(text, defaults, tables, scan, moment)
            if held is not None:
                session.register_catalog_provider(HELD[0], HeldCatalog(held))
            return session

        prune = self._settings.prune
        return StatementPlanner(
            text, values, tables, open_session, self._context, self._scans, prune
        )


def _frame(contexts: Contexts, text: SqlText, planned: Planned) -> DataFrame:
    numbers = planned.numbers_rows
    context = contexts.numbering if numbers else contexts.plain
    frame = context.create_dataframe_from_logical_plan(planned.plan)
    pays = not numbers and late_filters.may_pay(text.engine_sql)
    if not pays and not repeated_names.possible(planned.plan):
        return frame
    try:
        optimized = frame.optimized_logical_plan()
    except BaseException as error:
        raise translate(error, text) from error
    if repeated_names.misled(optimized):
        repeated_names.require_sortable(optimized)
        context = contexts.numbering_merging if numbers else contexts.merging
        return context.create_dataframe_from_logical_plan(planned.plan)
    if numbers:
        return frame
    if repeated_names.repeated(optimized):
        return contexts.still.create_dataframe_from_logical_plan(planned.plan)
    if not pays or not late_filters.pay(optimized.display_indent()):
        return frame
    return contexts.filtering.create_dataframe_from_logical_plan(planned.plan)


def _require_files(plan: Plan, physical: ExecutionPlan) -> None:
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


def _counted(plan: Plan) -> list[Counted]:
    return [
        Counted(str(name), plan.tables[name].store, paths, plan.rows[name])
        for name, scans in plan.paths.items()
        for paths in scans
    ]

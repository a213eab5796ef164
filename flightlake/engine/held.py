"""A query of a statement's WITH that would be computed several times, computed once.

The engine puts the queries of a WITH where they are named, and computes each as often as it is
named.  Here one that groups rows is run first; its rows are held in memory, and the rest of the
statement is planned with them in its place:

    WITH revenue AS (SELECT … GROUP BY …) SELECT … FROM supplier, revenue
     WHERE total = (SELECT max(total) FROM revenue)

That is done only if it saves work for certain: the engine's plan of the whole has each of the
query's aggregations more than once, over the same rows; what is around leaves none of them out.
The rows of tables are those of the same snapshots, and nothing that gives something else each time
may be in it, so whoever asks sees no difference.  Whatever goes wrong on this way, or takes too
much memory, the statement is run as it was planned in whole, which also tells best what is wrong.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
from datafusion import DataFrame, SessionContext
from datafusion.catalog import CatalogProvider, SchemaProvider, Table

from flightlake.cancellation import Cancellation
from flightlake.engine import late_filters
from flightlake.engine.defaults import Defaults
from flightlake.engine.planner import Planned, StatementPlanner
from flightlake.engine.plans import Held, Plan
from flightlake.engine.result import Result
from flightlake.engine.scan import empty, in_memory
from flightlake.engine.sql_text import Kind, SqlText
from flightlake.engine.tables import StatementTables, opened
from flightlake.engine.volatility import volatile
from flightlake.engine.with_lists import HELD, NamedQuery, repeated_queries
from flightlake.flightsql.column_metadata import describe_schema
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

MakePlanner = Callable[[SqlText, Defaults, StatementTables, DataFrame | None], StatementPlanner]
Start = Callable[[Plan, Cancellation], Result]

_TOO_LARGE_BYTES = 1 << 20
_COLUMNS = re.compile(r", aggr=\[\[.*\]\]| projection=\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Holding:
    """Plans statements so that a query is computed once, and runs that query.  Thread-safe.

    Args:
        engine: The engine's context.
        catalogs: All there are; they are not asked for anything.
        planner: Makes the planner of a statement; where the last argument is not None, ``HELD``
            names these rows for it.
        frame: Makes what is executed of a plan.
        at_least: Rows that the query's files have to have, or it is not worth it.
        at_most: Bytes that its rows may take.
    """

    engine: SessionContext
    catalogs: Catalogs
    planner: MakePlanner
    frame: Callable[[SqlText, Planned], DataFrame]
    at_least: int
    at_most: int
    _too_large: BoundedCache[tuple[str, Defaults], bool] = field(
        default_factory=lambda: BoundedCache(_TOO_LARGE_BYTES)
    )

    def find(
        self, plan: Plan, defaults: Defaults, tables: StatementTables, cancellation: Cancellation
    ) -> Held | None:
        """Return how *plan* is run with one query computed once; None if it is run as it is.

        Raises:
            FlightlakeError: *cancellation* came meanwhile.
        """
        text = plan.text
        if text.kind is not Kind.SELECT or text.parameters or text.reads_clock:
            return None
        queries = repeated_queries(text.engine_sql)
        if not queries or not tables.only_tables or volatile(text.engine_sql) is not None:
            return None
        try:
            whole = plan.frame.optimized_logical_plan().display_indent()
            if late_filters.pay(whole):
                return None  # what is around leaves rows out while it runs
            for query in reversed(queries):  # the last may be made of those before it
                held = self._held(plan, query, whole, defaults, tables, cancellation)
                if held is not None:
                    return held
        except Exception:  # noqa: BLE001 - the statement is run as it was planned
            cancellation.check()
        return None

    def resolved(self, plan: Plan, start: Start, cancellation: Cancellation) -> Plan:
        """Return *plan* with the rows of its first step, if it has one, which *start* runs.

        Raises:
            FlightlakeError: *cancellation* came meanwhile.
        """
        if plan.held is None:
            return plan
        whole = replace(plan, held=None)
        try:
            rows = self._rows(plan.held, plan.tables, start, cancellation)
            return whole if rows is None else self._over(rows, plan.held, whole)
        except Exception:  # noqa: BLE001 - the statement is run as it was planned
            cancellation.check()
            return whole

    def _held(
        self,
        plan: Plan,
        query: NamedQuery,
        whole: str,
        defaults: Defaults,
        tables: StatementTables,
        cancellation: Cancellation,
    ) -> Held | None:
        sql = plan.text.engine_sql
        first_text = replace(plan.text, engine_sql=query.alone(sql))
        if self._too_large.get((first_text.engine_sql, defaults)):
            return None
        planner = self.planner(first_text, defaults, tables, None)
        planned = planner.plan(cancellation)
        if sum(sum(of_table.values()) for of_table in planned.rows.values()) < self.at_least:
            return None
        frame = self.frame(first_text, planned)
        if not _saves(whole, frame.optimized_logical_plan().display_indent()):
            return None
        if len(set(planned.schema.names)) < len(planned.schema):
            return None
        rest = replace(plan.text, engine_sql=query.replaced(sql))
        planner = self.planner(rest, defaults, tables, empty(self.engine, planned.schema))
        again = planner.plan(cancellation)
        if not describe_schema(again.schema).equals(plan.schema, check_metadata=True):
            return None
        first = Plan(
            text=first_text,
            schema=planned.schema,
            pins=plan.pins,
            frame=frame,
            tables={},
            paths=dict(planned.paths),
            rows=dict(planned.rows),
        )
        return Held(first, rest, planner.parts, defaults)

    def _rows(
        self,
        held: Held,
        tables: Mapping[TableIdentifier, IcebergTable],
        start: Start,
        cancellation: Cancellation,
    ) -> pa.Table | None:
        """Return the rows of the first step; None if they are too many."""
        result = start(replace(held.first, tables=tables), cancellation)
        forget = cancellation.on_cancel(result.close)
        batches, size = [], 0
        try:
            for batch in result:
                size += batch.nbytes
                if size > self.at_most:
                    key = (held.first.text.engine_sql, held.defaults)
                    self._too_large.put(key, True, len(key[0]))
                    return None
                batches.append(batch)
        finally:
            forget()
            result.close()
        # A result that was closed ends like one that is complete.
        cancellation.check()
        return pa.Table.from_batches(batches, schema=result.schema)

    def _over(self, rows: pa.Table, held: Held, whole: Plan) -> Plan:
        tables = opened(self.catalogs, whole.tables)
        frame = in_memory(self.engine, rows)
        planner = self.planner(held.text, held.defaults, tables, frame)
        planned = planner.again(held.parts)
        if not describe_schema(planned.schema).equals(whole.schema, check_metadata=True):
            return whole
        return replace(
            whole,
            frame=self.frame(held.text, planned),
            paths=dict(planned.paths),
            rows=dict(planned.rows),
        )


class HeldCatalog(CatalogProvider):
    """The catalog in which ``HELD`` is found, and nothing else."""

    def __init__(self, frame: DataFrame) -> None:
        self._schema = _HeldSchema(frame)

    def schema_names(self) -> set[str]:
        return {HELD[1]}

    def schema(self, name: str) -> SchemaProvider | None:  # type: ignore[override]
        return self._schema if name == HELD[1] else None


class _HeldSchema(SchemaProvider):
    def __init__(self, frame: DataFrame) -> None:
        # Made here: the engine must not be called from where it asks.
        self._table = Table(frame)

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        return [HELD[2]]

    def table_exist(self, name: str) -> bool:
        return name == HELD[2]

    def table(self, name: str) -> Table | None:
        return self._table if name == HELD[2] else None


def _saves(whole: str, first: str) -> bool:
    """Return whether the plan *whole* does the work of the plan *first* more than once.

    Both are optimized plans as the engine shows them.  *whole* has to make all groups of *first*
    at least twice, with all that is computed of them in one place or another; *first* has to read
    nothing beside: then its rows are groups, and most likely few.
    """
    often: Counter[tuple[str, ...]] = Counter()
    computed: Counter[tuple[str, ...]] = Counter()
    for made in _groupings(whole):
        often[made.rows] += 1
        computed[made.rows] += made.computed
    outermost: list[_Grouping] = []
    for made in _groupings(first):
        if not any(made.lines.start in outer.lines for outer in outermost):
            outermost.append(made)
    scans = [at for at, line in enumerate(first.splitlines()) if "TableScan:" in line]
    beside = any(not any(at in outer.lines for outer in outermost) for at in scans)
    return (
        bool(outermost)
        and not beside
        and all(often[outer.rows] > 1 for outer in outermost)
        and all(computed[outer.rows] >= outer.computed for outer in outermost)
    )


@dataclass(frozen=True, slots=True)
class _Grouping:
    """One aggregation in a plan: its lines, which rows it groups how, and how much it computes.

    The columns that are read for it do not count as ``rows``: each place reads those it needs.
    ``computed`` is the length of the text that says so, which is enough to compare.
    """

    lines: range
    rows: tuple[str, ...]
    computed: int


def _groupings(plan: str) -> list[_Grouping]:
    lines = plan.splitlines()
    margins = [len(line) - len(line.lstrip(" ")) for line in lines]
    found = []
    for at, line in enumerate(lines):
        if line.lstrip(" ").startswith("Aggregate:"):
            end = at + 1
            while end < len(lines) and margins[end] > margins[at]:
                end += 1
            below = [text.lstrip(" ") for text in lines[at:end]]
            rows = tuple(
                _COLUMNS.sub("", text) for text in below if not text.startswith("Projection:")
            )
            found.append(_Grouping(range(at, end), rows, len(line) - len(_COLUMNS.sub("", line))))
    return found

"""Run statements about materialized views for an identity: admit, run once, observe.

They come as queries, whose ticket runs the statement when it is read, or as updates, which run
at once.  Describing and preparing run nothing.
"""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from flightlake.auth import Identity
from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Outline
from flightlake.errors import InvalidRequest, NotFound, PreconditionFailed
from flightlake.flightsql.payloads import Statement
from flightlake.flightsql.table_stream import TableStream
from flightlake.names import TableIdentifier
from flightlake.query.admission import Slots
from flightlake.query.record import Record
from flightlake.query.registry import Ending
from flightlake.query.service import Described, QueryService, StatementLimits
from flightlake.refresh.grammar import is_view_statement, parse
from flightlake.refresh.outcomes import schema_of
from flightlake.refresh.service import Asked, MaterializedViews
from flightlake.refresh.statements import CancelRefresh, ViewStatement
from flightlake.telemetry import Observer

_KIND = "materialized view"


class ViewStatements:
    """Statements about materialized views, from text to rows.  Thread-safe.

    Args:
        views: Does what they say.
        query: Runs all other statements; its deadlines and its registry serve these too.
        slots: Who may run.
        limits: What a statement may take.
        clock: The time.
        observer: Is told of each statement's end.
    """

    def __init__(
        self,
        views: MaterializedViews,
        query: QueryService,
        slots: Slots,
        limits: StatementLimits,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._views = views
        self._query = query
        self._slots = slots
        self._limits = limits
        self._clock = clock
        self._observer = observer
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def knows(self, statement: Statement) -> bool:
        """Return whether *statement* is about materialized views."""
        return len(statement.sql) <= self._limits.sql_bytes and is_view_statement(statement.sql)

    def names_in(self, catalog: str, db_schema: str) -> frozenset[str]:
        """Return the names of the materialized views of a schema; none in other catalogs.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        return self._views.names_in(catalog, db_schema)

    def is_refreshed(self, view: TableIdentifier) -> bool:
        """Return whether a refresh of *view* waits or runs in this process."""
        return self._views.jobs.runs.busy(view)

    @property
    def catalogs(self) -> frozenset[str]:
        """The catalogs that may hold materialized views."""
        return self._views.writable

    def prepare(self, statement: Statement) -> Outline:
        """Return the schemas of the result and of the parameters; runs nothing.

        Raises:
            InvalidSql, Unsupported: It is not written as it must be, or asks for what is not there.
        """
        return Outline(schema_of(self._parsed(statement)), pa.schema([]))

    def describe(self, statement: Statement) -> Described:
        """Return *statement* under a new id, with which it can be run once; runs nothing.

        Raises:
            InvalidSql, Unsupported: It is not written as it must be, or asks for what is not there.
        """
        parsed = self._parsed(statement)
        now = self._clock.now()
        ticketed = replace(statement, id=uuid.uuid4().hex, moment=now)
        return Described(ticketed, schema_of(parsed), now + self._limits.ticket_lifetime)

    def execute(
        self,
        statement: Statement,
        identity: Identity,
        call: Cancellation,
        trace_id: str | None = None,
    ) -> TableStream:
        """Run the statement of a ticket, to its end, and return its rows.

        Raises:
            NotFound: The ticket is another's, has been run, or was cancelled.
            FlightlakeError: It cannot be done; says why.
        """
        if statement.subject != identity.subject:
            raise NotFound("the statement ticket is not one that was issued to you")
        with self._once(statement, call):
            return TableStream(self._run(statement, identity, call, trace_id))

    def update(
        self,
        statement: Statement,
        identity: Identity,
        call: Cancellation,
        trace_id: str | None = None,
    ) -> int:
        """Run *statement*, to its end; return how many rows its views hold, -1 if none says.

        Raises:
            FlightlakeError: It cannot be done; says why.
        """
        with self._query.registry.running(statement, call):
            rows = self._run(statement, identity, call, trace_id)
        if "rows" not in rows.schema.names:
            return -1
        counts = [count for count in rows["rows"].to_pylist() if count is not None]
        return sum(counts) if counts else -1

    def _parsed(self, statement: Statement) -> ViewStatement:
        if statement.parameters is not None:
            raise InvalidRequest("the statement has no parameters, and some are bound")
        return parse(statement.sql)

    def _run(
        self, statement: Statement, identity: Identity, call: Cancellation, trace_id: str | None
    ) -> pa.Table:
        record = Record(statement, self._clock, self._observer, trace_id, self._query.activity)
        record.kind = _KIND
        with record.failing(call), self._query.deadlines.limiting(call, self._limits.timeout):
            parsed = self._parsed(statement)
            asked = Asked(identity, statement.catalog, statement.db_schema, statement.branch, call)
            if isinstance(parsed, CancelRefresh):  # so that it helps where refreshes have all slots
                rows = self._views.run(parsed, asked)
            else:
                rows = self._admitted(parsed, asked, record)
        record.finish(rows.num_rows, rows.nbytes, None)
        return rows

    def _admitted(self, parsed: ViewStatement, asked: Asked, record: Record) -> pa.Table:
        slot = record.queued(lambda: self._slots.take(asked.call))
        # Free at once when nobody wants the answer, however long a store does not give its own.
        forget = asked.call.on_cancel(slot.free)
        try:
            return self._views.run(parsed, asked)
        finally:
            forget()
            slot.free()

    @contextmanager
    def _once(self, statement: Statement, call: Cancellation) -> Iterator[None]:
        """While entered, nobody else runs the ticket of *statement*; nobody does after it."""
        registry = self._query.registry
        with registry.running(statement, call), self._alone(statement):
            registry.check(statement)  # it may have ended since
            try:
                yield
            finally:
                now = self._clock.now()
                until = now + self._limits.ticket_lifetime * 2
                registry.close(statement, Ending.READ, until, now)

    @contextmanager
    def _alone(self, statement: Statement) -> Iterator[None]:
        with self._lock:
            if statement.id in self._running:
                raise PreconditionFailed("the statement of this ticket is being run already")
            self._running.add(statement.id)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(statement.id)

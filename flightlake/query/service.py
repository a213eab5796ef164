"""Run a statement for an identity: admit, plan, execute, observe."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

import pyarrow as pa

from flightlake.auth import Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Defaults, Outline
from flightlake.engine.result import Result
from flightlake.engine.sql_text import SqlText, read
from flightlake.errors import FlightlakeError, InvalidRequest, NotFound
from flightlake.flightsql.payloads import Statement
from flightlake.names import branch_named
from flightlake.query.activity import Activity
from flightlake.query.admission import Slot, Slots
from flightlake.query.deadlines import Deadlines
from flightlake.query.lanes import Lanes
from flightlake.query.parameters import Row, decode_rows
from flightlake.query.planning import Planning
from flightlake.query.record import Record
from flightlake.query.registry import Ending, Registry
from flightlake.query.stream import ResultStream
from flightlake.telemetry import Observer


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """``timeout`` of planning and execution together; ``sql_bytes`` of text in UTF-8.

    ``ticket_lifetime`` is how long a ticket can be used; ``plans_kept`` how long its plan is
    kept, so that reading it at once does not plan again.  A client that takes longer than
    ``client_patience`` for a batch does not keep others from running meanwhile.
    """

    timeout: timedelta
    sql_bytes: int
    ticket_lifetime: timedelta = timedelta(minutes=10)
    plans_kept: timedelta = timedelta(seconds=60)
    client_patience: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Described:
    """A statement that is ready to be read: what its ticket holds, and its result's schema."""

    statement: Statement
    schema: pa.Schema
    expires_at: datetime


class QueryService:
    """Statements from text to rows.  Thread-safe.

    Args:
        planning: Plans and starts statements.
        slots: Who may run; what only looks at what runs has a few beside them (``lanes``).
        limits: What a statement may take.
        defaults: The catalog and schema of sessions that name none.
        clock: The time.
        observer: Is told of each statement's end.
        activity: Is told of all that is run.

    ``deadlines``, ``registry`` and ``activity`` are shared with statements that are run elsewhere.
    """

    def __init__(
        self,
        planning: Planning,
        slots: Slots,
        limits: StatementLimits,
        defaults: Defaults,
        clock: Clock,
        observer: Observer,
        activity: Activity | None = None,
    ) -> None:
        self._lanes = Lanes(slots, planning)
        self._limits = limits
        self._defaults = defaults
        self._clock = clock
        self._observer = observer
        self.deadlines = Deadlines(clock)
        self.registry = Registry()
        self.activity = activity or Activity(clock)

    def new_statement(self, sql: str, identity: Identity, session: Session) -> Statement:
        """Return *sql* as a statement of its own, with the session's defaults."""
        defaults = _defaults(session, self._defaults)
        return Statement(
            id=uuid.uuid4().hex,
            sql=sql,
            catalog=defaults.catalog,
            db_schema=defaults.db_schema,
            subject=identity.subject,
            session_id=session.id,
            branch=branch_named(str(session.options.get("branch") or "")),
            own_token=identity.own_token,
            roles=identity.roles,
        )

    def session_defaults(self, session: Session) -> dict[str, str]:
        """Return the options a session has without setting them."""
        defaults = _defaults(session, self._defaults)
        found = {"catalog": defaults.catalog, "schema": defaults.db_schema}
        return {name: value for name, value in found.items() if value}

    def prepare(
        self, statement: Statement, call: Cancellation, trace_id: str | None = None
    ) -> Outline:
        """Return the schemas of the result and the parameters; executes nothing.

        Raises:
            FlightlakeError: The statement is wrong, or a table is missing.
        """
        record = self._record(statement, trace_id)
        with self._timed(call), record.failing(call):
            text, lane = self._read(record, statement), self._lanes.of(statement)
            with record.queued(lambda: lane.slots.take(call)):
                outline = lane.planning.outline(text, statement, record, call)
        record.prepared()
        return outline

    def describe(
        self, statement: Statement, call: Cancellation, trace_id: str | None = None
    ) -> Described:
        """Plan *statement*, under a new id, on the current snapshots.

        Raises:
            FlightlakeError: The statement is wrong, a table cannot be read, the server is full,
                or *call* was cancelled.
        """
        statement = replace(statement, id=uuid.uuid4().hex, moment=self._clock.now())
        record = self._record(statement, trace_id)
        with self._timed(call), record.failing(call):
            text, lane = self._read(record, statement), self._lanes.of(statement)
            rows = decode_rows(statement.parameters)
            with record.queued(lambda: lane.slots.take(call)):
                plan = lane.planning.first(text, statement, rows, record, call)
        record.described()
        statement = replace(statement, pins=plan.pins)
        now = self._clock.now()
        self.registry.keep(statement, plan, now + self._limits.plans_kept)
        schema = _for_all(rows, plan.schema)
        return Described(statement, schema, now + self._limits.ticket_lifetime)

    def execute(
        self,
        statement: Statement,
        identity: Identity,
        call: Cancellation,
        trace_id: str | None = None,
    ) -> ResultStream:
        """Begin to read the statement of a ticket; whoever has the stream closes it.

        Raises:
            NotFound: The ticket is another's, has been read to its end, or was cancelled.
            FlightlakeError: It cannot be planned any more, or the server is full.
        """
        _own(statement, identity)
        statement = replace(statement, own_token=identity.own_token, roles=identity.roles)
        record = self._record(statement, trace_id)
        with ExitStack() as undo, record.failing(call):
            text, lane = self._read(record, statement), self._lanes.of(statement)
            rows = decode_rows(statement.parameters)
            undo.enter_context(self.registry.running(statement, call))
            undo.enter_context(self._timed(call))
            slot = record.queued(lambda: lane.slots.take(call))
            undo.callback(slot.free)
            # Free at once when nobody wants the answer, whatever the threads still do.
            undo.callback(call.on_cancel(slot.free))
            plan = self.registry.plan(statement, self._clock.now())
            if plan is None:
                plan = lane.planning.first(text, statement, rows, record, call)
            results: Iterator[Result] = iter(())
            if rows:
                first = lane.planning.start(plan, record, call)
                undo.callback(first.close)
                rest = lane.planning.rest(plan, text, statement, rows[1:], record, call)
                results = chain((first,), rest)
            held = undo.pop_all()

        def ended(rows: int, size: int, error: FlightlakeError | None) -> None:
            held.close()
            if error is None:
                self._close(statement, Ending.READ)
            record.finish(rows, size, error)

        stream = ResultStream(
            _for_all(rows, plan.schema), results, call, ended, lambda: self._leave(slot)
        )
        record.watch(stream.counts)
        return stream

    def cancel(self, statement: Statement, identity: Identity) -> bool:
        """Cancel a statement of *identity*'s; return False if it was over before.

        Raises:
            NotFound: It is another's.
        """
        _own(statement, identity)
        self.activity.cancelled(statement)
        return self._close(statement, Ending.CANCELLED)

    def extended(self, statement: Statement, identity: Identity) -> datetime:
        """Return until when a renewed ticket of *statement* holds.

        Raises:
            NotFound: It is another's, has been read to its end, or was cancelled.
        """
        _own(statement, identity)
        self.registry.check(statement)
        return self._clock.now() + self._limits.ticket_lifetime

    def close(self) -> None:
        """Stop the threads; running statements end with errors."""
        self.deadlines.stop()
        self._lanes.close()

    def _record(self, statement: Statement, trace_id: str | None) -> Record:
        return Record(statement, self._clock, self._observer, trace_id, self.activity)

    def _read(self, record: Record, statement: Statement) -> SqlText:
        size = len(statement.sql.encode())
        if size > self._limits.sql_bytes:
            raise InvalidRequest(
                f"the statement has {size} bytes and at most {self._limits.sql_bytes} are read"
                " (limits.statement_bytes)"
            )
        text = read(statement.sql)
        record.kind = text.kind.value
        return text

    def _timed(self, call: Cancellation) -> AbstractContextManager[None]:
        return self.deadlines.limiting(call, self._limits.timeout)

    def _leave(self, slot: Slot) -> Callable[[], None]:
        """Let *slot* rest if its client does not come back soon; return what ends that."""
        stay = self.deadlines.after(self._limits.client_patience, slot.rest)

        def come_back() -> None:
            stay()
            slot.resume()

        return come_back

    def _close(self, statement: Statement, ending: Ending) -> bool:
        now = self._clock.now()
        # Longer than any ticket for it can hold.
        return self.registry.close(statement, ending, now + self._limits.ticket_lifetime * 2, now)


def _for_all(rows: Sequence[Row], schema: pa.Schema) -> pa.Schema:
    """Return the schema of the results for all *rows*, from that for the first."""
    if len(rows) < 2:
        return schema
    # A parameter that is not null in the first row may be in another.
    return pa.schema([field.with_nullable(True) for field in schema], schema.metadata)


def _defaults(session: Session, configured: Defaults) -> Defaults:
    catalog = str(session.options.get("catalog") or configured.catalog)
    # The configured schema belongs to the configured catalog.
    fallback = configured.db_schema if catalog == configured.catalog else ""
    return Defaults(catalog, str(session.options.get("schema") or fallback))


def _own(statement: Statement, identity: Identity) -> None:
    if statement.subject != identity.subject:
        raise NotFound("the statement ticket is not one that was issued to you")

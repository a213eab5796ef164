"""Making the rows of a view: at one vector of snapshots, committed once, or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Defaults, Engine, Plan
from flightlake.engine.ordering import ordered
from flightlake.engine.result import Result
from flightlake.engine.sql_text import SqlText
from flightlake.errors import InternalError, PreconditionFailed
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.data_files import FILE_BYTES
from flightlake.lake.materialized import reached_by_compaction
from flightlake.lake.pointers import Pointers
from flightlake.lake.replacement import Replacement
from flightlake.names import TableIdentifier, quote
from flightlake.refresh.outcomes import READY, Outcome
from flightlake.refresh.records import (
    Definition,
    State,
    definition_of,
    properties,
    state_of,
    summary,
)
from flightlake.refresh.sources import Vector, check, collect, readable_query, reasons_to_refresh

T = TypeVar("T")

FULL = "FULL"
NOOP = "NOOP"


class Threads(Protocol):
    """Where statements are planned; whoever waits can leave."""

    def run(
        self,
        function: Callable[[], T],
        cancellation: Cancellation,
        discard: Callable[[T], object] = lambda result: None,
    ) -> T:
        """Return what *function* returns, or leave when *cancellation* comes."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    """All rows of a view to be made; ``redefines`` if that is for a new definition."""

    catalog: Pointers
    view: TableIdentifier
    base: Committed | None
    definition: Definition
    text: SqlText
    vector: Vector
    reason: str
    redefines: bool
    refresh_id: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refresher:
    """Makes the rows of views.  Thread-safe.

    Args:
        engine: Plans and executes.
        catalogs: What the server itself reads.
        threads: Where it plans.
        clock: The time.
        file_bytes: After how many bytes a file of a view is ended.
    """

    engine: Engine
    catalogs: Catalogs
    threads: Threads
    clock: Clock
    file_bytes: int = FILE_BYTES

    def make(
        self,
        catalog: Pointers,
        view: TableIdentifier,
        base: Committed | None,
        definition: Definition,
        call: Cancellation,
        refresh_id: str = "",
        more: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Make *view*, or make it anew in the place of *base*, with its rows.

        *refresh_id* is what this is called from now on, in the state and in every record (empty:
        anything unique); *more* are properties of the table to be set in the same commit.

        Raises:
            FlightlakeError: The definition is wrong, or the rows cannot be made or committed;
                then nothing has changed, unless it is an ``OutcomeUnknown``.
        """
        text = readable_query(definition.query)
        vector = self._collect(text, definition, call)
        self.threads.run(lambda: check(view, vector.survey, self.catalogs), call)
        reason = "the view was made" if base is None else "the view was made anew"
        job = _Job(
            catalog, view, base, definition, text, vector, reason, True, refresh_id, more or {}
        )
        return self._full(job, call)

    def refresh(
        self,
        catalog: Pointers,
        view: Committed,
        full: bool,
        call: Cancellation,
        refresh_id: str = "",
    ) -> Outcome:
        """Bring the rows of *view* up to date; *refresh_id* as in ``make``.

        Raises:
            FlightlakeError: The rows cannot be made or committed; then nothing has changed,
                unless it is an ``OutcomeUnknown``.
        """
        started = self.clock.monotonic()
        found, uuid = view.metadata.properties, str(view.metadata.table_uuid)
        definition = definition_of(found, view.identifier)
        state = state_of(found, uuid)
        text = readable_query(definition.query)
        vector = self._collect(text, definition, call)
        self.threads.run(lambda: check(view.identifier, vector.survey, self.catalogs), call)
        reason = _why(view, definition, state, vector, full)
        if reason is None and state is not None:  # without a state there is a reason
            seconds = self.clock.monotonic() - started
            return Outcome(
                view.identifier,
                READY,
                NOOP,
                "nothing that the view reads has changed",
                state.rows,
                view.metadata.current_snapshot_id,
                vector.as_of,
                seconds,
            )
        job = _Job(
            catalog, view.identifier, view, definition, text, vector, reason or "", False,
            refresh_id,
        )  # fmt: skip
        return self._full(job, call)

    def _collect(self, text: SqlText, definition: Definition, call: Cancellation) -> Vector:
        defaults = Defaults(definition.catalog, definition.db_schema)
        return self.threads.run(
            lambda: collect(self.engine, text, defaults, self.catalogs, self.clock.now), call
        )

    def _full(self, job: "_Job", call: Cancellation) -> Outcome:
        view, definition, vector, reason = job.view, job.definition, job.vector, job.reason
        begun, started = self.clock.monotonic(), self.clock.now()
        plan = self._plan(job.text, definition, vector, call)
        terms = definition.partitioned_by
        new = Replacement(
            job.catalog, view, job.base, plan.schema, terms, self.file_bytes, job.refresh_id
        )
        if new.changes_columns and not job.redefines:
            raise PreconditionFailed(
                f"the query of {view} gives other columns than when the view was made, so its rows"
                " stay as they are; make it anew with CREATE OR REPLACE MATERIALIZED VIEW"
            )
        try:
            self._write(new, plan, call)
        except BaseException:
            new.discard()
            raise
        seconds = self.clock.monotonic() - begun
        state = State(
            definition.version, new.snapshot_id, new.id, FULL, reason, new.rows, vector.as_of,
            round(seconds, 6), vector.sources,
        )  # fmt: skip
        told = (
            {**job.more, **properties(new.table_uuid, definition, state)},
            summary(state, started),
        )
        new.commit(told, self.clock.now(), call.check)
        seconds = self.clock.monotonic() - begun
        return Outcome(view, READY, FULL, reason, new.rows, new.snapshot_id, vector.as_of, seconds)

    def _plan(
        self, text: SqlText, definition: Definition, vector: Vector, call: Cancellation
    ) -> Plan:
        defaults = Defaults(definition.catalog, definition.db_schema)
        pins = vector.survey.pins

        def work() -> Plan:
            return self.engine.plan(text, defaults, pins, {}, vector.as_of, call, self.catalogs)

        plan = self.threads.run(work, call)
        if dict(plan.pins) != dict(pins):
            raise InternalError("the rows would be read at other snapshots than were chosen")
        return plan

    def _write(self, new: Replacement, plan: Plan, call: Cancellation) -> None:
        keys = [(term.column, term.transform) for term in new.terms]

        def begin() -> Result:
            return self.engine.start(ordered(plan, keys), call)

        result = self.threads.run(begin, call, Result.close)
        forget = call.on_cancel(result.close)
        try:
            for batch in result:
                call.check()
                new.write(batch)
            # A result that was closed ends like one that is complete.
            call.check()
        finally:
            forget()
            result.close()


def _why(
    view: Committed, definition: Definition, state: State | None, vector: Vector, full: bool
) -> str | None:
    """Return why all rows of *view* have to be made anew; None if they are right."""
    if full:
        return "FULL was asked for"
    if state is None:
        return "there is no record of what the rows were made of"
    if state.version != definition.version:
        return "the definition has changed"
    if not reached_by_compaction(view.metadata, state.snapshot_id):
        return f"the table of {quote(view.identifier.table)} was changed by somebody else"
    return reasons_to_refresh(state.sources, vector.sources)

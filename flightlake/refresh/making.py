"""Doing what was chosen: rows are drawn and written aside, and committed once, or not at all."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Defaults, Engine, Plan
from flightlake.engine.ordering import in_order, ordered
from flightlake.engine.result import Result
from flightlake.engine.sql_text import SqlText
from flightlake.errors import InternalError, PreconditionFailed
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.encoding import Encoding
from flightlake.lake.materialized import STATE, columns_of
from flightlake.lake.portions import Portion
from flightlake.lake.replacement import Replacement, added_bytes, retold
from flightlake.lake.snapshots import Change, appended, exchanged, replaced
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.choosing import APPEND, NOOP, PARTITION, Choice
from flightlake.refresh.outcomes import READY, Outcome
from flightlake.refresh.records import Definition, State, properties, summary
from flightlake.refresh.sources import Vector

T = TypeVar("T")
Only = Mapping[TableIdentifier, tuple[Portion, ...]]


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
class Job:
    """A view to be brought up to date; ``base`` and ``state`` are what it is now, if it is.

    ``begun`` is when that was, by a clock that only goes forward.  ``redefines`` says that it is
    for a new definition; ``more`` are properties to be set in the same commit.
    """

    catalog: WritableCatalog
    view: TableIdentifier
    base: Committed | None
    definition: Definition
    state: State | None
    text: SqlText
    vector: Vector
    begun: float
    redefines: bool = False
    refresh_id: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A query over sources at snapshots, of some of which only some files are read."""

    text: SqlText
    pins: Mapping[TableIdentifier, Pin]
    only: Only = field(default_factory=dict)
    values: Mapping[str, pa.Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes rows of views.  Thread-safe; its parts are those of ``refreshing.Refresher``."""

    engine: Engine
    catalogs: Catalogs
    threads: Threads
    clock: Clock
    encoding: Encoding

    def make(self, job: Job, choice: Choice, call: Cancellation) -> Outcome:
        """Do what was chosen; return what became of the view.

        Raises:
            FlightlakeError: The rows cannot be made or committed; then nothing has changed,
                unless it is an ``OutcomeUnknown``.
        """
        started = self.clock.now()
        readings, change, before = self._work(job, choice)
        if not readings:
            return self._without_rows(job, choice, call)
        plans = [self._plan(job, reading, call) for reading in readings]
        new = Replacement(
            job.catalog, job.view, job.base, plans[0].schema, job.definition.partitioned_by,
            self._encoding(job, plans), job.refresh_id,
        )  # fmt: skip
        if new.changes_columns and not job.redefines and not _brings_back(job, new):
            raise PreconditionFailed(
                f"the query of {job.view} gives other columns than when the view was made, so its"
                " rows stay as they are; make it anew with CREATE OR REPLACE MATERIALIZED VIEW"
            )
        try:
            for plan in plans:
                self._draw(ordered(plan, new.terms), new.write, call)
        except BaseException:
            new.discard()
            raise
        if choice.strategy == APPEND and not new.rows:
            new.discard()
            return self._without_rows(job, choice, call)
        state = self._state(job, choice, new.snapshot_id, new.id, before + new.rows)
        told = (
            {**job.more, **properties(new.table_uuid, job.definition, state)},
            summary(state, started),
        )
        done = new.commit(told, self.clock.now(), call.check, change)
        size = added_bytes(done, new.snapshot_id)
        return self._outcome(job, choice, state, (new.rows, size))

    def _encoding(self, job: Job, plans: Sequence[Plan]) -> Encoding:
        # Of rows in order, each file has a stretch, if they are not dealt out to several.
        ordered_rows = not job.definition.partitioned_by and all(map(in_order, plans))
        return replace(self.encoding, at_once=1) if ordered_rows else self.encoding

    def draw(
        self,
        text: SqlText,
        pins: Mapping[TableIdentifier, Pin],
        only: Only,
        moment: datetime,
        take: Callable[[pa.RecordBatch], None],
        call: Cancellation,
    ) -> None:
        """Give the rows of *text*, which names its tables in full, to *take*, batch by batch.

        Raises:
            FlightlakeError: They cannot be read; or what *take* raises.
        """

        def work() -> Plan:
            defaults = Defaults("", "")
            return self.engine.plan(
                text, defaults, pins, {}, moment, call, self.catalogs, only=only
            )

        self._draw(self.threads.run(work, call), take, call)

    def _work(self, job: Job, choice: Choice) -> tuple[Sequence[_Reading], Change, int]:
        """Return what is read, what becomes of the rows that are there, and how many stay."""
        pins, rows = job.vector.survey.pins, 0 if job.state is None else job.state.rows
        if choice.strategy == APPEND:
            terms = [_Reading(job.text, term.pins, term.only) for term in choice.terms]
            return terms, appended, rows
        if choice.strategy == PARTITION and choice.touched is not None and choice.text is not None:
            change = partial(exchanged, choice.touched.partitions)
            reading = _Reading(choice.text, pins, values=choice.values)
            return [reading], change, rows - choice.rows_gone
        if choice.strategy != "FULL":
            return [], replaced, rows
        return [_Reading(job.text, pins)], replaced, 0

    def _without_rows(self, job: Job, choice: Choice, call: Cancellation) -> Outcome:
        """Commit nothing but what the rows, which stay as they are, are known to be made of."""
        if job.base is None or job.state is None:
            raise InternalError("a view without rows was to keep them")
        head = job.base.metadata.current_snapshot_id or job.state.snapshot_id
        if not choice.writes:
            done = Outcome(job.view, READY, NOOP, choice.reason, job.state.rows, head)
            return self._ended(done, job, choice)
        refresh_id = job.refresh_id or uuid.uuid4().hex
        state = self._state(job, choice, head, refresh_id, job.state.rows)
        found = properties(str(job.base.metadata.table_uuid), job.definition, state)
        call.check()
        retold(job.catalog, job.base, {**job.more, STATE: found[STATE]})
        return self._outcome(job, choice, state, (0, 0))

    def _state(
        self, job: Job, choice: Choice, snapshot_id: int, refresh_id: str, rows: int
    ) -> State:
        seconds = round(self.clock.monotonic() - job.begun, 6)
        return State(
            job.definition.version, snapshot_id, refresh_id, choice.strategy, choice.reason, rows,
            job.vector.as_of, seconds, job.vector.sources,
        )  # fmt: skip

    def _outcome(self, job: Job, choice: Choice, state: State, written: tuple[int, int]) -> Outcome:
        done = Outcome(
            job.view, READY, choice.strategy, choice.reason, state.rows, state.snapshot_id,
            refresh_id=state.refresh_id, rows_written=written[0], bytes_written=written[1],
        )  # fmt: skip
        return self._ended(done, job, choice)

    def _ended(self, done: Outcome, job: Job, choice: Choice) -> Outcome:
        before = {} if job.state is None else {one.identifier: one for one in job.state.sources}
        sources = []
        for one in job.vector.sources:
            old = before.get(one.identifier)
            sources.append(
                (str(one.identifier), None if old is None else old.snapshot_id, one.snapshot_id)
            )
        return replace(
            done,
            as_of=job.vector.as_of,
            seconds=self.clock.monotonic() - job.begun,
            candidates=choice.candidates,
            sources=tuple(sources),
        )

    def _plan(self, job: Job, reading: _Reading, call: Cancellation) -> Plan:
        defaults = Defaults(job.definition.catalog, job.definition.db_schema)

        def work() -> Plan:
            return self.engine.plan(
                reading.text, defaults, reading.pins, reading.values, job.vector.as_of, call,
                self.catalogs, only=reading.only,
            )  # fmt: skip

        plan = self.threads.run(work, call)
        if dict(plan.pins) != dict(reading.pins):
            raise InternalError("the rows would be read at other snapshots than were chosen")
        return plan

    def _draw(self, plan: Plan, take: Callable[[pa.RecordBatch], None], call: Cancellation) -> None:
        result = self.threads.run(lambda: self.engine.start(plan, call), call, Result.close)
        result.draw(take, call)


def _brings_back(job: Job, new: Replacement) -> bool:
    """Return whether columns that somebody else has changed are those of the view again."""
    if job.base is None or job.state is None:
        return False
    return new.schema_id == columns_of(job.base.metadata, job.state.snapshot_id)

"""A refresh: sources at one instant, what happened to them, and the way that is chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Defaults, Engine
from flightlake.engine.sql_text import SqlText
from flightlake.errors import FlightlakeError
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.encoding import ENCODING, Encoding
from flightlake.lake.materialized import is_unmade
from flightlake.lake.table import IcebergTable
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.choosing import (
    APPEND,
    FULL,
    INCREMENTAL,
    INSTEAD,
    NOOP,
    PARTITION,
    Choice,
    Question,
    choose,
    must_be_full,
)
from flightlake.refresh.choosing import full as all_rows
from flightlake.refresh.incremental import only_full, require_incremental
from flightlake.refresh.making import Job, Maker
from flightlake.refresh.making import Threads as Threads
from flightlake.refresh.outcomes import Outcome
from flightlake.refresh.records import Definition, definition_of, state_of
from flightlake.refresh.roots import conflicts, told
from flightlake.refresh.sources import Vector, check, collect, readable_query
from flightlake.refresh.windows import Window, windows

__all__ = ["FULL", "NOOP", "Explained", "Refresher", "Threads"]

REFUSED = "REFUSED"
"""What EXPLAIN REFRESH calls the way of a refresh that would fail."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What a refresh would do now, and why; ``windows`` are what happened to each source.

    Without ``windows`` it does not matter what happened.
    """

    view: TableIdentifier
    strategy: str
    reason: str
    candidates: tuple[tuple[str, str], ...]
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Refresher:
    """Makes the rows of views.  Thread-safe.

    Args:
        engine: Plans and executes.
        catalogs: What the server itself reads.
        threads: Where it plans.
        clock: The time.
        encoding: How large files are, and how much is encoded at a time.
    """

    engine: Engine
    catalogs: Catalogs
    threads: Threads
    clock: Clock
    encoding: Encoding = ENCODING

    def make(
        self,
        catalog: WritableCatalog,
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
        begun = self.clock.monotonic()
        text = readable_query(definition.query)
        vector = self._collect(text, definition, call)
        self._check(view, definition, vector, call)
        reason = "the view was made" if base is None else "the view was made anew"
        job = Job(
            catalog, view, base, definition, None, text, vector, begun, True, refresh_id, more or {}
        )
        choice = self._with_conflicts(job, all_rows(reason), call)
        return self._maker.make(job, choice, call)

    def bound(self, view: TableIdentifier, definition: Definition, call: Cancellation) -> Vector:
        """Return what *view* would be made of, some of which may have no rows yet.

        Raises:
            FlightlakeError: The definition is wrong.
        """
        text = readable_query(definition.query)
        vector = self._collect(text, definition, call, unmade=True)
        self._check(view, definition, vector, call)
        return vector

    def refresh(
        self,
        catalog: WritableCatalog,
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
        job = self._job(catalog, view, call, refresh_id)
        choice, _ = self._choose(job, view, full, call)
        if _is_refused(job, view, choice, full):
            raise only_full(job.view, choice.reason)
        try:
            return self._maker.make(job, choice, call)
        except INSTEAD as failure:
            if choice.strategy not in (APPEND, PARTITION):
                raise
            # What is read of the past may be gone by now; all rows are made of what is there.
            instead = _instead(choice, failure.message)
            if _is_refused(job, view, instead, full):
                raise only_full(job.view, instead.reason) from failure
            return self._maker.make(job, self._with_conflicts(job, instead, call), call)

    def explain(
        self, catalog: WritableCatalog, view: Committed, call: Cancellation, full: bool = False
    ) -> Explained:
        """Return what ``refresh`` would do now, and why; changes nothing.

        It reads the metadata of sources, and the values of columns by which the view is cut in
        the files by which they differ.

        Raises:
            FlightlakeError: It cannot be told, since a source is missing, or cannot be read.
        """
        job = self._job(catalog, view, call, "")
        choice, found = self._choose(job, view, full, call)
        strategy, reason = choice.strategy, choice.reason
        if _is_refused(job, view, choice, full):
            strategy, reason = REFUSED, only_full(view.identifier, reason).message
        return Explained(view.identifier, strategy, reason, choice.candidates, found)

    def _job(
        self, catalog: WritableCatalog, view: Committed, call: Cancellation, refresh_id: str
    ) -> Job:
        begun = self.clock.monotonic()
        properties, uuid = view.metadata.properties, str(view.metadata.table_uuid)
        definition = definition_of(properties, view.identifier)
        text = readable_query(definition.query)
        state = state_of(properties, uuid)
        vector = self._collect(text, definition, call)
        self.threads.run(lambda: check(view.identifier, vector.survey, self.catalogs), call)
        return Job(
            catalog,
            view.identifier,
            view,
            definition,
            state,
            text,
            vector,
            begun,
            refresh_id=refresh_id,
        )

    def _choose(
        self, job: Job, view: Committed, wanted: bool, call: Cancellation
    ) -> tuple[Choice, tuple[Window, ...]]:
        vector, maker = job.vector, self._maker

        def draw(
            text: SqlText,
            table: TableIdentifier,
            window: Window,
            take: Callable[[pa.RecordBatch], None],
        ) -> None:
            pins, only = {table: vector.survey.pins[table]}, {table: window.portions}
            maker.draw(text, pins, only, vector.as_of, take, call)

        asked = Question(view, job.definition, job.state, vector, wanted, draw, call)
        reason = must_be_full(asked)
        if reason is not None or job.state is None:
            return self._with_conflicts(job, all_rows(reason or ""), call), ()
        before = job.state.sources
        found = self.threads.run(lambda: windows(before, vector, call), call)
        return self._with_conflicts(job, choose(asked, found), call), found

    def _with_conflicts(self, job: Job, choice: Choice, call: Cancellation) -> Choice:
        """Return *choice*, saying of which tables the sources are of different snapshots."""
        tables = job.vector.survey.tables

        def load(name: TableIdentifier) -> IcebergTable | None:
            if name in tables:
                return tables[name]
            try:
                return self.catalogs[name.catalog].load(name.db_schema, name.table)
            except (KeyError, FlightlakeError):
                return None

        found = self.threads.run(lambda: conflicts(job.vector.sources, load), call)
        return replace(choice, reason=told(found, choice.reason))

    def _check(
        self, view: TableIdentifier, definition: Definition, vector: Vector, call: Cancellation
    ) -> None:
        def work() -> None:
            check(view, vector.survey, self.catalogs)
            if definition.mode == INCREMENTAL:
                require_incremental(view, vector.survey, definition.partitioned_by)

        self.threads.run(work, call)

    def _collect(
        self, text: SqlText, definition: Definition, call: Cancellation, unmade: bool = False
    ) -> Vector:
        defaults, now = Defaults(definition.catalog, definition.db_schema), self.clock.now
        return self.threads.run(
            lambda: collect(self.engine, text, defaults, self.catalogs, now, unmade), call
        )

    @property
    def _maker(self) -> Maker:
        return Maker(self.engine, self.catalogs, self.threads, self.clock, self.encoding)


def _is_refused(job: Job, view: Committed, choice: Choice, asked: bool) -> bool:
    """Return whether nobody has *asked* for what was chosen, and the view does not let it be."""
    refuses = job.definition.mode == INCREMENTAL and not is_unmade(view.metadata)
    return refuses and choice.strategy == FULL and not asked


def _instead(choice: Choice, failure: str) -> Choice:
    """Return that all rows are made anew, because what was chosen failed."""
    *others, (strategy, _) = choice.candidates
    return all_rows(
        f"{strategy} did not work: {failure}", [*others, (strategy, f"no, it failed: {failure}")]
    )

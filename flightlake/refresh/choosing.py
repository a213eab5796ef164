"""Which way a refresh brings the rows of a view up to date, and why not another.

Each refresh chooses anew, by what happened to the sources.  Whoever is not sure takes ``FULL``,
which is always right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.engine.lineage import Origins, followed
from flightlake.engine.plan_terms import Blocked, products, wanted
from flightlake.engine.sql_text import SqlText
from flightlake.errors import (
    DamagedData,
    FlightlakeError,
    InvalidSql,
    NotFound,
    PreconditionFailed,
    Unsupported,
)
from flightlake.lake.changes import Unclear
from flightlake.lake.commits import Committed
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.lake.materialized import columns_of, is_unmade, reached_by_compaction
from flightlake.lake.partition_choice import share
from flightlake.lake.predicates import Anything
from flightlake.lake.storable import file_schema
from flightlake.names import TableIdentifier, quote
from flightlake.refresh.records import Definition, State
from flightlake.refresh.sources import Vector, place
from flightlake.refresh.telescoping import Term, telescoped
from flightlake.refresh.touching import (
    MOST_VALUES,
    NARROWED,
    Touched,
    can_be_narrowed,
    narrowed,
    partition_values,
    values_query,
)
from flightlake.refresh.windows import Window

INSTEAD = (DamagedData, InvalidSql, NotFound, PreconditionFailed, Unsupported)
"""Failures of another way than ``FULL`` that need not be failures of that."""

NOOP, META, APPEND, PARTITION, FULL = "NOOP", "META", "APPEND", "PARTITION", "FULL"

INCREMENTAL = "INCREMENTAL"
"""The mode of views that are never made anew by themselves (``incremental``)."""

MOST_SHARE = 0.8
"""Partitions that hold more of a view than this are not made anew alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is known when a way is chosen.

    ``full`` says that somebody wants all rows anew; ``draw`` gives the batches of a query over
    sources, of which it reads these files alone.
    """

    view: Committed
    definition: Definition
    state: State | None
    vector: Vector
    full: bool
    draw: "Draw"
    call: Cancellation


Draw = Callable[[SqlText, TableIdentifier, Window, Callable[[pa.RecordBatch], None]], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """A way, with why; ``candidates`` are all that were considered, each with why or why not.

    ``writes`` says whether there is anything to be committed.  ``terms`` are for ``APPEND``.  For
    ``PARTITION``, ``text`` with ``values`` gives the rows of the partitions ``touched``, in which
    the view has ``rows_gone`` rows now.
    """

    strategy: str
    reason: str
    candidates: tuple[tuple[str, str], ...] = ()
    writes: bool = True
    terms: tuple[Term, ...] = ()
    touched: Touched | None = None
    text: SqlText | None = None
    values: Mapping[str, pa.Scalar] = field(default_factory=dict)
    rows_gone: int = 0


def full(reason: str, candidates: Sequence[tuple[str, str]] = ()) -> Choice:
    """Return that all rows are made anew, because of *reason*."""
    return Choice(FULL, reason, (*candidates, (FULL, f"yes: {reason}")))


def must_be_full(asked: Question) -> str | None:
    """Return why all rows have to be made anew whatever happened to the sources, if so."""
    state = asked.state
    if asked.full:
        return "FULL was asked for"
    if state is None:
        if is_unmade(asked.view.metadata):
            return "the view had no rows yet"
        return "there is no record of what the rows were made of"
    if state.version != asked.definition.version:
        return "the definition has changed"
    if not reached_by_compaction(asked.view.metadata, state.snapshot_id):
        return f"the table of {quote(asked.view.identifier.table)} was changed by somebody else"
    metadata = asked.view.metadata
    if columns_of(metadata, state.snapshot_id) != metadata.current_schema_id:
        columns = f"the columns of the table of {quote(asked.view.identifier.table)}"
        return f"{columns} were changed by somebody else"
    known = {source.identifier for source in state.sources}
    if known != {source.identifier for source in asked.vector.sources}:
        return "the query reads other tables than before"
    return None


def choose(asked: Question, found: Sequence[Window]) -> Choice:
    """Return the way for a view to whose sources that happened which *found* says.

    Raises:
        NotReady: A store does not answer.
        FlightlakeError: The reason of the question's ``call``.
    """
    unclear = next((one.happened for one in found if isinstance(one.happened, Unclear)), None)
    if unclear is not None:
        return full(unclear.reason)
    changed = [window for window in found if window.changes is not None]
    if not changed:
        moved = any(window.moved for window in found)
        reason = (
            "files that the view reads were compacted, and no row has changed"
            if moved
            else "nothing that the view reads has changed"
        )
        return Choice(NOOP, reason, ((NOOP, f"yes: {reason}"),), writes=moved)
    news = _news(changed)
    candidates = [(NOOP, f"no, {news}")]
    if asked.definition.mode == FULL:
        return full("REFRESH_MODE is FULL", candidates)
    ways: Sequence[tuple[str, Callable[[], Choice | Blocked]]] = (
        (META, lambda: _meta(asked, changed)),
        (APPEND, lambda: _append(asked, changed)),
        (PARTITION, lambda: _partition(asked, changed)),
    )
    blocks: dict[str, str] = {}
    for strategy, attempt in ways:
        try:
            choice = attempt()
        except INSTEAD as failure:
            choice = Blocked(failure.message)
        if isinstance(choice, Choice):
            taken = (*candidates, (choice.strategy, f"yes: {choice.reason}"))
            return replace(choice, candidates=taken)
        candidates.append((strategy, f"no, {choice.reason}"))
        blocks[strategy] = choice.reason
    # The way that would have been taken for such a view says why it is not.
    way = PARTITION if asked.definition.partitioned_by else APPEND
    return full(f"{news}, and {blocks[way]}", candidates)


def _news(changed: Sequence[Window]) -> str:
    """Return what happened, as the reason for a refresh."""
    first = changed[0]
    before, now = place(first.before.snapshot_id), place(first.now.snapshot_id)
    news = f"{first.identifier} moved from {before} to {now}"
    return news if len(changed) == 1 else f"{news}, and {len(changed) - 1} more sources changed"


def _meta(asked: Question, changed: Sequence[Window]) -> Choice | Blocked:
    survey = asked.vector.survey
    for window in changed:
        if window.changes is not None and window.changes.deletes:
            return Blocked(f"rows of files that stay were deleted in {window.identifier}")
    looked_for = wanted(survey)
    for window in changed:
        name = window.identifier
        predicate = looked_for.get(name, Anything())
        if survey.tables[name].some_match(window.portions, predicate):
            return Blocked(f"files that came to {name} or went may hold rows the view shows")
    return Choice(META, "no file that came or went can hold a row that the view shows")


def _append(asked: Question, changed: Sequence[Window]) -> Choice | Blocked:
    for window in changed:
        if window.changes is not None and not window.changes.only_added:
            return Blocked(f"rows went from {window.identifier}")
    summands = products(asked.vector.survey.plan)
    if isinstance(summands, Blocked):
        return summands
    terms = telescoped(summands, changed, asked.vector.survey.pins)
    if isinstance(terms, Blocked):
        return terms
    files = sum(portion.files for term in terms for some in term.only.values() for portion in some)
    return Choice(APPEND, f"rows came to what the view reads, in {files} files", terms=terms)


def _partition(asked: Question, changed: Sequence[Window]) -> Choice | Blocked:
    survey = asked.vector.survey
    if not asked.definition.partitioned_by:
        return Blocked("the view has no partitions")
    for window in changed:
        if window.changes is not None and window.changes.deletes:
            return Blocked(f"rows of files that stay were deleted in {window.identifier}")
    tables = frozenset(window.identifier for window in changed)
    blocked = Blocked("")
    for number, term in enumerate(asked.definition.partitioned_by):
        if term.transform not in NARROWED:
            blocked = blocked if blocked.reason else Blocked(f"rows are not found by {term}")
            continue
        if not can_be_narrowed(term, survey.schema.field(term.column).type):
            blocked = Blocked(f"a query cannot be narrowed to partitions by {term}")
            continue
        origins = followed(survey, term.column, tables)
        if isinstance(origins, Blocked):
            blocked = blocked if blocked.reason else origins
            continue
        touched = _touched(asked, changed, term, number, origins)
        return touched if isinstance(touched, Blocked) else _some_partitions(asked, touched)
    return blocked


def _touched(
    asked: Question, changed: Sequence[Window], term: LayoutTerm, place: int, origins: Origins
) -> Touched | Blocked:
    metadata = asked.view.metadata
    if len(metadata.spec().fields) != len(asked.definition.partitioned_by):
        return Blocked("the table is cut in another way than the view")
    stored = file_schema(metadata.schema()).field(term.column).type
    values: set[Any] = set()

    def take(batch: pa.RecordBatch) -> None:
        values.update(partition_values(term, stored, batch))
        if len(values) > MOST_VALUES:
            raise _TooMany

    try:
        for window in changed:
            for table, column in sorted(origins):
                if table == window.identifier:
                    asked.draw(values_query(table, column), table, window, take)
    except _TooMany:
        return Blocked(f"more than {MOST_VALUES} partitions have changed")
    except pa.ArrowInvalid:
        return Blocked(f"values of {term} do not fit")
    kind = asked.vector.survey.schema.field(term.column).type
    return Touched(term, place, kind, frozenset(values))


class _TooMany(Exception):
    """There are more values than are taken one by one."""


def _some_partitions(asked: Question, touched: Touched) -> Choice | Blocked:
    if not touched.values:
        return Choice(META, "the files that came and went hold no rows")
    held = share(asked.view, touched.partitions)
    if held is None:
        return Blocked("the table of the view has files that its partitions do not tell apart")
    # Where nothing but this or a failure is wanted, it does not matter what would be cheaper.
    if held.chosen > MOST_SHARE * held.rows and asked.definition.mode != INCREMENTAL:
        part = held.chosen / held.rows
        return Blocked(f"the partitions that changed hold {part:.0%} of the view")
    try:
        text, values = narrowed(asked.definition.query, touched)
    except FlightlakeError:
        return Blocked("the query cannot be narrowed to partitions")
    count = len(touched.values)
    reason = f"rows can have changed in {count} partitions of {touched.term}, and in no other"
    return Choice(
        PARTITION, reason, touched=touched, text=text, values=values, rows_gone=held.chosen
    )

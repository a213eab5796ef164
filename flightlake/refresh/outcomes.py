"""What statements about materialized views answer: a few rows for a person to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from flightlake.names import AS_OF_MARK, TableIdentifier, quote
from flightlake.refresh.finding import View
from flightlake.refresh.policy import Policy, clauses
from flightlake.refresh.records import Definition, Source
from flightlake.refresh.statements import (
    Describe,
    ExplainCreate,
    ExplainRefresh,
    Placed,
    ShowCreate,
    Verify,
    ViewStatement,
)

OUTCOMES = pa.schema(
    [
        pa.field("view", pa.utf8(), nullable=False),
        pa.field("state", pa.utf8(), nullable=False),
        pa.field("strategy", pa.utf8()),
        pa.field("reason", pa.utf8()),
        pa.field("rows", pa.int64()),
        pa.field("snapshot", pa.int64()),
        pa.field("as_of", pa.timestamp("us", "UTC")),
        pa.field("duration_seconds", pa.float64()),
        pa.field("refresh_id", pa.utf8()),
    ]
)
VERIFICATIONS = pa.schema(
    [
        pa.field("view", pa.utf8(), nullable=False),
        pa.field("state", pa.utf8(), nullable=False),
        pa.field("reason", pa.utf8()),
        pa.field("rows", pa.int64()),
        pa.field("missing", pa.int64()),
        pa.field("extra", pa.int64()),
        pa.field("examples", pa.utf8()),
        pa.field("snapshot", pa.int64()),
        pa.field("duration_seconds", pa.float64()),
    ]
)
CREATE_STATEMENTS = pa.schema(
    [
        pa.field("view", pa.utf8(), nullable=False),
        pa.field("statement", pa.utf8(), nullable=False),
        pa.field("default_catalog", pa.utf8(), nullable=False),
        pa.field("default_schema", pa.utf8(), nullable=False),
    ]
)
DESCRIPTIONS = pa.schema(
    [
        pa.field("property", pa.utf8(), nullable=False),
        pa.field("value", pa.utf8(), nullable=False),
    ]
)

READY = "READY"
CANCELLED = "CANCELLED"
DROPPED = "DROPPED"
ABSENT = "ABSENT"
TABLE = "TABLE"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a view.

    ``state``: how the view fares, see ``status.word``; or what became of it: ``QUEUED`` or
    ``CANCELLED``, a refresh; ``DROPPED``; ``ABSENT``, was not there to be dropped; ``TABLE``, is an
    ordinary table now.  ``strategy``: ``FULL``, all rows were made anew, or ``NOOP``, they were
    right; ``reason`` says why.  ``snapshot`` is that of the view's table, ``as_of`` the instant
    at which its sources stood as they were read.

    ``rows_written`` and ``bytes_written`` (Parquet) are what this refresh added; ``candidates``
    the strategies that were considered, each with why it was taken or not; ``sources`` what was
    read: name, snapshot before, snapshot now.
    """

    view: TableIdentifier
    state: str
    strategy: str | None = None
    reason: str | None = None
    rows: int | None = None
    snapshot: int | None = None
    as_of: datetime | None = None
    seconds: float | None = None
    refresh_id: str | None = None
    rows_written: int = 0
    bytes_written: int = 0
    candidates: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, int | None, int | None], ...] = ()


def schema_of(statement: ViewStatement) -> pa.Schema:
    """Return the schema of what *statement* answers."""
    if isinstance(statement, Placed):
        return schema_of(statement.statement)
    if isinstance(statement, ShowCreate):
        return CREATE_STATEMENTS
    if isinstance(statement, Verify):
        return VERIFICATIONS
    described = isinstance(statement, Describe | ExplainCreate | ExplainRefresh)
    return DESCRIPTIONS if described else OUTCOMES


def outcome_rows(outcomes: Iterable[Outcome]) -> pa.Table:
    """Return one row for each of *outcomes*."""
    rows = [
        (
            str(one.view), one.state, one.strategy, one.reason, one.rows, one.snapshot, one.as_of,
            one.seconds, one.refresh_id,
        )
        for one in outcomes
    ]  # fmt: skip
    return _table(OUTCOMES, rows)


def create_statement(
    view: TableIdentifier, definition: Definition, policy: Policy, waiting: bool
) -> pa.Table:
    """Return one row with the statement that makes *view* again; *waiting* for its rows, too."""
    head = [f"CREATE MATERIALIZED VIEW {view}"]
    if definition.partitioned_by:
        head.append(f"PARTITIONED BY ({', '.join(map(str, definition.partitioned_by))})")
    head += clauses(policy)
    if definition.mode != "AUTO":
        head.append(f"REFRESH_MODE = {definition.mode}")
    if waiting:
        head.append("INITIALIZE = ON_SCHEDULE")
    statement = "\n".join([*head, "AS", definition.query])
    row = (str(view), statement, definition.catalog, definition.db_schema)
    return _table(CREATE_STATEMENTS, [row])


def properties_rows(properties: Sequence[tuple[str, str]]) -> pa.Table:
    """Return one row for each of *properties*."""
    return _table(DESCRIPTIONS, properties)


def description(view: View, status: str) -> pa.Table:
    """Return what there is to say of *view*, one row for each property; *status* in a word."""
    rows = [("view", str(view.identifier)), ("status", status)]
    if view.definition is not None:
        definition = view.definition
        rows += [
            ("query", definition.query),
            ("default catalog", definition.catalog),
            ("default schema", definition.db_schema),
            ("partitioned by", ", ".join(map(str, definition.partitioned_by))),
            ("refresh mode", definition.mode),
            ("version", str(definition.version)),
        ]
    if view.policy is not None:
        rows += [("owner", view.policy.owner), ("policy", " ".join(clauses(view.policy)))]
    if view.status.last is not None:
        last = view.status.last
        rows += [
            ("failures in a row", str(view.status.failures)),
            ("last failure", f"{last.code}: {last.message}"),
            ("last failure at", last.at.isoformat()),
        ]
    state = view.state
    if view.waiting is not None:
        rows += [
            ("waits for its first rows since", view.waiting.since.isoformat()),
            *(("source", f"{_name(source)}, not read yet") for source in view.waiting.sources),
        ]
    if state is not None:
        rows += [
            ("strategy", state.strategy),
            ("reason", state.reason),
            ("rows", str(state.rows)),
            ("snapshot", str(state.snapshot_id)),
            ("as of", state.as_of.isoformat()),
            ("duration in seconds", str(state.seconds)),
            ("refresh", state.refresh_id),
            *(("source", _told(source)) for source in state.sources),
        ]
    return _table(DESCRIPTIONS, rows)


def _name(source: Source) -> str:
    name = source.identifier
    table = name.table.partition(AS_OF_MARK)[0]
    return ".".join(map(quote, (name.catalog, name.db_schema, table)))


def _told(source: Source) -> str:
    written = _name(source)
    if source.snapshot_id is None:
        return f"{written}, empty"
    what = "version" if source.kind == "view" else "snapshot"
    return f"{written} at {what} {source.snapshot_id}"


def _table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = [[row[index] for row in rows] for index in range(len(schema))]
    return pa.table(columns, schema=schema)

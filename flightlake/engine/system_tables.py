"""``flightlake_system``: what the server does, as tables.

Which tables there are and their columns stand here; their rows come from the layers above, made
for one reader (``SystemTables``).  The schema is in every catalog and hides one of that name that a
catalog may have itself, so that the names mean the same to everybody, and nobody can put other
rows in their place.  ``docs/system-tables.md`` describes every column; a test compares.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from flightlake.errors import FlightlakeError, InternalError
from flightlake.names import TableIdentifier

SYSTEM = "flightlake_system"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SystemTable:
    """Where the rows of a system table come from, for one reader.

    ``rows`` makes those that are known here.  ``stored`` are Iceberg tables that hold more of
    them, each with the first column as its key: a row that both have is taken from ``rows``.  One
    that does not exist, or was not made by this server (``STORED``), holds none.
    """

    rows: Callable[[], pa.Table]
    stored: Sequence[TableIdentifier] = ()


SystemTables = Mapping[str, SystemTable]
"""By the names of ``SCHEMAS``; a table that is left out has no rows."""

STORED = "flightlake.system-table"
"""The property of an Iceberg table that holds rows of a system table: the name of that."""

_MOMENT = pa.timestamp("us", "UTC")


def _always(name: str, type_: pa.DataType | None = None) -> pa.Field:
    return pa.field(name, type_ or pa.utf8(), nullable=False)


def _maybe(name: str, type_: pa.DataType | None = None) -> pa.Field:
    return pa.field(name, type_ or pa.utf8())


_VIEW = (_always("catalog"), _always("schema"), _always("name"))

MATERIALIZED_VIEWS = pa.schema(
    [
        *_VIEW,
        _maybe("query"),
        _maybe("default_catalog"),
        _maybe("default_schema"),
        _maybe("partitioned_by"),
        _maybe("version", pa.int64()),
        _maybe("owner"),
        _maybe("refresh_mode"),
        _maybe("target_lag"),
        _maybe("schedule"),
        _always("state"),
        _maybe("state_reason"),
        _maybe("strategy"),
        _maybe("reason"),
        _maybe("candidates"),
        _maybe("rows", pa.int64()),
        _maybe("bytes", pa.int64()),
        _maybe("snapshot_id", pa.int64()),
        _maybe("as_of", _MOMENT),
        _maybe("consistent", pa.bool_()),
        _maybe("inconsistency"),
        _maybe("lag_seconds", pa.float64()),
        _maybe("target_lag_seconds", pa.float64()),
        _maybe("next_due", _MOMENT),
        _maybe("refresh_id"),
        _maybe("refresh_started", _MOMENT),
        _maybe("refresh_ended", _MOMENT),
        _maybe("refresh_status"),
        _maybe("refresh_error"),
    ]
)
REFRESH_HISTORY = pa.schema(
    [
        _always("refresh_id"),
        _always("server"),
        *_VIEW,
        _always("trigger"),
        _maybe("user_name"),
        _always("status"),
        _always("started", _MOMENT),
        _always("ended", _MOMENT),
        _always("duration_seconds", pa.float64()),
        _always("attempt", pa.int64()),
        _maybe("strategy"),
        _maybe("reason"),
        _maybe("error"),
        _maybe("snapshot_id", pa.int64()),
        _maybe("as_of", _MOMENT),
        _maybe("rows", pa.int64()),
        _always("rows_written", pa.int64()),
        _always("bytes_written", pa.int64()),
        _always("candidates"),
        _always("sources"),
        _maybe("lag_seconds", pa.float64()),
        _always("late", pa.bool_()),
    ]
)
MV_DEPENDENCIES = pa.schema(
    [
        *_VIEW,
        _always("source_catalog"),
        _always("source_schema"),
        _always("source_name"),
        _maybe("source_version"),
        _always("source_kind"),
        _maybe("recorded_snapshot_id", pa.int64()),
        _maybe("current_snapshot_id", pa.int64()),
        _always("source_state"),
    ]
)
QUERIES = pa.schema(
    [
        _always("query_id"),
        _always("server"),
        _always("user_name"),
        _always("session_id"),
        _always("kind"),
        _always("state"),
        _always("started", _MOMENT),
        _maybe("ended", _MOMENT),
        _always("queue_seconds", pa.float64()),
        _always("planning_seconds", pa.float64()),
        _always("total_seconds", pa.float64()),
        _always("rows", pa.int64()),
        _always("bytes", pa.int64()),
        _maybe("status"),
        _maybe("error"),
        _maybe("sql_text"),
        _maybe("trace_id"),
    ]
)
SESSIONS = pa.schema(
    [
        _always("session_id"),
        _always("server"),
        _always("user_name"),
        _always("first_seen", _MOMENT),
        _always("last_seen", _MOMENT),
        _always("statements", pa.int64()),
        _always("running", pa.int64()),
    ]
)

SCHEMAS: Mapping[str, pa.Schema] = {
    "materialized_views": MATERIALIZED_VIEWS,
    "mv_dependencies": MV_DEPENDENCIES,
    "queries": QUERIES,
    "refresh_history": REFRESH_HISTORY,
    "sessions": SESSIONS,
}


class SystemReading:
    """The system tables as one statement sees them: each is made once.  Thread-safe."""

    def __init__(self, tables: SystemTables) -> None:
        self._tables = tables
        self._lock = threading.Lock()
        self._made: dict[str, pa.Table] = {}

    def table(self, name: str) -> pa.Table | None:
        """Return the rows that are known here of a table, the same each time.

        None if there is no such table.

        Raises:
            FlightlakeError: They cannot be made.
        """
        schema = SCHEMAS.get(name)
        if schema is None:
            return None
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name, schema)
            return self._made[name]

    def stored(self, name: str) -> Sequence[TableIdentifier]:
        """Return the Iceberg tables that may hold more rows of a table."""
        table = self._tables.get(name)
        return () if table is None else table.stored

    def _make(self, name: str, schema: pa.Schema) -> pa.Table:
        table = self._tables.get(name)
        try:
            rows = schema.empty_table() if table is None else table.rows()
        except FlightlakeError:
            raise
        except Exception as defect:
            _LOG.exception("the rows of %s.%s could not be made", SYSTEM, name)
            raise InternalError(f"{SYSTEM}.{name} could not be read") from defect
        if not rows.schema.equals(schema):
            raise InternalError(f"{SYSTEM}.{name} has other columns than it should")
        return rows

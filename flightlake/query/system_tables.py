"""``flightlake_system.queries`` and ``.sessions``: what this process knows, for one reader.

Each user sees what is theirs; with the role ``admin``, all.  Callers without a login cannot be
told apart, so they see nothing: it may be another's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from flightlake.auth import ANONYMOUS
from flightlake.engine.system_tables import QUERIES, SESSIONS, SystemTable, SystemTables
from flightlake.flightsql.payloads import Statement
from flightlake.query.activity import Activity, Seen

ADMIN = "admin"
"""The role of those who may see what others run."""

SystemTablesOf = Callable[[Statement], SystemTables]
"""The system tables as the caller of a statement sees them."""


@dataclass(frozen=True, slots=True)
class ProcessTables:
    """The tables of what this process runs.

    Args:
        activity: What it runs.
        server: What it is called.
        now: The time.
    """

    activity: Activity
    server: str
    now: Callable[[], datetime]

    def of(self, statement: Statement) -> SystemTables:
        """Return the tables as the caller of *statement* sees them."""
        sees = _sight(statement)
        return {
            "queries": SystemTable(lambda: self._queries(sees)),
            "sessions": SystemTable(lambda: self._sessions(sees)),
        }

    def _queries(self, sees: Callable[[str], bool]) -> pa.Table:
        now = self.now()
        rows = [self._query(one, now) for one in self.activity.statements() if sees(one.user)]
        return pa.Table.from_pylist(rows, schema=QUERIES)

    def _query(self, one: Seen, now: datetime) -> dict[str, object]:
        return {
            "query_id": one.query_id,
            "server": self.server,
            "user_name": one.user,
            "session_id": one.session_id,
            "kind": one.kind,
            "state": one.state,
            "started": one.started,
            "ended": one.ended,
            "queue_seconds": one.queue.total_seconds(),
            "planning_seconds": one.planning.total_seconds(),
            "total_seconds": max((one.ended or now) - one.started, timedelta()).total_seconds(),
            "rows": one.rows,
            "bytes": one.bytes,
            "status": one.status,
            "error": one.error,
            "sql_text": one.sql,
            "trace_id": one.trace_id,
        }

    def _sessions(self, sees: Callable[[str], bool]) -> pa.Table:
        rows = [
            {
                "session_id": one.session_id,
                "server": self.server,
                "user_name": one.user,
                "first_seen": one.first,
                "last_seen": one.last,
                "statements": one.statements,
                "running": one.running,
            }
            for one in self.activity.sessions()
            if sees(one.user)
        ]
        return pa.Table.from_pylist(rows, schema=SESSIONS)


def _sight(statement: Statement) -> Callable[[str], bool]:
    """Return whose statements the caller of *statement* may see."""
    if ADMIN in statement.roles:
        return lambda user: True
    own = statement.subject
    return lambda user: user == own != ANONYMOUS

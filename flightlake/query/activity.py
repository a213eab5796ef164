"""What statements this process runs and has run, for whoever asks; bounded, and lost at its end.

Nothing depends on it: it is there to be looked at (``flightlake_system.queries``).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flightlake.clock import Clock
from flightlake.errors import Cancelled
from flightlake.flightsql.payloads import Statement

WAITING = "WAITING"
PLANNING = "PLANNING"
PLANNED = "PLANNED"
RUNNING = "RUNNING"
ENDED = "ENDED"

_MAX_AT_REST = 1_000
_MAX_SESSIONS = 1_000
_MAX_TEXT = 10_000  # characters of a statement, and of an error

Counts = Callable[[], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement as it is at one moment.

    ``state``: ``PLANNING``; ``PLANNED``, its ticket has not been read; ``WAITING`` for a slot;
    ``RUNNING``; or ``ENDED``, then ``status`` is a gRPC code name.  ``sql`` is None where it may
    not be kept.  ``rows`` and ``bytes`` are what was handed to the client so far.
    """

    query_id: str
    user: str
    session_id: str
    started: datetime
    sql: str | None = None
    trace_id: str | None = None
    kind: str = "unknown"
    state: str = RUNNING
    ended: datetime | None = None
    queue: timedelta = timedelta()
    planning: timedelta = timedelta()
    rows: int = 0
    bytes: int = 0
    status: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session as far as statements show it; ``running`` of them are not at their end."""

    session_id: str
    user: str
    first: datetime
    last: datetime
    statements: int
    running: int


@dataclass(slots=True, eq=False)
class Entry:
    """The place of a statement in an ``Activity``, which alone changes it."""

    seen: Seen
    counts: Counts | None = None

    def now(self) -> Seen:
        """Return the statement as it is."""
        seen, counts = self.seen, self.counts
        if counts is None:
            return seen
        rows, size = counts()
        return replace(seen, rows=rows, bytes=size)


@dataclass(slots=True)
class _Session:
    first: datetime
    last: datetime
    statements: int = 0


class Activity:
    """The statements of a process: all that run, and the last thousand that do not.  Thread-safe.

    Args:
        clock: The time.
        sql_text: Whether the text of statements is kept.
    """

    def __init__(self, clock: Clock, *, sql_text: bool = False) -> None:
        self._clock = clock
        self._sql_text = sql_text
        self._lock = threading.Lock()
        self._live: dict[Entry, None] = {}
        self._at_rest: OrderedDict[str, Entry] = OrderedDict()
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()

    def begin(self, statement: Statement, trace_id: str | None) -> Entry:
        """Take note that *statement* has come, or that the ticket of a planned one has."""
        now = self._clock.now()
        with self._lock:
            known = self._at_rest.pop(statement.id, None)
            if known is not None and known.seen.state == PLANNED:
                entry = known
                entry.seen = replace(entry.seen, state=RUNNING)
            else:
                text = statement.sql[:_MAX_TEXT] if self._sql_text else None
                user, session = statement.subject, statement.session_id
                entry = Entry(Seen(statement.id, user, session, now, text, trace_id))
                self._session(entry, now).statements += 1
            self._session(entry, now).last = now
            self._live[entry] = None
        return entry

    def change(self, entry: Entry, **changes: object) -> None:
        """Change what is known of a statement."""
        with self._lock:
            entry.seen = replace(entry.seen, **changes)  # type: ignore[arg-type]

    def watch(self, entry: Entry, counts: Counts) -> None:
        """Let *counts* say how many rows and bytes have been handed on, until the end."""
        with self._lock:
            if entry.seen.state != ENDED:
                entry.counts = counts

    def rest(self, entry: Entry) -> None:
        """Take note that a statement is planned, and that its client has to fetch its rows."""
        with self._lock:
            self._lay(entry, replace(entry.seen, state=PLANNED))

    def forget(self, entry: Entry) -> None:
        """Take note that a statement was only prepared."""
        with self._lock:
            self._live.pop(entry, None)
            self._session(entry, entry.seen.started).statements -= 1

    def end(self, entry: Entry, rows: int, size: int, status: str, error: str | None) -> None:
        """Take note that a statement is at its end."""
        now = self._clock.now()
        told = None if error is None else error[:_MAX_TEXT]
        with self._lock:
            entry.counts = None
            self._session(entry, now).last = now
            self._lay(
                entry,
                replace(
                    entry.seen, state=ENDED, ended=now, rows=rows, bytes=size, status=status,
                    error=told,
                ),
            )  # fmt: skip

    def cancelled(self, statement: Statement) -> None:
        """Take note that nobody will read the ticket of a planned statement."""
        with self._lock:
            entry = self._at_rest.get(statement.id)
        if entry is not None and entry.seen.state == PLANNED:
            self.end(entry, 0, 0, Cancelled.code.name, "the statement was cancelled")

    def statements(self) -> list[Seen]:
        """Return all there are, the oldest first."""
        with self._lock:
            entries = [*self._at_rest.values(), *self._live]
            return sorted((entry.now() for entry in entries), key=lambda seen: seen.started)

    def sessions(self) -> list[SeenSession]:
        """Return those whose statements were seen, the one first that was silent longest."""
        with self._lock:
            running = _running(self._live)
            return [
                SeenSession(
                    key[0], key[1], one.first, one.last, one.statements, running.get(key, 0)
                )
                for key, one in self._sessions.items()
            ]

    def _lay(self, entry: Entry, seen: Seen) -> None:
        entry.seen = seen
        self._live.pop(entry, None)
        self._at_rest[seen.query_id] = entry
        self._at_rest.move_to_end(seen.query_id)
        while len(self._at_rest) > _MAX_AT_REST:
            self._at_rest.popitem(last=False)

    def _session(self, entry: Entry, now: datetime) -> _Session:
        key = (entry.seen.session_id, entry.seen.user)
        found = self._sessions.setdefault(key, _Session(now, now))
        self._sessions.move_to_end(key)
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return found


def _running(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for entry in entries:
        key = (entry.seen.session_id, entry.seen.user)
        found[key] = found.get(key, 0) + 1
    return found

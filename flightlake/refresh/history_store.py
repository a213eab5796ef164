"""The history of refreshes as an Iceberg table in each writable catalog, written in batches.

Nobody waits for it, and nothing fails with it.  A batch is appended in one commit; whoever loses
a race plans anew on what is there, for appends do not contradict each other.  A batch whose
outcome is not known is looked for before it is sent again: each attempt asserts the head it was
made from, so of several attempts of a batch at most one is ever committed.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.system_tables import REFRESH_HISTORY, STORED, SYSTEM, SystemTable
from flightlake.errors import Cancelled, FlightlakeError
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import OutcomeUnknown, Refused
from flightlake.lake.daily import days_of
from flightlake.lake.replacement import Replacement
from flightlake.lake.schema_making import ensure_schema
from flightlake.lake.snapshots import appended
from flightlake.lake.writing import Committed, WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.history import RefreshHistory, rows_of
from flightlake.refresh.history_upkeep import TABLE, TERMS, HistoryUpkeep, ours
from flightlake.telemetry import RefreshFinished

_LOG = logging.getLogger(__name__)
_TRIES = 5
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """When is written: ``linger`` after the first row, with ``between`` since the last commit.

    ``enough`` rows do not wait for that.  After a failure it is tried again after ``retry``, then
    twice as long, up to ``longest``.  ``upkeep`` is how often old rows and snapshots go.
    """

    linger: timedelta = timedelta(seconds=5)
    between: timedelta = timedelta(seconds=60)
    enough: int = 100
    retry: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    upkeep: timedelta = timedelta(hours=1)


@dataclass(slots=True)
class _Batch:
    """Rows that are stored together, and the snapshots they may be in already."""

    facts: Sequence[RefreshFinished]
    attempts: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """How the table of one catalog fares."""

    batch: _Batch | None = None
    last: datetime | None = None
    wait: timedelta = timedelta()
    not_before: datetime | None = None
    kept_up: datetime | None = None


class HistoryStore:
    """Stores a history; ``start`` begins to, in a thread of its own, and ``stop`` ends it.

    Args:
        history: What is to be stored.
        catalogs: What the server itself reads.
        writable: Those that are written.
        upkeep: What is kept of it.
        clock: The time.
        pace: When is written.
    """

    def __init__(
        self,
        history: RefreshHistory,
        catalogs: Catalogs,
        writable: frozenset[str],
        upkeep: HistoryUpkeep,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._history = history
        self._writing = _writing(catalogs, writable)
        self._catalogs = catalogs
        self._upkeep = upkeep
        self._clock = clock
        self._pace = pace or Pace()
        self._places = {name: _Place() for name in self._writing}
        self._stopping = threading.Event()
        self._call = Cancellation()
        self._told = 0
        self._thread: threading.Thread | None = None

    def table(self) -> SystemTable:
        """Return the whole history: what is stored, and what is not yet."""
        return SystemTable(self._history.rows, tuple(map(stored_in, self._writing)))

    def start(self) -> None:
        """Begin to store."""
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def stop(self, patience: timedelta = timedelta(seconds=5)) -> bool:
        """Store what there is, once, and end; return whether that was done within *patience*."""
        self._stopping.set()
        self._call.cancel(Cancelled("the server is stopping"))  # upkeep can wait
        self._history.news.set()
        if self._thread is None:
            return True
        self._thread.join(patience.total_seconds())
        done = not self._thread.is_alive()
        if not done:
            _LOG.warning("the server ends before the history of refreshes was stored")
        return done

    def _run(self) -> None:
        news = self._history.news
        stopping = False
        while not stopping:
            due = self._next()
            left = None if due is None else due - self._clock.now()
            if left is None or left > timedelta():
                self._clock.wait(news, left)
            news.clear()
            stopping = self._stopping.is_set()
            self.store(last=stopping)

    def _next(self) -> datetime | None:
        """Return when there is something to do next; None if nothing waits."""
        found = [due for name in self._places if (due := self._due(name)) is not None]
        return min(found, default=None)

    def _due(self, name: str) -> datetime | None:
        place, waiting = self._places[name], self._history.waiting(name)
        if not waiting:
            return None
        due = waiting[0][1] + self._pace.linger
        if place.last is not None and len(waiting) < self._pace.enough:
            due = max(due, place.last + self._pace.between)
        if len(waiting) >= self._pace.enough:
            due = self._clock.now()
        return due if place.not_before is None else max(due, place.not_before)

    def store(self, last: bool = False) -> None:
        """Store what is due in each catalog; all there is if this is the *last* time."""
        for name, catalog in self._writing.items():
            due = self._due(name)
            if due is None or (due > self._clock.now() and not last):
                continue
            place = self._places[name]
            try:
                self._store(name, catalog, place)
                place.wait, place.not_before = timedelta(), None
            except Exception as failure:  # noqa: BLE001 - nothing fails with the history
                self._put_off(name, place, failure)
                continue
            if not last:
                self._keep_up(name, place)

    def _keep_up(self, name: str, place: _Place) -> None:
        now = self._clock.now()
        if place.kept_up is None or now - place.kept_up >= self._pace.upkeep:
            place.kept_up = now
            try:
                self._upkeep.run(self._writing[name], stored_in(name), now, self._call)
            except Exception as failure:  # noqa: BLE001 - nothing fails with the history
                if self._stopping.is_set():
                    return
                _warn("old parts of the history were not taken out of", name, failure)

    def _put_off(self, name: str, place: _Place, failure: Exception) -> None:
        place.wait = min(max(place.wait * 2, self._pace.retry), self._pace.longest)
        place.not_before = self._clock.now() + place.wait
        _warn("the history of refreshes was not stored in", name, failure)
        lost = self._history.forgotten - self._told
        if lost:
            self._told += lost
            _LOG.warning("%d refreshes waited for it too long, and will not be in it", lost)

    def _store(self, name: str, catalog: WritableCatalog, place: _Place) -> None:
        while waiting := self._history.waiting(name):
            if place.batch is None:
                place.batch = _Batch([fact for fact, _ in waiting[:_BATCH]])
            self._append(name, catalog, place.batch)
            self._history.stored(place.batch.facts)
            place.batch, place.last = None, self._clock.now()

    def _append(self, name: str, catalog: WritableCatalog, batch: _Batch) -> None:
        facts = sorted(batch.facts, key=lambda fact: fact.started)
        rows = rows_of(facts, self._history.server).combine_chunks()
        for left in reversed(range(_TRIES)):
            base = ours(catalog, stored_in(name))
            if base is None:
                ensure_schema(self._catalogs[name], SYSTEM)
            elif batch.attempts and _holds(base, batch):
                return
            new = Replacement(catalog, stored_in(name), base, REFRESH_HISTORY, TERMS)
            try:
                for stored in rows.to_batches():
                    new.write(stored)
            except BaseException:
                new.discard()
                raise
            batch.attempts.append(new.snapshot_id)
            try:
                new.commit(({STORED: TABLE}, {}), self._clock.now(), _nothing, appended)
                return
            except Refused:
                batch.attempts.remove(new.snapshot_id)
                if not left:
                    raise
            except OutcomeUnknown:
                raise
            except FlightlakeError:
                batch.attempts.remove(new.snapshot_id)
                raise


def _holds(table: Committed, batch: _Batch) -> bool:
    """Return whether a batch that may be stored is: as a whole, or not at all."""
    if any(table.metadata.snapshot_by_id(one) for one in batch.attempts):
        return True
    # The snapshot may have expired, or the catalog tell of none but the last.
    ids = {fact.refresh_id for fact in batch.facts}
    days = {fact.started.astimezone(UTC).date() for fact in batch.facts}
    found = days_of(table)
    return any(ids & found.texts(day, "refresh_id") for day in days & found.files.keys())


def _writing(catalogs: Catalogs, writable: frozenset[str]) -> dict[str, WritableCatalog]:
    found: dict[str, WritableCatalog] = {}
    for name in sorted(writable):
        catalog: object = catalogs.get(name)
        if isinstance(catalog, WritableCatalog):
            found[name] = catalog
    return found


def _warn(what: str, name: str, failure: Exception) -> None:
    message = failure.message if isinstance(failure, FlightlakeError) else "a defect"
    detail = None if isinstance(failure, FlightlakeError) else failure
    _LOG.warning("%s catalog '%s': %s; it is tried again", what, name, message, exc_info=detail)


def _nothing() -> None:
    """Let the commit be made."""


def stored_in(catalog: str) -> TableIdentifier:
    """Return the name of the table that holds the history of the views in *catalog*."""
    return TableIdentifier(catalog, SYSTEM, TABLE)

"""What is known here of refreshes that have ended: those that are not stored yet, and the latest.

It is told of each (``telemetry.RefreshFinished``) and must not keep its teller waiting, so it
only remembers; ``history_store`` writes.  What it forgets when it is full is lost to the history,
which is logged, and to nothing else: a view's own state is with the view.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import datetime

import pyarrow as pa

from flightlake.clock import Clock
from flightlake.engine.system_tables import REFRESH_HISTORY
from flightlake.names import TableIdentifier
from flightlake.telemetry import Fact, RefreshFinished

_MAX_WAITING = 10_000
_MAX_VIEWS = 10_000
_ASKED_FOR = ("create", "statement")
NOOP = "NOOP"


def worth_keeping(fact: RefreshFinished) -> bool:
    """Return whether a refresh belongs into the history.

    That the scheduler found nothing to do is no news: it looks every few seconds.  Metrics count
    it.
    """
    return not (fact.strategy == NOOP and fact.status == "OK" and fact.trigger not in _ASKED_FOR)


class RefreshHistory:
    """Refreshes that have ended, in memory.  Thread-safe; bounded.

    Args:
        clock: The time.
        server: What this process is called.
        writable: The catalogs whose refreshes will be stored; those of others, which are
            failures, are only remembered.
    """

    def __init__(self, clock: Clock, server: str, writable: Collection[str]) -> None:
        self._clock = clock
        self._writable = frozenset(writable)
        self.server = server
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[RefreshFinished, datetime]] = OrderedDict()
        self._latest: OrderedDict[TableIdentifier, RefreshFinished] = OrderedDict()
        self.news = threading.Event()
        """Set whenever there is something to store that was not there before."""
        self.forgotten = 0
        """How many refreshes were forgotten before they were stored."""

    def observe(self, fact: Fact) -> None:
        """Take note of *fact*, if it is the end of a refresh."""
        if not isinstance(fact, RefreshFinished):
            return
        with self._lock:
            self._latest[fact.view] = fact
            self._latest.move_to_end(fact.view)
            while len(self._latest) > _MAX_VIEWS:
                self._latest.popitem(last=False)
            if not worth_keeping(fact):
                return
            self._kept[fact.refresh_id] = (fact, self._clock.now())
            while len(self._kept) > _MAX_WAITING:
                _, (lost, _) = self._kept.popitem(last=False)
                self.forgotten += lost.view.catalog in self._writable
        if fact.view.catalog in self._writable:
            self.news.set()

    def latest(self, view: TableIdentifier) -> RefreshFinished | None:
        """Return the last refresh of *view* that ended here."""
        with self._lock:
            return self._latest.get(view)

    def waiting(self, catalog: str) -> list[tuple[RefreshFinished, datetime]]:
        """Return what is to be stored in *catalog*, oldest first, and since when each waits."""
        with self._lock:
            return [one for one in self._kept.values() if one[0].view.catalog == catalog]

    def stored(self, facts: Sequence[RefreshFinished]) -> None:
        """Forget *facts*: they are stored."""
        with self._lock:
            for fact in facts:
                self._kept.pop(fact.refresh_id, None)

    def rows(self) -> pa.Table:
        """Return what is not stored, as rows of ``flightlake_system.refresh_history``."""
        with self._lock:
            facts = [fact for fact, _ in self._kept.values()]
        return rows_of(facts, self.server)


def rows_of(facts: Sequence[RefreshFinished], server: str) -> pa.Table:
    """Return *facts* as rows of ``flightlake_system.refresh_history``."""
    return pa.Table.from_pylist([_row(fact, server) for fact in facts], schema=REFRESH_HISTORY)


def _row(fact: RefreshFinished, server: str) -> dict[str, object]:
    sources = [{"source": name, "before": before, "now": now} for name, before, now in fact.sources]
    candidates = [{"strategy": strategy, "why": why} for strategy, why in fact.candidates]
    return {
        "refresh_id": fact.refresh_id,
        "server": server,
        "catalog": fact.view.catalog,
        "schema": fact.view.db_schema,
        "name": fact.view.table,
        "trigger": fact.trigger,
        "user_name": fact.subject or None,
        "status": fact.status,
        "started": fact.started,
        "ended": fact.started + fact.duration,
        "duration_seconds": fact.duration.total_seconds(),
        "attempt": fact.attempt,
        "strategy": fact.strategy,
        "reason": fact.reason,
        "error": fact.error,
        "snapshot_id": fact.snapshot_id,
        "as_of": fact.as_of,
        "rows": fact.rows,
        "rows_written": fact.rows_written,
        "bytes_written": fact.bytes_written,
        "candidates": json.dumps(candidates),
        "sources": json.dumps(sources),
        "lag_seconds": None if fact.lag is None else fact.lag.total_seconds(),
        "late": fact.late,
    }

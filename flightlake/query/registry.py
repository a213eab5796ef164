"""What this process knows of statements beyond their tickets: which run, and which are over.

Nothing here is needed to serve a ticket, so a ticket can be served by any process.  Other
processes do not know that a ticket was read or cancelled here; they would read the same
snapshots again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from flightlake.cancellation import Cancellation
from flightlake.engine.engine import Plan
from flightlake.errors import Cancelled, NotFound
from flightlake.flightsql.payloads import Statement

_MAX_OVER = 100_000
_MAX_PLANS = 256


class Ending(Enum):
    """How a statement came to its end."""

    READ = "has been read"
    CANCELLED = "was cancelled"


@dataclass(frozen=True, slots=True)
class _Over:
    ending: Ending
    until: datetime


class Registry:
    """Statements of this process.  Thread-safe; bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, list[Cancellation]] = {}
        self._over: OrderedDict[str, _Over] = OrderedDict()
        self._plans: OrderedDict[str, tuple[Plan, datetime]] = OrderedDict()

    def keep(self, statement: Statement, plan: Plan, until: datetime) -> None:
        """Keep the *plan* of a statement for its first reading, so as not to plan twice."""
        with self._lock:
            self._plans[statement.id] = (plan, until)
            while len(self._plans) > _MAX_PLANS:
                self._plans.popitem(last=False)

    def plan(self, statement: Statement, now: datetime) -> Plan | None:
        """Return what was kept, once; None if nothing was or it is too old."""
        with self._lock:
            kept = self._plans.pop(statement.id, None)
            # All are kept for the same time, so the oldest are first.
            while self._plans and next(iter(self._plans.values()))[1] < now:
                self._plans.popitem(last=False)
        return kept[0] if kept is not None and now <= kept[1] else None

    def check(self, statement: Statement) -> None:
        """Raise ``NotFound`` if the statement has been read to its end, or was cancelled."""
        with self._lock:
            self._check(statement)

    @contextmanager
    def running(self, statement: Statement, call: Cancellation) -> Iterator[None]:
        """While entered, the statement can be cancelled through *call*.

        Raises:
            NotFound: It has been read to its end, or was cancelled.
        """
        with self._lock:
            self._check(statement)
            self._running.setdefault(statement.id, []).append(call)
        try:
            yield
        finally:
            with self._lock:
                calls = self._running.get(statement.id, [])
                calls.remove(call)
                if not calls:
                    del self._running[statement.id]

    def close(self, statement: Statement, ending: Ending, until: datetime, now: datetime) -> bool:
        """Let nobody read the statement any more; return False if that was so before.

        Remembered *until* its tickets expire.  Whoever is reading it is cancelled, if that is
        the ending.
        """
        with self._lock:
            while self._over and next(iter(self._over.values())).until < now:
                self._over.popitem(last=False)
            if statement.id in self._over:
                return False
            self._over[statement.id] = _Over(ending, until)
            while len(self._over) > _MAX_OVER:
                self._over.popitem(last=False)
            self._plans.pop(statement.id, None)
            running = list(self._running.get(statement.id, []))
        if ending is Ending.CANCELLED:
            for cancellation in running:
                cancellation.cancel(Cancelled("the statement was cancelled"))
        return True

    def _check(self, statement: Statement) -> None:
        over = self._over.get(statement.id)
        if over is not None:
            raise NotFound(
                f"the result of this ticket {over.ending.value}; run the statement again"
            )

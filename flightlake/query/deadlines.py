"""Callbacks at a later time, from one thread for all statements."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import TimedOut

_LOG = logging.getLogger(__name__)


class Deadlines:
    """Calls functions when their time has come, unless they are cancelled before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopped = False
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._cancelled: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    def after(self, delay: timedelta, function: Callable[[], object]) -> Callable[[], None]:
        """Call *function* after *delay*; return what takes that back."""
        number = next(self._order)
        due = self._clock.monotonic() + delay.total_seconds()
        with self._lock:
            heapq.heappush(self._heap, (due, number, function))
            first = self._heap[0][1] == number
        if first:
            self._changed.set()
        return lambda: self._cancel(number)

    @contextmanager
    def limiting(self, call: Cancellation, limit: timedelta) -> Iterator[None]:
        """Cancel *call* if the block takes longer than *limit*, that of all statements."""
        error = TimedOut(
            f"the statement took longer than {limit.total_seconds():g} s (limits.statement_timeout)"
        )
        forget = self.after(limit, lambda: call.cancel(error))
        try:
            yield
        finally:
            forget()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the thread; nothing is called any more."""
        self._stopped = True
        self._changed.set()

    def _cancel(self, number: int) -> None:
        with self._lock:
            self._cancelled.add(number)
            if len(self._cancelled) > 64 and len(self._cancelled) * 2 > len(self._heap):
                self._heap = [item for item in self._heap if item[1] not in self._cancelled]
                heapq.heapify(self._heap)
                self._cancelled.clear()

    def _run(self) -> None:
        while not self._stopped:
            due = self._due()
            for function in due:
                try:
                    function()
                except Exception:  # noqa: BLE001 - whoever listens broke
                    # The deadlines of other statements must still come.
                    _LOG.exception("a deadline's function failed")
            with self._lock:
                next_due = self._heap[0][0] if self._heap else None
            pause = None if next_due is None else next_due - self._clock.monotonic()
            if pause is None or pause > 0:
                wait = None if pause is None else timedelta(seconds=pause)
                if self._clock.wait(self._changed, wait):
                    self._changed.clear()

    def _due(self) -> list[Callable[[], object]]:
        due: list[Callable[[], object]] = []
        now = self._clock.monotonic()
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                _, number, function = heapq.heappop(self._heap)
                if number in self._cancelled:
                    self._cancelled.discard(number)
                else:
                    due.append(function)
        return due

"""Refreshes that nobody waits for: few at a time, and only where no statement waits.

One that is cancelled may hang in a store that does not answer, until that times out.  Nobody
wants it any more, so another task takes its place at once.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock

_LOG = logging.getLogger(__name__)
_LOOK_AGAIN = timedelta(milliseconds=100)
_PATIENCE = timedelta(minutes=1)
_SPARE = 8
"""So many cancelled tasks may be about to end beside those that run."""


@dataclass(slots=True, eq=False)
class _Task:
    work: Callable[[], object]
    call: Cancellation
    left: bool = False
    ended: bool = False


class Background:
    """Runs tasks in order, at most *slots* at a time.  Thread-safe.

    Args:
        slots: How many run at a time.
        crowded: Whether statements of clients wait for a slot; while they do, nothing begins, but
            no task waits for longer than a minute for that.
        clock: The time.
    """

    def __init__(self, slots: int, crowded: Callable[[], bool], clock: Clock) -> None:
        self._slots = slots
        self._crowded = crowded
        self._clock = clock
        self._lock = threading.Condition()
        self._waiting: deque[_Task] = deque()
        self._active = 0
        self._left = 0
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._listeners: list[Callable[[], object]] = []

    @property
    def slots(self) -> int:
        """How many tasks run at a time."""
        return self._slots

    @property
    def free(self) -> int:
        """How many more tasks would begin at once."""
        with self._lock:
            return max(self._slots - self._active - len(self._waiting), 0)

    @property
    def waiting(self) -> int:
        """How many tasks have not begun."""
        with self._lock:
            return len(self._waiting)

    def listen(self, listener: Callable[[], object]) -> None:
        """Call *listener* whenever a slot has become free; it must not raise."""
        self._listeners.append(listener)

    def submit(
        self,
        work: Callable[[], object],
        call: Cancellation | None = None,
        first: bool = False,
    ) -> None:
        """Run *work* when it is its turn; after ``stop``, at once, so that it can see that.

        If *call* is cancelled while it runs, another takes its place.  *first*: before all others
        that wait.
        """
        task = _Task(work, call or Cancellation())
        with self._lock:
            self._waiting.insert(0 if first else len(self._waiting), task)
            self._begin()
            self._lock.notify()

    def stop(self, patience: timedelta) -> bool:
        """Begin nothing that is worth waiting for; return whether all ended within *patience*.

        Whoever calls has cancelled what runs and waits, so the tasks end soon.
        """
        self._stopping.set()
        with self._lock:
            self._lock.notify_all()
            threads = list(self._threads)
        deadline = self._clock.monotonic() + patience.total_seconds()
        for thread in threads:
            thread.join(max(deadline - self._clock.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in threads)

    def _begin(self) -> None:
        if len(self._threads) < self._slots + self._left:
            thread = threading.Thread(target=self._run, name="refresh", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self) -> None:
        while (task := self._next()) is not None:
            until = self._clock.monotonic() + _PATIENCE.total_seconds()
            while self._crowded() and self._clock.monotonic() < until:
                if self._clock.wait(self._stopping, _LOOK_AGAIN):
                    break
            forget = task.call.on_cancel(partial(self._leave, task))
            try:
                task.work()
            except BaseException:  # noqa: BLE001 - the next must still run; the engine panics so
                _LOG.exception("a task in the background failed")
            finally:
                forget()
            if self._replaced(task):
                return
            for listener in self._listeners:
                listener()

    def _leave(self, task: _Task) -> None:
        """Let another take the place of *task*, which nobody wants any more, and which runs."""
        with self._lock:
            if task.ended or self._left == _SPARE or self._stopping.is_set():
                return
            task.left = True
            self._left += 1
            self._active -= 1
            self._begin()
        for listener in self._listeners:
            listener()

    def _replaced(self, task: _Task) -> bool:
        """Take note that *task* has ended; return whether another thread is in its place."""
        with self._lock:
            task.ended = True
            if not task.left:
                self._active -= 1
                return False
            self._left -= 1
            self._threads.remove(threading.current_thread())
            return True

    def _next(self) -> _Task | None:
        with self._lock:
            while not self._waiting:
                if self._stopping.is_set():
                    return None
                self._lock.wait()
            self._active += 1
            return self._waiting.popleft()

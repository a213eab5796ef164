"""How many statements may run and wait, and for how long."""

import threading
from collections import deque
from datetime import timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import Overloaded
from flightlake.telemetry import Admission, Observer, Observers


class Slots:
    """At most *running* hold a slot, *queued* more wait in order, each at most *timeout*."""

    def __init__(
        self, running: int, queued: int, timeout: timedelta, clock: Clock, observer: Observer
    ) -> None:
        self._limit = running
        self._queue_limit = queued
        self._timeout = timeout
        self._clock = clock
        self._observer = observer
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: deque[threading.Event] = deque()

    def take(self, cancellation: Cancellation) -> "Slot":
        """Wait for a slot and return it; whoever has it must free it.

        Raises:
            Overloaded: The queue is full, or the wait took too long.
            FlightlakeError: The reason of *cancellation*.
        """
        cancellation.check()
        turn = threading.Event()
        with self._lock:
            if self._running < self._limit and not self._waiting:
                self._running += 1
                self._tell()
                return Slot(self)
            if len(self._waiting) >= self._queue_limit:
                raise Overloaded(
                    f"{self._running} statements are running and {len(self._waiting)} waiting,"
                    " which is all this server takes; try again later"
                )
            self._waiting.append(turn)
            self._tell()
        forget = cancellation.on_cancel(turn.set)
        try:
            self._clock.wait(turn, self._timeout)
        finally:
            forget()
        with self._lock:
            if turn not in self._waiting:
                slot = Slot(self)  # given to us by the one who freed it
            else:
                self._waiting.remove(turn)
                self._tell()
                slot = None
        if cancellation.reason is not None:
            if slot is not None:
                slot.free()
            raise cancellation.reason
        if slot is None:
            raise Overloaded(
                f"no statement ended within {self._timeout.total_seconds():g} s, so this one did"
                " not begin; try again later"
            )
        return slot

    def beside(self, running: int) -> "Slots":
        """Return *running* more slots, with a queue like this one; nobody is told of them."""
        return Slots(running, self._queue_limit, self._timeout, self._clock, Observers(()))

    @property
    def crowded(self) -> bool:
        """Whether anybody waits for a slot."""
        return bool(self._waiting)

    def _enter(self) -> None:
        with self._lock:
            self._running += 1
            self._tell()

    def _free(self) -> None:
        with self._lock:
            if self._waiting and self._running <= self._limit:
                self._waiting.popleft().set()
            else:
                self._running -= 1
            self._tell()

    def _tell(self) -> None:
        self._observer.observe(Admission(self._running, len(self._waiting)))


class Slot:
    """The right to run; freed once, from any thread, or by leaving its ``with`` block.

    Whoever waits for somebody else for long lets it rest, so that others can run, and resumes
    it to go on.  Going on is never made to wait: for a while more may then run than the limit.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots: Slots | None = slots
        self._lock = threading.Lock()
        self._resting = False

    def __enter__(self) -> "Slot":
        return self

    def __exit__(self, *exception: object) -> None:
        self.free()

    def rest(self) -> None:
        """Let the next who waits run meanwhile; does nothing to a slot that is free."""
        with self._lock:
            if self._slots is None or self._resting:
                return
            self._resting = True
            self._slots._free()

    def resume(self) -> None:
        """Run again after ``rest``; does nothing to a slot that does not rest."""
        with self._lock:
            if self._slots is None or not self._resting:
                return
            self._resting = False
            self._slots._enter()

    def free(self) -> None:
        """Give the slot to the next who waits; does nothing the second time."""
        with self._lock:
            slots, self._slots = self._slots, None
            if slots is not None and not self._resting:
                slots._free()

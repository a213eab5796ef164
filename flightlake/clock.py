"""Time enters flightlake here and nowhere else, so that tests never sleep."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time for records and expiry, monotonic time for durations.  Thread-safe."""

    def now(self) -> datetime:
        """Return the current moment as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes backwards."""
        ...

    def wait(self, event: threading.Event, timeout: timedelta | None) -> bool:
        """Wait until *event* is set or *timeout* has passed; return whether it is set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, timeout: timedelta | None) -> bool:
        return event.wait(None if timeout is None else timeout.total_seconds())


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start
        self._moved = threading.Condition()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> None:
        """Move time forward by *by* and wake those who wait."""
        with self._moved:
            self._now += by
            self._moved.notify_all()

    def wait(self, event: threading.Event, timeout: timedelta | None) -> bool:
        until = None if timeout is None else self._now + timeout
        with self._moved:
            while not event.is_set() and (until is None or self._now < until):
                # The event is set by others without telling us: look again now and then.
                self._moved.wait(0.01)
        return event.is_set()

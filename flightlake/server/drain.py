"""Leaving in good order: no new statements, but what was promised is still served."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flightlake.clock import Clock
from flightlake.errors import NotReady

_LOOK_AGAIN = timedelta(milliseconds=20)


class Traffic:
    """How many RPCs run, and whether new statements are still taken.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._begun = 0
        self._draining = False

    @property
    def running(self) -> int:
        """The number of RPCs at this moment."""
        return self._running

    @property
    def draining(self) -> bool:
        """Whether new statements are refused."""
        return self._draining

    def start_draining(self) -> None:
        """Refuse new statements from now on."""
        self._draining = True

    def refuse_if_draining(self) -> None:
        """Raise ``NotReady`` if new statements are not taken any more."""
        if self._draining:
            raise NotReady("the server is shutting down: connect again and repeat the statement")

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Count one RPC while it runs."""
        with self._lock:
            self._running += 1
            self._begun += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def wait_until_quiet(
        self, quiet: timedelta, timeout: timedelta, clock: Clock, give_up: threading.Event
    ) -> bool:
        """Wait until no RPC has run for *quiet*; return False after *timeout* or *give_up*.

        The quiet time lets a client come back with a ticket that it has just been given.
        """
        start = clock.monotonic()
        idle_since, seen = start, -1
        while not give_up.is_set():
            now = clock.monotonic()
            with self._lock:
                busy = self._running > 0 or self._begun != seen
                seen = self._begun
            if busy:
                idle_since = now
            if now - idle_since >= quiet.total_seconds():
                return True
            if now - start >= timeout.total_seconds():
                return False
            clock.wait(give_up, _LOOK_AGAIN)
        return False

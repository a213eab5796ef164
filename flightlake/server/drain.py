"""Leaving in good order: no new statements, but what was promised is still served."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flightlake.clock import Clock
from flightlake.errors import NotReady

_LOOK_AGAIN = timedelta(milliseconds=20)
_PROMISE = timedelta(seconds=5)
"""How long after a ticket was given the server waits for its client to come with it."""

_MAX_PROMISES = 10_000


class Traffic:
    """How many RPCs run, and whether new statements are still taken.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._begun = 0
        self._draining = False
        self._promised: OrderedDict[int, float] = OrderedDict()

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

    def issued(self, ticket: bytes, now: float) -> None:
        """Note that a client was given *ticket*, at *now* of the monotonic clock, and may come."""
        with self._lock:
            self._promised[hash(ticket)] = now
            self._promised.move_to_end(hash(ticket))
            while len(self._promised) > _MAX_PROMISES or self._first_promise_is_old(now):
                self._promised.popitem(last=False)

    def redeemed(self, ticket: bytes) -> None:
        """Note that the client has come with *ticket*."""
        with self._lock:
            self._promised.pop(hash(ticket), None)

    def _first_promise_is_old(self, now: float) -> bool:
        first = next(iter(self._promised.values()), now)
        return now - first > _PROMISE.total_seconds()

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

        A ticket that was given in the last seconds and not read yet is waited for as well.
        """
        start = clock.monotonic()
        idle_since, seen = start, -1
        while not give_up.is_set():
            now = clock.monotonic()
            with self._lock:
                while self._first_promise_is_old(now):
                    self._promised.popitem(last=False)
                busy = self._running > 0 or self._begun != seen or bool(self._promised)
                seen = self._begun
            if busy:
                idle_since = now
            if now - idle_since >= quiet.total_seconds():
                return True
            if now - start >= timeout.total_seconds():
                return False
            clock.wait(give_up, _LOOK_AGAIN)
        return False

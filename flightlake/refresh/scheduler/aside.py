"""Calls that may hang: each in a thread of its own, so that nothing else waits for it for long."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from flightlake.clock import Clock

T = TypeVar("T")
_PATIENCE = timedelta(seconds=1)


@dataclass(slots=True)
class Call(Generic[T]):
    """A call under a *name*; once it is done, its ``result``, or the ``error`` it raised."""

    name: str
    function: Callable[[], T]
    done: threading.Event = field(default_factory=threading.Event)
    result: T | None = None
    error: Exception | None = None


class Aside(Generic[T]):
    """Makes calls beside each other, one at a time under each name.  Used by one thread.

    Args:
        clock: The time.
        woken: Is set when a call is done.
    """

    def __init__(self, clock: Clock, woken: threading.Event) -> None:
        self._clock = clock
        self._woken = woken
        self._under_way: dict[str, Call[T]] = {}
        self._new: list[Call[T]] = []

    def busy(self, name: str) -> bool:
        """Return whether the last call under *name* was not taken yet."""
        return name in self._under_way

    def begin(self, name: str, function: Callable[[], T]) -> None:
        """Call *function*, unless a call under *name* is under way."""
        if self.busy(name):
            return
        call = Call(name, function)
        thread = threading.Thread(target=self._make, args=(call,), name=f"ask {name}", daemon=True)
        thread.start()
        self._under_way[name] = call
        self._new.append(call)

    def take(self) -> list[Call[T]]:
        """Return what is done; waits a second at most for what has begun since the last time."""
        deadline = self._clock.monotonic() + _PATIENCE.total_seconds()
        for call in self._new:
            left = max(deadline - self._clock.monotonic(), 0.0)
            self._clock.wait(call.done, timedelta(seconds=left))
        self._new.clear()
        found = [call for call in self._under_way.values() if call.done.is_set()]
        for call in found:
            del self._under_way[call.name]
        return found

    def _make(self, call: Call[T]) -> None:
        try:
            call.result = call.function()
        except Exception as error:  # noqa: BLE001 - whoever takes it sees to it
            call.error = error
        call.done.set()
        self._woken.set()

"""One signal per call that says: nobody wants the answer any more."""

import threading
from collections.abc import Callable

from flightlake.errors import Cancelled, FlightlakeError


class Cancellation:
    """Set once, from any thread; callbacks run at once, in the thread that cancels.

    The *reason* is the error that the call will end with: ``Cancelled`` for a client that went
    away or asked for it, ``TimedOut`` for a deadline.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._reason: FlightlakeError | None = None

    @property
    def reason(self) -> FlightlakeError | None:
        """Why the call was cancelled, or None while it is wanted."""
        return self._reason

    def cancel(self, reason: FlightlakeError | None = None) -> bool:
        """Cancel; return False if it was cancelled before (the first reason stays)."""
        with self._lock:
            if self._reason is not None:
                return False
            self._reason = reason or Cancelled("the statement was cancelled")
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        return True

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* when cancelled (now, if that has happened); return its removal."""
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return lambda: self._remove(callback)
        callback()
        return lambda: None

    def check(self) -> None:
        """Raise the reason if the call was cancelled."""
        if self._reason is not None:
            raise self._reason

    def _remove(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

"""Threads that plan statements, which nothing can interrupt.

Planning is one call into the engine without a point at which it could stop.  So it runs on
threads of its own, with a stack large enough for deep statements, and whoever waits for it can
leave: the thread finishes its work, nobody takes the result, and another thread takes its place.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flightlake.cancellation import Cancellation
from flightlake.errors import Overloaded

T = TypeVar("T")

_STACK_BYTES = 256 << 20  # address space; memory is taken only as it is used


@dataclass(eq=False)
class _Work(Generic[T]):
    function: Callable[[], T]
    discard: Callable[[T], object]
    done: threading.Event = field(default_factory=threading.Event)
    started: bool = False
    finished: bool = False
    abandoned: bool = False
    result: T | None = None
    error: BaseException | None = None


class Workers:
    """Runs functions on *threads* threads, and on up to *spare* more for abandoned ones."""

    def __init__(self, threads: int, spare: int = 8) -> None:
        self._queue: queue.SimpleQueue[_Work[object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._spare = spare
        self._abandoned = 0
        self._threads = threads
        for _ in range(threads):
            self._begin()

    def run(
        self,
        function: Callable[[], T],
        cancellation: Cancellation,
        discard: Callable[[T], object] = lambda result: None,
    ) -> T:
        """Return what *function* returns on a worker, or leave when *cancellation* comes.

        *discard* is called with a result that nobody waits for any more.

        Raises:
            Overloaded: Too many abandoned statements are still being planned.
            FlightlakeError: The reason of *cancellation*.
        """
        work: _Work[T] = _Work(function, discard)
        with self._lock:
            if self._abandoned >= self._spare:
                raise Overloaded(
                    "too many cancelled statements are still being planned; try again later"
                )
        forget = cancellation.on_cancel(work.done.set)
        try:
            self._queue.put(work)  # type: ignore[arg-type]
            work.done.wait()
        finally:
            forget()
        with self._lock:
            finished = work.finished
            if not finished:
                self._abandon(work)  # type: ignore[arg-type]
        if not finished:
            cancellation.check()
        if work.error is not None:
            raise work.error
        return work.result  # type: ignore[return-value]

    def stop(self) -> None:
        """End the threads that are idle; the others end with their work."""
        for _ in range(self._threads + self._spare):
            self._queue.put(None)

    def _abandon(self, work: _Work[object]) -> None:
        work.abandoned = True
        if work.started:
            self._abandoned += 1
            self._begin()

    def _begin(self) -> None:
        with _STACK_LOCK:
            before = threading.stack_size(_STACK_BYTES)
            try:
                threading.Thread(target=self._work, name="plan", daemon=True).start()
            finally:
                threading.stack_size(before)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            if not self._start(work):
                continue
            result, error = None, None
            try:
                result = work.function()
            except BaseException as failure:  # noqa: BLE001 - the engine panics with one
                error = failure
            replaced = self._finish(work, result, error)
            del work, result, error
            if replaced:
                return

    def _start(self, work: _Work[object]) -> bool:
        with self._lock:
            work.started = not work.abandoned
            return work.started

    def _finish(self, work: _Work[object], result: object, error: BaseException | None) -> bool:
        """Hand over what came out; return whether another thread has taken this one's place."""
        with self._lock:
            work.result, work.error, work.finished = result, error, True
            abandoned = work.abandoned
            if abandoned:
                self._abandoned -= 1
        work.done.set()
        if abandoned and error is None:
            work.discard(result)
        return abandoned


_STACK_LOCK = threading.Lock()

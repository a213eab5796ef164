"""Draws plans that only read, each partition in one thread from the file to the batch.

A stream that is polled where it is drawn is decoded on that thread: no hand-over to the engine's
own threads, and memory is freed where it is warm.  For whole tables that is a sixth less CPU and
half the memory of drawing on the loop (``bench stream``).  The price is that a step cannot be
interrupted; so this is for plans whose every step is short: those that read and project, and
never look for rows.
"""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from datafusion import ExecutionPlan, SessionContext

from flightlake.engine.outlet import AHEAD, Outlet, stopping

_STEADY = frozenset({"DataSourceExec", "ProjectionExec", "UnionExec", "CooperativeExec"})
"""Operators that make each batch of a bounded amount of input."""

_THREADS = 256
"""Most partitions that are read at the same time; more take turns, batch by batch."""

_PATIENCE = 1.0
"""Seconds a thread waits for a batch to be taken; after that it is free for other partitions.

It waits at all because what one thread decodes it decodes in memory that it has already.
"""


def is_steady(plan: ExecutionPlan) -> bool:
    """Return whether each batch of *plan* takes a bounded amount of work."""
    shown = plan.display()
    # A scan that filters may look at a whole file for one row.
    if shown.split(":", 1)[0].strip() not in _STEADY or " predicate=" in shown:
        return False
    return all(is_steady(child) for child in plan.children())


class ScanThreads:
    """The threads in which steady plans are drawn.

    Args:
        cores: How many cores the server may use.
    """

    def __init__(self, cores: int) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scan")
        self.stopped = False
        self.at_once = max(1, min(2, cores // 2))
        """Partitions of one plan that are read at the same time; the others wait for one to end.

        Encoding and sending is one thread's work and half of decoding's, so more than two only
        hold more row groups in memory.
        """

    def submit(self, partition: "_Partition") -> None:
        """Draw from *partition*; end it with an error once the threads have stopped."""
        try:
            self._pool.submit(partition.draw)
        except RuntimeError:
            partition.cut_off()

    def stop(self) -> None:
        """Begin no further batch; partitions that are still drawn end with an error."""
        self.stopped = True
        self._pool.shutdown(wait=False)


class _Partition:
    """One stream of the engine; makes batches while it has credits and is not closed.

    At most one thread draws it: the one for which ``_drawing`` was set.
    """

    def __init__(self, threads: ScanThreads, stream: Any, pump: "ScanPump") -> None:
        self._threads = threads
        self._stream = stream
        self._pump = pump
        self._credits = threading.Semaphore(AHEAD)
        self._lock = threading.Lock()
        self._drawing = False

    def begin(self) -> None:
        """Draw in another thread, if none does."""
        with self._lock:
            if self._drawing:
                return
            self._drawing = True
        self._threads.submit(self)

    def draw(self) -> None:
        """Make batches until the stream ends, or nobody takes them for a while."""
        error: BaseException | None = None
        try:
            while self._use():
                self._pump.put(self._stream.next(), self)
            return
        except StopIteration:
            pass
        except BaseException as failure:  # noqa: BLE001 - the engine panics with a BaseException
            error = failure
        self._stream = None
        self._pump.end(error)
        self._pump.begin_next()

    def give(self) -> None:
        """Give one credit back, and draw again if nobody does."""
        self._credits.release()
        self.begin()

    def cut_off(self) -> None:
        """End with the error of a server that stops."""
        self._stream = None
        self._pump.end(stopping())

    def let_go(self) -> None:
        """Let go of the stream, now or when the batch that is being made is there."""
        self._credits.release()
        with self._lock:
            if not self._drawing:
                self._stream = None

    def _use(self) -> bool:
        credit = self._credits.acquire(timeout=_PATIENCE)
        with self._lock:
            if self._pump.closed:
                self._stream = None
            elif self._threads.stopped:
                self.cut_off()
            elif credit or self._credits.acquire(blocking=False):
                return True
            self._drawing = False
            return False


class ScanPump(Outlet):
    """Draws a steady plan, each partition in a thread of *threads*."""

    def __init__(self, threads: ScanThreads, engine: SessionContext, plan: ExecutionPlan) -> None:
        super().__init__(plan.partition_count)
        try:
            self._partitions = [
                _Partition(threads, engine.execute(plan, number), self)
                for number in range(plan.partition_count)
            ]
        except BaseException as error:  # noqa: BLE001 - the engine panics with a BaseException
            self._partitions = []
            self.end(error)
        self._waiting = deque(self._partitions)
        for _ in range(threads.at_once):
            self.begin_next()

    def begin_next(self) -> None:
        """Begin to draw the next of the partitions that wait, if there is one."""
        try:
            partition = self._waiting.popleft()
        except IndexError:
            return
        partition.begin()

    def _stop(self) -> None:
        for partition in self._partitions:
            partition.let_go()

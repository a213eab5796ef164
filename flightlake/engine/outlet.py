"""Where the batches of all partitions of a plan come out: one iterator, ended by the last.

Partitions put batches in from threads of their own, each only as many ahead as it has credits;
whoever iterates gives the credits back.
"""

import queue
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa
from datafusion import RecordBatch

from flightlake.errors import NotReady

AHEAD = 2
"""Batches of one partition that may be made before one is taken.

Two, so that the answer to a small statement is whole before anybody asks, and no thread has to
be woken for it.
"""


class Giver(Protocol):
    """A partition that makes batches while it has credits."""

    def give(self) -> None:
        """Give one credit back; from any thread."""


class _End:
    """Marks the end of one partition, and the error it ended with."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Outlet(ABC):
    """The batches of *partitions* partitions, in the order they come; ends at the first error.

    Iterate in one thread; ``close`` may be called from any, and wakes it.  Whoever draws the
    partitions says in ``_stop`` how that is ended.
    """

    def __init__(self, partitions: int) -> None:
        self._queue: queue.SimpleQueue[tuple[RecordBatch, Giver] | _End] = queue.SimpleQueue()
        self._open = partitions
        self.closed = False

    def put(self, batch: RecordBatch, giver: Giver) -> None:
        """Hand on *batch*, for which *giver* used a credit."""
        self._queue.put((batch, giver))

    def end(self, error: BaseException | None = None) -> None:
        """End one partition; *error* is raised where the batches are taken."""
        # Its traceback would keep the frame that drew, and so the engine's stream, alive.
        self._queue.put(_End(error and error.with_traceback(None)))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches; raise what a partition ended with; just end after ``close``."""
        while self._open and not self.closed:
            item = self._queue.get()
            if isinstance(item, _End):
                self._open -= 1
                if item.error is not None:
                    self.close()
                    raise item.error
                continue
            made, giver = item
            del item
            # Given before this batch is used: the next one is made meanwhile.
            giver.give()
            batch = made.to_pyarrow()
            del made
            yield batch

    def waiting(self) -> int:
        """Return how many batches and ends nobody has taken yet."""
        return self._queue.qsize()

    @property
    def ended(self) -> bool:
        """Whether all batches have been made and taken."""
        return not self._open and not self.closed

    def close(self) -> None:
        """Hand on nothing more, stop the engine's work and let go of its streams."""
        if self.closed:
            return
        self.closed = True
        self._queue.put(_End(None))
        self._stop()

    @abstractmethod
    def _stop(self) -> None:
        """Stop drawing; called once."""


def stopping() -> NotReady:
    """Return the error for a statement that is cut off because the server stops."""
    return NotReady("the server is stopping, and has not sent all rows")

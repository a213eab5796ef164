"""The rows of a running statement: counted, bounded in time, and always ended properly."""

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.engine.result import Result
from flightlake.errors import Cancelled, FlightlakeError, InternalError

Ended = Callable[[int, int, FlightlakeError | None], None]
Leave = Callable[[], Callable[[], None]]


def _nothing() -> None:
    """Come back from where nobody left."""


class ResultStream:
    """The batches of one or several results of the same schema, one after the other.

    *start* begins the results; it is called while iterating.  *ended* is called exactly once,
    with the rows and bytes that were handed on and the error, if any: when the last batch has
    been taken, at an error, or by ``close`` before that.  *leave* is called before each batch is
    handed on, and what it returns when the next is asked for.
    """

    def __init__(
        self,
        schema: pa.Schema,
        start: Iterator[Result],
        cancellation: Cancellation,
        ended: Ended,
        leave: Leave = lambda: _nothing,
    ) -> None:
        self.schema = schema
        self._leave = leave
        self._start = start
        self._cancellation = cancellation
        self._ended = ended
        self._lock = threading.Lock()
        self._current: Result | None = None
        self._over = False
        self._rows = 0
        self._bytes = 0
        self._forget = cancellation.on_cancel(self._stop)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        error: FlightlakeError | None = None
        try:
            for result in self._start:
                self._current = result
                if self._over:
                    result.close()
                self._cancellation.check()
                for batch in result:
                    self._cancellation.check()
                    self._rows += batch.num_rows
                    self._bytes += batch.nbytes
                    come_back = self._leave()
                    try:
                        yield self._promised(batch)
                    finally:
                        come_back()
                # A result that was stopped ends like one that is complete.
                self._cancellation.check()
                if self._over:
                    raise Cancelled("the statement was cancelled")
        except FlightlakeError as failure:
            error = self._cancellation.reason or failure
            if error is failure:
                raise
            raise error from failure
        except GeneratorExit:
            error = self._cancellation.reason or Cancelled("the client stopped reading")
            raise
        except BaseException:
            error = InternalError("the statement failed")
            raise
        finally:
            self._end(error)

    def counts(self) -> tuple[int, int]:
        """Return how many rows and bytes have been handed on."""
        return self._rows, self._bytes

    def close(self) -> None:
        """Stop the statement; one that has been read to its end stays a success."""
        self._end(self._cancellation.reason or Cancelled("the client stopped reading"))

    def _promised(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        # Results for several rows of parameters may differ in which columns can be null.
        if batch.schema.equals(self.schema, check_metadata=True):
            return batch
        return pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def _stop(self) -> None:
        current = self._current
        if current is not None:
            current.close()

    def _end(self, error: FlightlakeError | None) -> None:
        with self._lock:
            over, self._over = self._over, True
        self._stop()
        if over:
            return
        self._forget()
        self._ended(self._rows, self._bytes, error)

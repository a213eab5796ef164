"""One running statement: the driver works in a thread, so that Ctrl-C is heard here."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import adbc_driver_manager
import pyarrow as pa

from flightlake.cli.sql_target import explained
from flightlake.errors import Cancelled, FlightlakeError

Tick = Callable[[int, int, float], None]
"""Called about ten times a second with rows, Arrow bytes and seconds so far."""

_TICK_SECONDS = 0.1
_AHEAD = 4  # batches read before they are asked for


def ignore(rows: int, size: int, seconds: float) -> None:
    """Show no progress."""


class Statement:
    """The result of *sql* on an ADBC connection, as batches, with its progress.

    Use it in a ``with`` block: leaving it cancels what still runs.  A ``KeyboardInterrupt`` while
    waiting cancels the statement and comes out as ``Cancelled``.
    """

    def __init__(self, connection: Any, sql: str, tick: Tick = ignore) -> None:
        self._connection = connection
        self._sql = sql
        self._tick = tick
        self._started = time.monotonic()
        self._items: queue.Queue[pa.Schema | pa.RecordBatch | FlightlakeError | None] = queue.Queue(
            _AHEAD
        )
        self._abandoned = threading.Event()
        self._cursor: Any = None
        self._cursor_lock = threading.Lock()  # the driver may not cancel what is being closed
        self._done = False
        self._thread = threading.Thread(target=self._work, name="flightlake-sql", daemon=True)
        self.rows = 0
        self.bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()

    @property
    def seconds(self) -> float:
        """Seconds since the statement was sent."""
        return time.monotonic() - self._started

    def schema(self) -> pa.Schema:
        """Wait for the result's schema; call it once, before iterating.

        Raises:
            FlightlakeError: The statement failed, or was cancelled.
        """
        return self._next()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches; raises like ``schema``."""
        while (batch := self._next()) is not None:
            self.rows += batch.num_rows
            self.bytes += batch.nbytes
            yield batch

    def cancel(self) -> None:
        """Stop the statement if it still runs, and wait for the thread to be done with it."""
        self._abandoned.set()
        while not self._done:
            self._cancel_at_server()
            try:
                self._done = self._items.get(timeout=_TICK_SECONDS) is None
            except queue.Empty:
                continue
        self._thread.join()

    def _cancel_at_server(self) -> None:
        with self._cursor_lock:
            if self._cursor is not None:
                with suppress(adbc_driver_manager.Error):  # it has just ended by itself
                    self._cursor.adbc_cancel()

    def _next(self) -> Any:
        try:
            while True:
                try:
                    item = self._items.get(timeout=_TICK_SECONDS)
                    break
                except queue.Empty:
                    self._tick(self.rows, self.bytes, self.seconds)
        except KeyboardInterrupt:
            self.cancel()
            raise Cancelled("cancelled") from None
        if item is None:
            self._done = True
        if isinstance(item, FlightlakeError):
            raise item
        return item

    def _work(self) -> None:
        """In the thread: schema, batches, and an error if there was one; None is the end."""
        try:
            cursor = self._cursor = self._connection.cursor()
            cursor.execute(self._sql)
            reader = cursor.fetch_record_batch()
            self._items.put(reader.schema)
            for batch in reader:
                if self._abandoned.is_set():
                    break
                self._items.put(batch)
        except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            self._items.put(explained(error))
        finally:
            with self._cursor_lock:
                cursor, self._cursor = self._cursor, None
                if cursor is not None:
                    with suppress(adbc_driver_manager.Error):  # it is over either way
                        cursor.close()
            self._items.put(None)

"""What happened to one statement, for the fact that is emitted at its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, InternalError
from flightlake.flightsql.payloads import Statement
from flightlake.telemetry import Observer, QueryFinished

T = TypeVar("T")

UNKNOWN = "unknown"


class Record:
    """Times and outcome of one statement; ``finish`` emits the fact, once."""

    def __init__(
        self, statement: Statement, clock: Clock, observer: Observer, trace_id: str | None
    ) -> None:
        self._statement = statement
        self._clock = clock
        self._observer = observer
        self._trace_id = trace_id
        self._started = clock.monotonic()
        self._queue = self._planning = timedelta()
        self._finished = False
        self.kind = UNKNOWN

    def queued(self, wait: Callable[[], T]) -> T:
        """Return what *wait* returns; the time it takes is waiting."""
        begun = self._clock.monotonic()
        try:
            return wait()
        finally:
            self._queue += timedelta(seconds=self._clock.monotonic() - begun)

    def planned(self, plan: Callable[[], T]) -> T:
        """Return what *plan* returns; the time it takes is planning."""
        begun = self._clock.monotonic()
        try:
            return plan()
        finally:
            self._planning += timedelta(seconds=self._clock.monotonic() - begun)

    @contextmanager
    def failing(self, call: Cancellation) -> Iterator[None]:
        """Emit the fact if the block fails; a cancelled one fails with the reason for that."""
        try:
            yield
        except FlightlakeError as error:
            reason = call.reason or error
            self.finish(0, 0, reason)
            if reason is error:
                raise
            raise reason from error
        except BaseException:
            self.finish(0, 0, InternalError("the statement failed"))
            raise

    def finish(self, rows: int, size: int, error: FlightlakeError | None) -> None:
        """Emit the fact; nothing the second time."""
        if self._finished:
            return
        self._finished = True
        self._observer.observe(
            QueryFinished(
                query_id=self._statement.id,
                session_id=self._statement.session_id,
                subject=self._statement.subject,
                kind=self.kind,
                status="OK" if error is None else error.code.name,
                rows=rows,
                bytes=size,
                queue=self._queue,
                planning=self._planning,
                total=timedelta(seconds=self._clock.monotonic() - self._started),
                sql=self._statement.sql,
                trace_id=self._trace_id,
                error=None if error is None else error.message,
            )
        )

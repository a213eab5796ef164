"""What happened to one statement, for the fact that is emitted at its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, InternalError
from flightlake.flightsql.payloads import Statement
from flightlake.query.activity import PLANNING, RUNNING, WAITING, Activity, Counts
from flightlake.telemetry import Observer, QueryFinished

T = TypeVar("T")

UNKNOWN = "unknown"


class Record:
    """Times and outcome of one statement; ``finish`` emits the fact, once.

    *activity* is told of all that happens to it.
    """

    def __init__(
        self,
        statement: Statement,
        clock: Clock,
        observer: Observer,
        trace_id: str | None,
        activity: Activity,
    ) -> None:
        self._statement = statement
        self._clock = clock
        self._observer = observer
        self._trace_id = trace_id
        self._started = clock.monotonic()
        self._queue = self._planning = timedelta()
        self._finished = False
        self._kind = UNKNOWN
        self._activity = activity
        self._entry = activity.begin(statement, trace_id)

    @property
    def kind(self) -> str:
        """What the statement does, as far as that is known."""
        return self._kind

    @kind.setter
    def kind(self, kind: str) -> None:
        self._kind = kind
        self._activity.change(self._entry, kind=kind)

    def queued(self, wait: Callable[[], T]) -> T:
        """Return what *wait* returns; the time it takes is waiting."""
        begun = self._clock.monotonic()
        self._activity.change(self._entry, state=WAITING)
        try:
            return wait()
        finally:
            self._queue += timedelta(seconds=self._clock.monotonic() - begun)
            self._activity.change(self._entry, state=RUNNING, queue=self._queue)

    def planned(self, plan: Callable[[], T]) -> T:
        """Return what *plan* returns; the time it takes is planning."""
        begun = self._clock.monotonic()
        self._activity.change(self._entry, state=PLANNING)
        try:
            return plan()
        finally:
            self._planning += timedelta(seconds=self._clock.monotonic() - begun)
            self._activity.change(self._entry, state=RUNNING, planning=self._planning)

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

    def prepared(self) -> None:
        """Take note that this was all: nothing of the statement is to be run."""
        self._activity.forget(self._entry)

    def described(self) -> None:
        """Take note that the statement is planned, and its client has a ticket for it."""
        self._activity.rest(self._entry)

    def watch(self, counts: Counts) -> None:
        """Let *counts* say how many rows and bytes have been handed on, until the end."""
        self._activity.watch(self._entry, counts)

    def finish(self, rows: int, size: int, error: FlightlakeError | None) -> None:
        """Emit the fact; nothing the second time."""
        if self._finished:
            return
        self._finished = True
        status = "OK" if error is None else error.code.name
        message = None if error is None else error.message
        self._activity.end(self._entry, rows, size, status, message)
        self._observer.observe(
            QueryFinished(
                query_id=self._statement.id,
                session_id=self._statement.session_id,
                subject=self._statement.subject,
                kind=self.kind,
                status=status,
                rows=rows,
                bytes=size,
                queue=self._queue,
                planning=self._planning,
                total=timedelta(seconds=self._clock.monotonic() - self._started),
                sql=self._statement.sql,
                trace_id=self._trace_id,
                error=message,
            )
        )

"""The one place through which refreshes run, whoever wants them.

It knows what runs and what waits, lets one refresh of a view run at a time, and tells of each
exactly once how it ended.  Other processes know nothing of it: of two refreshes of one view in
two processes, the commit lets one win (``lake.commits``).
"""

import threading
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import Cancelled, FlightlakeError, InternalError, NotFound
from flightlake.names import TableIdentifier
from flightlake.refresh.outcomes import Outcome
from flightlake.refresh.status import code_name
from flightlake.telemetry import InternalFailure, Observer, RefreshFinished, Refreshing

CREATE, STATEMENT = "create", "statement"
LAG, SCHEDULE, CHANGE, PROBE = "lag", "schedule", "change", "probe"
QUEUED, RUNNING = "QUEUED", "RUNNING"

Work = Callable[[str, Cancellation], Outcome]
"""Refreshes a view, under an id, until it is cancelled."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refresh that somebody wants; see ``telemetry.RefreshFinished`` for the words."""

    view: TableIdentifier
    trigger: str
    subject: str = ""
    attempt: int = 1
    lag: timedelta | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A refresh that waits (``QUEUED``) or runs (``RUNNING``), since ``started``."""

    id: str
    wanted: Wanted
    state: str
    started: datetime
    call: Cancellation = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: with an ``outcome``, or with a ``failure``."""

    run: Run
    duration: timedelta
    outcome: Outcome | None = None
    failure: FlightlakeError | None = None


class Runs:
    """All refreshes of this process.  Thread-safe.

    Args:
        clock: The time.
        observer: Is told of each refresh's end, once.
    """

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self._clock = clock
        self._observer = observer
        self._lock = threading.Lock()
        self._lines: dict[TableIdentifier, deque[threading.Event]] = {}
        self._known: dict[str, Run] = {}
        self._listeners: list[Callable[[Ended], object]] = []
        self._watchers: list[Callable[[TableIdentifier], object]] = []

    def run(self, wanted: Wanted, work: Work, call: Cancellation) -> Outcome:
        """Do *work*, after whatever runs for the same view; return what came of it.

        Raises:
            FlightlakeError: The reason of *call*, or whatever *work* raises.
        """
        return self.carry_out(self.queued(wanted, call), work)

    def queued(self, wanted: Wanted, call: Cancellation) -> Run:
        """Return a run that is known from now on, and waits to be carried out."""
        run = Run(uuid.uuid4().hex, wanted, QUEUED, self._clock.now(), call)
        with self._lock:
            self._known[run.id] = run
            self._tell()
        return run

    def carry_out(self, run: Run, work: Work) -> Outcome:
        """Do the *work* of a queued run; see ``run``."""
        begun = self._clock.monotonic()
        try:
            with self._turn(run):
                begun = self._clock.monotonic()
                run = replace(run, state=RUNNING, started=self._clock.now())
                with self._lock:
                    self._known[run.id] = run
                    self._tell()
                outcome = work(run.id, run.call)
        except FlightlakeError as failure:
            self._end(Ended(run, self._since(begun), failure=failure))
            raise
        except BaseException as defect:
            detail = "".join(traceback.format_exception(defect))
            self._observer.observe(InternalFailure("refresh", run.id, detail))
            hidden = InternalError(f"the refresh of {run.wanted.view} met an internal error")
            self._end(Ended(run, self._since(begun), failure=hidden))
            raise
        outcome = replace(outcome, refresh_id=run.id)
        self._end(Ended(run, self._since(begun), outcome=outcome))
        return outcome

    def cancel(self, refresh_id: str, subject: str) -> Run:
        """Cancel a refresh that waits or runs, for *subject*; return it.

        Raises:
            NotFound: No such refresh runs in this process.
        """
        with self._lock:
            run = self._known.get(refresh_id)
        if run is None:
            raise NotFound(
                f"no refresh '{refresh_id[:64]}' is running or waiting in this server process; look"
                " at the column refresh_id of REFRESH … ASYNC"
            )
        run.call.cancel(Cancelled(f"the refresh was cancelled by {subject}"))
        return run

    def under_way(self) -> tuple[Run, ...]:
        """Return what waits and what runs, oldest first."""
        with self._lock:
            return tuple(sorted(self._known.values(), key=lambda run: run.started))

    def busy(self, view: TableIdentifier) -> bool:
        """Return whether a refresh of *view* waits or runs."""
        with self._lock:
            return any(run.wanted.view == view for run in self._known.values())

    def listen(self, listener: Callable[[Ended], object]) -> None:
        """Call *listener* after each end, in the thread that ran; it must not raise."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[TableIdentifier], object]) -> None:
        """Call *watcher* when a view is changed otherwise; it must not raise."""
        self._watchers.append(watcher)

    def changed(self, view: TableIdentifier) -> None:
        """Tell those who watch that *view* was changed: altered, renamed or dropped."""
        for watcher in self._watchers:
            watcher(view)

    @contextmanager
    def alone(self, view: TableIdentifier, patience: timedelta) -> Iterator[bool]:
        """While entered, no refresh of *view* runs; gives False if one still does after *patience*.

        Refreshes that are wanted meanwhile wait.
        """
        with self._in_line(view) as turn:
            yield self._clock.wait(turn, patience)

    @contextmanager
    def _turn(self, run: Run) -> Iterator[None]:
        """While entered, no other refresh of the view runs."""
        with self._in_line(run.wanted.view) as turn:
            forget = run.call.on_cancel(turn.set)
            try:
                self._clock.wait(turn, None)
                run.call.check()
                yield
            finally:
                forget()

    @contextmanager
    def _in_line(self, view: TableIdentifier) -> Iterator[threading.Event]:
        """Stand in line for *view*; gives what is set once all who were before have gone."""
        turn = threading.Event()
        with self._lock:
            line = self._lines.setdefault(view, deque())
            line.append(turn)
            if line[0] is turn:
                turn.set()
        try:
            yield turn
        finally:
            with self._lock:
                line.remove(turn)
                if line:
                    line[0].set()
                else:
                    self._lines.pop(view, None)

    def _since(self, begun: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - begun)

    def _tell(self) -> None:
        running = sum(run.state == RUNNING for run in self._known.values())
        self._observer.observe(Refreshing(running, len(self._known) - running))

    def _end(self, ended: Ended) -> None:
        with self._lock:
            self._known.pop(ended.run.id, None)
            self._tell()
        self._observer.observe(_fact(ended))
        for listener in self._listeners:
            listener(ended)


def _fact(ended: Ended) -> RefreshFinished:
    run, wanted, outcome, failure = ended.run, ended.run.wanted, ended.outcome, ended.failure
    told = RefreshFinished(
        refresh_id=run.id,
        view=wanted.view,
        trigger=wanted.trigger,
        subject=wanted.subject,
        status="OK" if failure is None else code_name(failure),
        started=run.started,
        duration=ended.duration,
        attempt=wanted.attempt,
        error=None if failure is None else failure.message,
        lag=wanted.lag,
        late=wanted.late,
    )
    if outcome is None:
        return told
    return replace(
        told,
        strategy=outcome.strategy,
        reason=outcome.reason,
        snapshot_id=outcome.snapshot,
        as_of=outcome.as_of,
        rows=outcome.rows,
        rows_written=outcome.rows_written,
        bytes_written=outcome.bytes_written,
        candidates=outcome.candidates,
        sources=outcome.sources,
    )

"""Refreshing a view by its name, for whoever wants it: at once, or in the background."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError, TimedOut
from flightlake.lake.commits import Committed
from flightlake.lake.decided_properties import change_properties
from flightlake.refresh.background import Background
from flightlake.refresh.finding import Views
from flightlake.refresh.outcomes import Outcome
from flightlake.refresh.policy import policy_of
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.runs import Run, Runs, Wanted, Work
from flightlake.refresh.status import STATUS, status_json, status_of, succeeded

After = Callable[[timedelta, Callable[[], object]], Callable[[], None]]
"""Calls a function after some time; what it returns takes that back."""


@dataclass(frozen=True, slots=True)
class Job:
    """One view to refresh; ``full`` even if nothing has changed."""

    wanted: Wanted
    full: bool = False


@dataclass(frozen=True, slots=True)
class Jobs:
    """Does refreshes by name.  Thread-safe.

    Args:
        views: Finds them.
        refresher: Makes their rows.
        runs: Knows what runs.
        background: Where those run that nobody waits for.
        after: The deadlines.
        timeout: How long a refresh in the background may take, if its view does not say.
    """

    views: Views
    refresher: Refresher
    runs: Runs
    background: Background
    after: After
    timeout: timedelta

    def now(self, job: Job, call: Cancellation) -> Outcome:
        """Refresh a view, and wait for it.

        Raises:
            FlightlakeError: It cannot be done; nothing has changed, unless that is not known.
        """
        return self.runs.run(job.wanted, self._work(job), call)

    def later(self, jobs: Sequence[Job]) -> list[Run]:
        """Refresh views in the background, one after the other; return their runs."""
        runs = [self.runs.queued(job.wanted, Cancellation()) for job in jobs]
        self._begin(deque(zip(jobs, runs, strict=True)), first=False)
        return runs

    def _begin(self, waiting: deque[tuple[Job, Run]], *, first: bool = True) -> None:
        """Refresh the first that is *waiting*, then the next."""
        if not waiting:
            return
        job, run = waiting.popleft()

        def task() -> None:
            # Whoever listens to the runs is told how it ends.
            try:
                with suppress(Exception):
                    self.runs.carry_out(run, self._limited(self._work(job), job))
            finally:
                self._begin(waiting)

        self.background.submit(task, run.call, first)

    def _work(self, job: Job) -> Work:
        view = job.wanted.view

        def work(refresh_id: str, call: Cancellation) -> Outcome:
            catalog = self.views.allowed(view)
            base = self.refresher.threads.run(lambda: self.views.existing(view), call)
            outcome = self.refresher.refresh(catalog, base, job.full, call, refresh_id)
            status = status_of(base.metadata.properties)
            if succeeded(status) != status:
                # The rows are right, whatever becomes of this; the next refresh sees to it again.
                with suppress(FlightlakeError):
                    change_properties(catalog, view, _well)
            return outcome

        return work

    def _limited(self, work: Work, job: Job) -> Work:
        def limited(refresh_id: str, call: Cancellation) -> Outcome:
            view, threads = job.wanted.view, self.refresher.threads
            # On a thread that can be left: its store may hang, too.
            found = threads.run(lambda: self.views.existing(view).metadata.properties, call)
            limit = policy_of(found, view).timeout or self.timeout
            error = TimedOut(
                f"the refresh of {view} took longer than {limit.total_seconds():g} s; give it more"
                f" by ALTER MATERIALIZED VIEW {view} SET (timeout = '…')"
            )
            forget = self.after(limit, lambda: call.cancel(error))
            try:
                return work(refresh_id, call)
            finally:
                forget()

        return limited


def _well(view: Committed) -> Mapping[str, str]:
    return {STATUS: status_json(succeeded(status_of(view.metadata.properties)))}

"""The upkeep of views done now and then, for as long as a server runs."""

import logging
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import Cancelled, FlightlakeError
from flightlake.refresh.maintenance import Maintenance, Predicate
from flightlake.telemetry import InternalFailure, Observer

_LOG = logging.getLogger(__name__)
_FIRST = 10
"""The first time is after this part of the time between two: a server that just began is busy."""


class Housekeeping:
    """Runs ``Maintenance`` in a thread of its own, between ``start`` and ``stop``.

    Args:
        maintenance: What is run.
        every: The time between two runs; zero for never.
        busy: Whether a view is being refreshed, so that it is left for the next time.
        mine: Whether a view is this process's to look after.
        clock: The time.
        observer: Is told of defects.
        compact_every: The time between two looks at small files alone; zero for none.
    """

    def __init__(
        self,
        maintenance: Maintenance,
        every: timedelta,
        busy: Predicate,
        clock: Clock,
        observer: Observer,
        mine: Predicate = lambda view: True,
        compact_every: timedelta = timedelta(),
    ) -> None:
        self._maintenance = maintenance
        self._works: list[tuple[timedelta, Callable[[], object]]] = [
            (often, work)
            for often, work in ((every, self._keep), (compact_every, self._compact))
            if often
        ]
        self._busy = busy
        self._mine = mine
        self._clock = clock
        self._observer = observer
        self._stopped = threading.Event()
        self._call = Cancellation()
        self._thread = threading.Thread(target=self._loop, name="upkeep", daemon=True)
        self.runs = 0
        """How many runs have ended."""

    def start(self) -> None:
        """Begin; with nothing to write, or with times of zero, nothing is ever done."""
        if self._works and self._maintenance.writable:
            self._thread.start()

    def stop(self, patience: timedelta = timedelta(seconds=10)) -> None:
        """End; what is being done stops between two files, and is finished some other time."""
        self._stopped.set()
        self._call.cancel(Cancelled("the server is stopping"))
        if self._thread.is_alive():
            self._thread.join(patience.total_seconds())

    def _loop(self) -> None:
        now = self._clock.now()
        due = [now + often / _FIRST for often, _ in self._works]
        while True:
            place = min(range(len(due)), key=due.__getitem__)
            wait = max(due[place] - self._clock.now(), timedelta())
            # A clock that was set back must not make it wait any longer.
            often, work = self._works[place]
            if self._clock.wait(self._stopped, min(wait, often)):
                return
            self._do(work)
            due[place] = self._clock.now() + often

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except FlightlakeError as failure:
            if not self._stopped.is_set():
                _LOG.warning("the upkeep of views was put off: %s", failure.message)
        except Exception as defect:  # noqa: BLE001 - the next run may fare better
            detail = "".join(traceback.format_exception(defect))
            self._observer.observe(InternalFailure("maintenance", None, detail))
        self.runs += 1

    def _keep(self) -> None:
        self._maintenance.run(self._call, self._busy, self._mine)

    def _compact(self) -> None:
        self._maintenance.compact(self._call, self._mine)

"""A server between its start and its end."""

import signal
import threading
from collections.abc import Sequence
from datetime import timedelta

from flightlake.clock import Clock
from flightlake.engine.spill import SpillDirectory
from flightlake.query.service import QueryService
from flightlake.refresh.history_store import HistoryStore
from flightlake.refresh.housekeeping import Housekeeping
from flightlake.refresh.scheduler.loop import Scheduler
from flightlake.server.flight_server import FlightServer
from flightlake.server.probes import ProbeServer

_SECONDS = timedelta(seconds=3)


class App:
    """A server with all its parts, between ``start`` and ``stop``."""

    def __init__(
        self,
        flight: FlightServer,
        probes: ProbeServer,
        query: QueryService,
        store: HistoryStore,
        scheduler: Scheduler,
        keeping: Housekeeping,
        spill: SpillDirectory,
        state: "State",
        host: str,
        scheme: str,
        drain_timeout: timedelta,
        clock: Clock,
    ) -> None:
        self._flight = flight
        self._probes = probes
        self._query = query
        self._store = store
        self._scheduler = scheduler
        self._keeping = keeping
        self._spill = spill
        self._state = state
        self._host = f"[{host}]" if ":" in host else host
        self._scheme = scheme
        self._drain_timeout = drain_timeout
        self._clock = clock
        self._told_to_stop = threading.Event()
        self.location = ""
        self.management_port = 0

    def start(self) -> None:
        """Listen and serve; ``location`` is the URI and ``management_port`` the port of probes.

        Raises:
            PreconditionFailed: An address cannot be listened on.
        """
        self.management_port = self._probes.start()
        try:
            port = self._flight.start()
        except BaseException:
            self._probes.stop()
            raise
        self._store.start()
        self._keeping.start()
        self.location = f"{self._scheme}://{self._host}:{port}"
        self._state.name = "ready"
        self._scheduler.start()

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT end ``run``; one that comes before ``start`` is not lost."""

        def handle(number: int, frame: object) -> None:
            if self._told_to_stop.is_set():
                self._flight.force()
            self._told_to_stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle)

    def run(self) -> bool:
        """Serve until a signal that is heeded, then drain and stop; a second one cuts that short.

        Returns whether all clients were served to the end.
        """
        # The system may give a signal to any thread; Python runs its handler on this one alone, and
        # a wait without end is not cut short for it.
        while not self._told_to_stop.wait(0.1):
            pass
        return self.stop(self._drain_timeout)

    def stop(self, drain: timedelta = timedelta()) -> bool:
        """Refuse new statements, serve issued tickets and let refreshes end, for at most *drain*
        in all; then end what is left, which takes seconds.
        """
        self._state.name = "draining"
        self._scheduler.leave()
        deadline = self._clock.monotonic() + drain.total_seconds()
        drained = self._flight.drain(drain) if drain else True
        self._keeping.stop(_SECONDS)
        left = max(deadline - self._clock.monotonic(), 0.0) if drained else 0.0
        self._scheduler.stop(timedelta(seconds=left))
        self._flight.stop()
        self._query.close()
        self._store.stop()  # after all that it is told of
        self._probes.stop()
        self._spill.close()
        return drained


class State:
    """What the probes say: ``starting``, ``ready`` or ``draining``."""

    name = "starting"

    def problems(self) -> Sequence[str]:
        return () if self.name == "ready" else (self.name,)

    def not_started(self) -> Sequence[str]:
        return (self.name,) if self.name == "starting" else ()

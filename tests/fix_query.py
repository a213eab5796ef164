"""Statements that do not end by themselves, and waiting until everything is at rest."""

import time
from collections.abc import Callable
from datetime import timedelta

from flightlake.clock import ManualClock
from tests.fix_engine import Served
from tests.fix_server import eventually

# Runs for ever, and gives no row before its end.
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000)"
# Gives rows for a very long time.
LONG = "SELECT a.id FROM big a, big b, big c, big d"


def all_free(served: Served) -> None:
    eventually(lambda: (served.running, served.waiting) == (0, 0), "all slots are free")


def idle() -> None:
    """Wait until this process uses next to no CPU."""

    def quiet() -> bool:
        begun, used = time.monotonic(), time.process_time()
        time.sleep(0.2)
        return time.process_time() - used < 0.3 * (time.monotonic() - begun)

    eventually(quiet, "the engine has stopped working")


def passes(clock: ManualClock, done: Callable[[], bool]) -> Callable[[], bool]:
    def advance() -> bool:
        clock.advance(timedelta(hours=2))
        return done()

    return advance

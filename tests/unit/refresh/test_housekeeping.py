"""The upkeep of a running server: when it is done, and that nothing ends it but the end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import NotReady
from flightlake.refresh.housekeeping import Housekeeping
from flightlake.refresh.maintenance import Maintained, Maintenance, Upkeep
from flightlake.telemetry import InternalFailure
from tests.fix_server import Recorder

HOUR = timedelta(hours=1)


def _housekeeping(
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[[], Any],
    every: timedelta = HOUR,
    writable: frozenset[str] = frozenset({"lake"}),
) -> tuple[Housekeeping, ManualClock, Recorder]:
    def work(self: Maintenance, call: Cancellation, *_: object) -> list[Maintained]:
        run()
        call.check()
        return []

    monkeypatch.setattr(Maintenance, "run", work)
    clock, observed = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Recorder()
    kept = Maintenance({}, writable, Upkeep(), clock, observed)
    return Housekeeping(kept, every, lambda view: False, clock, observed), clock, observed


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_it_is_done_again_and_again_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    endings = iter([None, NotReady("the catalog does not answer"), ValueError("a defect"), None])

    def run() -> None:
        ending = next(endings)
        if ending is not None:
            raise ending

    keeping, clock, observed = _housekeeping(monkeypatch, run)
    keeping.start()
    for number in range(4):
        assert keeping.runs == number
        clock.advance(HOUR if number else HOUR / 10)
        _until(lambda wanted=number + 1: keeping.runs == wanted)  # type: ignore[misc]
    keeping.stop()
    assert len(observed.of(InternalFailure)) == 1


def test_the_end_of_the_server_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    keeping, _, _ = _housekeeping(monkeypatch, lambda: begun.append(True))
    keeping.start()
    keeping.stop()
    assert not begun
    keeping.stop()


@pytest.mark.parametrize(("every", "writable"), [(timedelta(), {"lake"}), (HOUR, set())])
def test_where_there_is_nothing_to_do_no_thread_is_made(
    monkeypatch: pytest.MonkeyPatch, every: timedelta, writable: set[str]
) -> None:
    keeping, clock, _ = _housekeeping(monkeypatch, lambda: None, every, frozenset(writable))
    keeping.start()
    clock.advance(10 * HOUR)
    keeping.stop()
    assert keeping.runs == 0

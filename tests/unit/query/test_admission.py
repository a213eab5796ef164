"""Slots are given in order, to as many as may run, and always come back."""

import random
import threading
from datetime import timedelta

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock, ManualClock, SystemClock
from flightlake.errors import Cancelled, FlightlakeError, Overloaded, TimedOut
from flightlake.query.admission import Slots
from flightlake.telemetry import Admission
from tests.fix_engine import MOMENT, in_thread
from tests.fix_server import Recorder, eventually


def slots(running: int, queued: int, clock: Clock | None = None) -> tuple[Slots, Recorder]:
    seen = Recorder()
    return Slots(running, queued, timedelta(seconds=30), clock or SystemClock(), seen), seen


def state(seen: Recorder) -> tuple[int, int]:
    last: Admission = seen.of(Admission)[-1]
    return last.running, last.queued


def test_no_more_run_than_may() -> None:
    made, seen = slots(2, 1)
    first, second = made.take(Cancellation()), made.take(Cancellation())
    third = in_thread(lambda: made.take(Cancellation()))
    eventually(lambda: state(seen) == (2, 1), "the third waits")
    with pytest.raises(Overloaded, match="2 statements are running and 1 waiting"):
        made.take(Cancellation())
    first.free()
    third.result().free()
    second.free()
    assert state(seen) == (0, 0)


def test_those_who_wait_are_served_in_order() -> None:
    made, seen = slots(1, 10)
    held = made.take(Cancellation())
    order: list[int] = []

    def wait(number: int) -> None:
        with made.take(Cancellation()):
            order.append(number)

    threads = []
    for number in range(5):
        threads.append(in_thread(lambda number=number: wait(number)))
        eventually(lambda number=number: state(seen) == (1, number + 1), "it waits")
    held.free()
    for thread in threads:
        thread.result()
    assert order == [0, 1, 2, 3, 4]
    assert state(seen) == (0, 0)


def test_slot_is_freed_once() -> None:
    made, seen = slots(1, 1)
    slot = made.take(Cancellation())
    with slot:
        slot.free()
        slot.free()
    assert state(seen) == (0, 0)
    made.take(Cancellation())
    assert state(seen) == (1, 0)


def test_wait_ends_in_time() -> None:
    clock = ManualClock(MOMENT)
    made, seen = slots(1, 1, clock)
    made.take(Cancellation())
    waiting = in_thread(lambda: made.take(Cancellation()))
    eventually(lambda: state(seen) == (1, 1), "it waits")

    def passed() -> bool:
        clock.advance(timedelta(seconds=31))
        return waiting.done

    eventually(passed, "the wait ends")
    with pytest.raises(Overloaded, match="no statement ended within 30 s"):
        waiting.result()
    assert state(seen) == (1, 0)


def test_cancelled_wait_ends_at_once_with_the_reason_and_its_place_is_free() -> None:
    made, seen = slots(1, 1)
    held = made.take(Cancellation())
    call = Cancellation()
    waiting = in_thread(lambda: made.take(call))
    eventually(lambda: state(seen) == (1, 1), "it waits")
    call.cancel(TimedOut("too long"))
    with pytest.raises(TimedOut, match="too long"):
        waiting.result()
    assert state(seen) == (1, 0)
    held.free()
    assert state(seen) == (0, 0)
    with pytest.raises(TimedOut):
        made.take(call)
    assert state(seen) == (0, 0)


def test_slots_all_come_back_whatever_is_cancelled_when() -> None:
    made, seen = slots(3, 50)
    most = 0
    holding = 0
    lock = threading.Lock()

    def worker(seed: int) -> None:
        nonlocal most, holding
        source = random.Random(seed)  # noqa: S311 - the same each time
        for _ in range(60):
            call = Cancellation()
            canceller = threading.Timer(source.random() * 0.004, call.cancel)
            canceller.start()
            try:
                slot = made.take(call)
                forget = call.on_cancel(slot.free)
                with lock:
                    holding += 1
                    most = max(most, holding)
                threading.Event().wait(source.random() * 0.002)
                with lock:
                    holding -= 1
                slot.free()
                forget()
            except (Cancelled, FlightlakeError):
                pass
            canceller.join()

    threads = [in_thread(lambda seed=seed: worker(seed)) for seed in range(12)]
    for thread in threads:
        thread.result(600)
    assert state(seen) == (0, 0)
    assert all(fact.running <= 3 for fact in seen.of(Admission))
    taken = [made.take(Cancellation()) for _ in range(3)]
    assert state(seen) == (3, 0)
    for slot in taken:
        slot.free()


def test_a_resting_slot_lets_another_run_and_goes_on_at_once() -> None:
    made, seen = slots(1, 1)
    first = made.take(Cancellation())
    first.rest()
    first.rest()
    assert state(seen) == (0, 0)
    second = made.take(Cancellation())
    first.resume()
    first.resume()
    assert state(seen) == (2, 0)
    waiting = in_thread(lambda: made.take(Cancellation()))
    eventually(lambda: state(seen) == (2, 1), "the third waits")
    second.free()
    assert state(seen) == (1, 1)  # one more was running than may: nobody takes its place
    first.free()
    waiting.result().free()
    assert state(seen) == (0, 0)


def test_a_slot_that_is_freed_while_it_rests_is_not_freed_twice() -> None:
    made, seen = slots(1, 1)
    slot = made.take(Cancellation())
    slot.rest()
    slot.free()
    slot.resume()
    slot.rest()
    assert state(seen) == (0, 0)
    made.take(Cancellation()).free()
    assert state(seen) == (0, 0)

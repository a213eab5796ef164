"""What nobody waits for runs a few at a time, in order, and while no statement waits."""

import threading
from datetime import UTC, datetime, timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock, SystemClock
from flightlake.refresh.background import Background
from tests.fix_patience import within
from tests.fix_server import eventually


def test_no_more_run_at_a_time_than_there_are_slots() -> None:
    background = Background(2, lambda: False, SystemClock())
    release, begun, lock = threading.Event(), [0], threading.Lock()

    def task() -> None:
        with lock:
            begun[0] += 1
        release.wait(120)

    assert background.free == 2
    for _ in range(5):
        background.submit(task)
    eventually(lambda: begun[0] == 2, "two tasks")
    assert (background.free, background.waiting) == (0, 3)
    release.set()
    eventually(lambda: begun[0] == 5 and background.free == 2, "all tasks")
    assert background.stop(timedelta(minutes=2))


def test_tasks_begin_in_order_and_one_that_fails_stops_none() -> None:
    background = Background(1, lambda: False, SystemClock())
    done: list[int] = []

    def task(number: int) -> None:
        done.append(number)
        if number == 1:
            raise ValueError("a defect")
        if number == 2:
            raise BaseException("as the engine panics")

    for number in range(4):
        background.submit(lambda number=number: task(number))
    eventually(lambda: len(done) == 4, "four tasks")
    assert done == [0, 1, 2, 3]
    assert background.stop(timedelta(minutes=2))


def test_nothing_begins_while_statements_wait() -> None:
    crowded, done = [True], threading.Event()
    background = Background(1, lambda: crowded[0], SystemClock())
    background.submit(done.set)
    assert not done.wait(0.3)
    crowded[0] = False
    assert done.wait(120)
    assert background.stop(timedelta(minutes=2))


def test_what_waits_still_sees_that_it_ends() -> None:
    background = Background(1, lambda: True, SystemClock())
    seen = threading.Event()
    background.submit(seen.set)
    assert background.stop(timedelta(minutes=2))
    assert seen.is_set()


def test_a_task_waits_for_statements_for_a_minute_and_no_longer() -> None:
    clock, done = ManualClock(datetime(2026, 5, 6, tzinfo=UTC)), threading.Event()
    background = Background(1, lambda: True, clock)
    background.submit(done.set)
    clock.advance(timedelta(seconds=50))
    assert not done.wait(0.3)

    def on() -> bool:
        clock.advance(timedelta(seconds=1))
        return done.is_set()

    eventually(on, "the task")
    assert background.stop(timedelta(minutes=2))


def test_an_end_waits_for_all_tasks_together_and_not_for_each() -> None:
    background, release = Background(4, lambda: False, SystemClock()), threading.Event()
    for _ in range(4):
        background.submit(lambda: release.wait(120))
    assert not within(1.5, lambda: background.stop(timedelta(seconds=0.5)))
    release.set()


def test_a_task_that_is_cancelled_gives_up_its_place_at_once_and_may_end_later() -> None:
    background, hanging, call = Background(1, lambda: False, SystemClock()), [], Cancellation()
    release, second, third = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        hanging.append(threading.current_thread())
        release.wait(60)

    background.submit(hang, call)
    background.submit(second.set)
    eventually(lambda: hanging and background.waiting == 1, "a task that hangs")
    call.cancel()
    assert second.wait(60)
    eventually(lambda: background.free == 1, "the end of the second")
    release.set()
    eventually(lambda: not hanging[0].is_alive(), "the end of the thread that was replaced")
    assert background.free == 1
    background.submit(third.set)
    assert third.wait(60)
    assert background.stop(timedelta(seconds=60))


def test_a_task_can_go_before_those_that_wait() -> None:
    background, release, done = Background(1, lambda: False, SystemClock()), threading.Event(), []
    background.submit(lambda: release.wait(60))
    eventually(lambda: background.free == background.waiting == 0, "the first")
    background.submit(lambda: done.append("last"))
    background.submit(lambda: done.append("first"), first=True)
    release.set()
    eventually(lambda: len(done) == 2, "both")
    assert done == ["first", "last"]
    assert background.stop(timedelta(seconds=60))

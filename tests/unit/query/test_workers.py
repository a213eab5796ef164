"""Work that nobody waits for any more holds up nobody else."""

import threading
from collections.abc import Iterator

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, InvalidSql, Overloaded
from flightlake.query.workers import Workers
from tests.fix_engine import in_thread
from tests.fix_server import eventually


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(1, spare=2)
    yield made
    made.stop()


class Stuck:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(120)
        return "made"


def abandon(workers: Workers, stuck: Stuck, **options: object) -> None:
    call = Cancellation()
    waiting = in_thread(lambda: workers.run(stuck, call, **options))  # type: ignore[arg-type]
    assert stuck.begun.wait(120)
    call.cancel(Cancelled("gone"))
    with pytest.raises(Cancelled, match="gone"):
        waiting.result()


def test_result_and_error_come_back_to_the_caller(workers: Workers) -> None:
    assert workers.run(lambda: threading.current_thread().name, Cancellation()) == "plan"

    def fail() -> None:
        raise InvalidSql("wrong")

    with pytest.raises(InvalidSql, match="wrong"):
        workers.run(fail, Cancellation())
    assert workers.run(lambda: 1, Cancellation()) == 1


def test_deep_recursion_has_room(workers: Workers) -> None:
    import sys

    def deep(left: int) -> int:
        # Through sorted's key, so that each level takes C stack too.
        return 0 if left == 0 else 1 + max([left - 1], key=deep) - (left - 1)

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        assert workers.run(lambda: deep(9_000), Cancellation()) == 1
    finally:
        sys.setrecursionlimit(before)


def test_caller_leaves_at_once_and_another_thread_takes_over(workers: Workers) -> None:
    stuck = Stuck()
    abandon(workers, stuck)
    assert workers.run(lambda: "next", Cancellation()) == "next"
    stuck.go.set()


def test_result_that_nobody_waits_for_is_discarded(workers: Workers) -> None:
    stuck, discarded = Stuck(), []
    abandon(workers, stuck, discard=discarded.append)
    assert discarded == []
    stuck.go.set()
    eventually(lambda: discarded == ["made"], "the result is discarded")


def test_work_that_has_not_begun_is_never_begun_once_cancelled(workers: Workers) -> None:
    stuck = Stuck()
    first = in_thread(lambda: workers.run(stuck, Cancellation()))
    assert stuck.begun.wait(120)
    begun: list[int] = []
    call = Cancellation()
    second = in_thread(lambda: workers.run(lambda: begun.append(1), call))
    call.cancel()
    with pytest.raises(Cancelled):
        second.result()
    stuck.go.set()
    assert first.result() == "made"
    assert workers.run(lambda: "next", Cancellation()) == "next"
    assert begun == []


def test_too_many_abandoned_are_refused_until_one_ends(workers: Workers) -> None:
    stuck = [Stuck(), Stuck()]
    for one in stuck:
        abandon(workers, one)
    with pytest.raises(Overloaded, match="still being planned"):
        workers.run(lambda: 1, Cancellation())
    stuck[0].go.set()

    def served() -> bool:
        try:
            return workers.run(lambda: True, Cancellation())
        except Overloaded:
            return False

    eventually(served, "a thread is free again")
    stuck[1].go.set()


def test_threads_do_not_grow_with_cancelled_work(workers: Workers) -> None:
    def planning() -> int:
        return sum(thread.name == "plan" for thread in threading.enumerate())

    before = planning()
    for _ in range(20):
        stuck = Stuck()
        abandon(workers, stuck)
        stuck.go.set()
        eventually(lambda: planning() <= before, "the thread that was replaced has ended")
    assert workers.run(lambda: 1, Cancellation()) == 1

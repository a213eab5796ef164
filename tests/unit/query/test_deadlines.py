"""What is to happen later happens then, unless it is taken back."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from flightlake.clock import ManualClock
from flightlake.query.deadlines import Deadlines
from tests.fix_engine import MOMENT
from tests.fix_server import eventually


class Passing:
    """Deadlines on a clock of the test's own."""

    def __init__(self) -> None:
        self.clock = ManualClock(MOMENT)
        self.deadlines = Deadlines(self.clock)
        self.called: list[str] = []

    def after(self, seconds: float, name: str) -> object:
        return self.deadlines.after(timedelta(seconds=seconds), lambda: self.called.append(name))

    def pass_(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def settle(self) -> None:
        """Wait until all that is due has been called."""
        done = threading.Event()
        self.deadlines.after(timedelta(), done.set)
        eventually(done.is_set, "the thread comes by")


@pytest.fixture
def passing() -> Iterator[Passing]:
    made = Passing()
    yield made
    made.deadlines.stop()


def test_functions_are_called_in_the_order_of_their_time(passing: Passing) -> None:
    passing.after(20, "later")
    passing.after(10, "sooner")
    passing.settle()
    assert passing.called == []
    passing.pass_(10)
    passing.settle()
    assert passing.called == ["sooner"]
    passing.pass_(30)
    passing.settle()
    assert passing.called == ["sooner", "later"]


def test_what_is_taken_back_is_not_called(passing: Passing) -> None:
    takes_back = [passing.after(5, str(number)) for number in range(300)]
    for take_back in takes_back[1:]:
        take_back()  # type: ignore[operator]
    passing.pass_(6)
    passing.settle()
    assert passing.called == ["0"]
    takes_back[0]()  # type: ignore[operator]  # too late, and harmless


def test_failing_function_does_not_stop_the_others(passing: Passing) -> None:
    def fail() -> None:
        raise OSError("a listener that broke")

    passing.deadlines.after(timedelta(seconds=1), fail)
    passing.after(2, "after")
    passing.pass_(3)
    passing.settle()
    assert passing.called == ["after"]


def test_nothing_is_called_after_the_stop() -> None:
    passing = Passing()
    passing.after(1, "late")
    passing.deadlines.stop()
    eventually(lambda: not passing.deadlines.alive, "the thread ends")
    passing.pass_(10)
    assert passing.called == []

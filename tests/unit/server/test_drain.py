"""When a server that is leaving may go."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from flightlake.clock import ManualClock, SystemClock
from flightlake.errors import NotReady
from flightlake.server.drain import Traffic

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Steps(ManualClock):
    """Moves by what is waited for, and runs a step of the test each time."""

    def __init__(self, *steps):
        super().__init__(START)
        self.steps = list(steps)

    def wait(self, event, timeout):
        self.advance(timeout)
        if self.steps:
            self.steps.pop(0)()
        return event.is_set()


def test_new_statements_are_taken_until_draining():
    traffic = Traffic()
    traffic.refuse_if_draining()
    traffic.start_draining()
    with pytest.raises(NotReady, match="shutting down"):
        traffic.refuse_if_draining()


def test_running_calls_are_counted_also_when_they_fail():
    traffic = Traffic()

    def failing_call():
        with traffic.passing():
            assert traffic.running == 1
            raise KeyError

    with pytest.raises(KeyError):
        failing_call()
    assert traffic.running == 0


def test_a_server_without_calls_is_quiet_after_the_quiet_time():
    clock = Steps()
    assert Traffic().wait_until_quiet(SECOND, 10 * SECOND, clock, threading.Event())
    assert 1 <= clock.monotonic() < 1.1


def test_a_short_call_begins_the_quiet_time_anew():
    traffic = Traffic()

    def call():
        with traffic.passing():
            pass

    clock = Steps(*([lambda: None] * 40), call)
    assert traffic.wait_until_quiet(SECOND, 10 * SECOND, clock, threading.Event())
    assert 1.8 < clock.monotonic() < 2


def test_a_call_that_does_not_end_is_waited_for_until_the_timeout():
    traffic, clock = Traffic(), Steps()
    with traffic.passing():
        assert not traffic.wait_until_quiet(SECOND, 10 * SECOND, clock, threading.Event())
    assert 10 <= clock.monotonic() < 10.1


def test_giving_up_ends_the_wait_at_once():
    give_up = threading.Event()
    give_up.set()
    traffic = Traffic()
    with traffic.passing():
        assert not traffic.wait_until_quiet(SECOND, 10 * SECOND, SystemClock(), give_up)


def test_a_ticket_that_was_just_given_is_waited_for():
    traffic, clock = Traffic(), Steps()
    traffic.issued(b"ticket", clock.monotonic())
    assert traffic.wait_until_quiet(SECOND, 60 * SECOND, clock, threading.Event())
    assert 6 <= clock.monotonic() < 6.2


def test_a_ticket_that_was_redeemed_is_not_waited_for():
    traffic, clock = Traffic(), Steps()
    traffic.issued(b"ticket", clock.monotonic())
    traffic.redeemed(b"ticket")
    traffic.redeemed(b"another server's")
    assert traffic.wait_until_quiet(SECOND, 60 * SECOND, clock, threading.Event())
    assert clock.monotonic() < 1.1

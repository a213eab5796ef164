"""Slowing down those who guess."""

from datetime import timedelta

import pytest

from flightlake.auth.throttle import WAIT, Throttle
from flightlake.clock import ManualClock
from flightlake.errors import NotAuthenticated
from tests.fix_auth import START

ATTACKER, HOME = "203.0.113.9", "198.51.100.7"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(clock=clock)


def refused(throttle: Throttle, user: str, address: str) -> bool:
    try:
        throttle.check(user, address)
    except NotAuthenticated as error:
        return error.message == WAIT
    return False


def fail(throttle: Throttle, user: str, address: str, times: int) -> None:
    for _ in range(times):
        throttle.failed(user, address)


def test_five_failures_are_free_of_charge_but_the_next_has_to_wait(
    throttle: Throttle, clock: ManualClock
) -> None:
    fail(throttle, "alice", ATTACKER, 4)
    assert not refused(throttle, "alice", ATTACKER)
    fail(throttle, "alice", ATTACKER, 1)
    assert refused(throttle, "alice", ATTACKER)
    clock.advance(timedelta(seconds=1))
    assert not refused(throttle, "alice", ATTACKER)


def test_each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(
    throttle: Throttle, clock: ManualClock
) -> None:
    fail(throttle, "alice", ATTACKER, 5)
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900):
        clock.advance(timedelta(seconds=seconds - 0.5))
        assert refused(throttle, "alice", ATTACKER)
        clock.advance(timedelta(seconds=0.5))
        assert not refused(throttle, "alice", ATTACKER)
        throttle.failed("alice", ATTACKER)


def test_an_address_that_tries_many_names_has_to_wait_for_all_of_them(throttle: Throttle) -> None:
    for number in range(5):
        throttle.failed(f"user{number}", ATTACKER)
    assert refused(throttle, "somebody else", ATTACKER)
    assert not refused(throttle, "somebody else", HOME)


def test_the_owner_logs_in_from_home_while_the_whole_world_guesses(
    throttle: Throttle, clock: ManualClock
) -> None:
    for number in range(1000):
        fail(throttle, "alice", f"203.0.{number // 250}.{number % 250}", 3)
    assert refused(throttle, "alice", "203.0.1.1")
    assert not refused(throttle, "alice", HOME)
    throttle.succeeded("alice", HOME)
    throttle.failed("alice", HOME)  # a slip does not throw the owner among the suspects
    assert not refused(throttle, "alice", HOME)


def test_many_addresses_that_guess_at_one_user_wait_for_each_other(
    throttle: Throttle, clock: ManualClock
) -> None:
    for number in range(20):
        fail(throttle, "alice", f"203.0.113.{number}", 1)
    assert refused(throttle, "alice", "203.0.113.3")
    assert not refused(throttle, "bob", "203.0.113.3")


def test_a_neighbour_behind_the_same_gateway_does_not_lock_out_who_has_logged_in(
    throttle: Throttle,
) -> None:
    throttle.succeeded("alice", HOME)
    fail(throttle, "broken-dashboard", HOME, 50)
    assert not refused(throttle, "alice", HOME)
    assert refused(throttle, "bob", HOME)


def test_success_forgives_and_silence_forgets(throttle: Throttle, clock: ManualClock) -> None:
    fail(throttle, "alice", HOME, 4)
    throttle.succeeded("alice", HOME)
    fail(throttle, "alice", HOME, 4)
    assert not refused(throttle, "alice", HOME)
    fail(throttle, "bob", ATTACKER, 8)
    clock.advance(timedelta(minutes=16))
    fail(throttle, "bob", ATTACKER, 4)
    assert not refused(throttle, "bob", ATTACKER)


def test_an_ipv6_attacker_is_a_network_not_an_address(throttle: Throttle) -> None:
    for number in range(5):
        throttle.failed("alice", f"2001:db8::{number:x}")
    assert refused(throttle, "alice", "2001:db8::ffff")
    assert not refused(throttle, "alice", "2001:db8:0:1::1")


def test_an_ipv4_address_in_ipv6_dress_is_the_same_address(throttle: Throttle) -> None:
    fail(throttle, "alice", f"::ffff:{ATTACKER}", 5)
    assert refused(throttle, "alice", ATTACKER)


def test_an_address_of_unknown_kind_is_taken_as_it_is(throttle: Throttle) -> None:
    fail(throttle, "alice", "unix:/run/x", 5)
    assert refused(throttle, "alice", "unix:/run/x")


def test_memory_is_bounded_and_the_busy_attacker_is_not_forgotten(throttle: Throttle) -> None:
    for number in range(30_000):
        throttle.failed(f"user{number}", ATTACKER)
        throttle.succeeded(f"user{number}", f"10.0.{number // 256}.{number % 256}")
    sizes = [len(throttle._pairs.entries), len(throttle._users.entries), len(throttle._known)]
    assert max(sizes) <= 10_000
    assert refused(throttle, "anybody", ATTACKER)

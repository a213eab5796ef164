"""When one view is due, by what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.errors import FlightlakeError, NotFound, NotReady
from flightlake.names import TableIdentifier
from flightlake.refresh.policy import OnChange, Policy
from flightlake.refresh.runs import CHANGE, LAG, PROBE, SCHEDULE
from flightlake.refresh.scheduler.due import Due, Facts, Since, due, jitter, pause, share
from flightlake.refresh.schedules import Cron, Every
from flightlake.refresh.status import WELL, failed, resumed, suspended

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = Since(NOON - timedelta(days=30))
VIEW = TableIdentifier("lake", "shop", "v")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FIVE_MINUTES = Policy(target_lag=5 * MINUTE)


def facts(policy: Policy, **known: Any) -> Facts:
    return Facts(VIEW, policy, **{"anchor": NOON, **known})


def when(found: Facts, since: Since = LONG_AGO) -> Due | None:
    return due(found, found.oldest, since)


def failing(failure: FlightlakeError, times: int, suspend_after: int = 5) -> Any:
    status = WELL
    for _ in range(times):
        status = failed(status, failure, NOON, suspend_after, "as it was")
    return status


def test_a_view_without_wishes_is_never_due() -> None:
    assert when(facts(Policy(), oldest=NOON)) is None
    assert when(facts(FIVE_MINUTES)) is None


def test_a_target_lag_counts_from_the_oldest_change_and_leaves_time_for_the_refresh() -> None:
    found = when(facts(FIVE_MINUTES, oldest=NOON, expected=2 * MINUTE))
    assert found == Due(VIEW, NOON + 2.5 * MINUTE, LAG, NOON + 5 * MINUTE)


def test_what_takes_longer_than_its_lag_begins_at_once() -> None:
    found = when(facts(FIVE_MINUTES, oldest=NOON, expected=HOUR))
    assert found is not None
    assert (found.at, found.deadline) == (NOON, NOON + 5 * MINUTE)


def test_a_period_counts_from_the_last_refresh_and_is_never_exceeded() -> None:
    found = when(facts(Policy(schedule=Every(15 * MINUTE))))
    assert found is not None
    assert found.trigger == SCHEDULE
    assert NOON + 14 * MINUTE <= found.at <= NOON + 15 * MINUTE
    assert found == when(facts(Policy(schedule=Every(15 * MINUTE))))


def test_of_several_missed_times_one_is_made_up_for() -> None:
    cron = Policy(schedule=Cron("0 3 * * *"))
    missed = when(facts(cron, anchor=NOON - timedelta(days=9)))
    assert missed is not None
    assert missed.at == datetime(2026, 11, 12, 3, tzinfo=UTC)  # overdue, at any time since
    done = when(facts(cron, anchor=NOON))
    assert done is not None
    assert done.at == datetime(2026, 11, 21, 3, tzinfo=UTC)


def test_a_change_makes_a_view_due_at_once_or_with_a_distance() -> None:
    at_once = when(facts(Policy(on_change=OnChange()), oldest=NOON + SECOND))
    assert at_once is not None
    assert (at_once.at, at_once.trigger) == (NOON + SECOND, CHANGE)
    distant = when(facts(Policy(on_change=OnChange(MINUTE)), oldest=NOON + SECOND))
    assert distant is not None
    assert distant.at == NOON + MINUTE
    rested = when(facts(Policy(on_change=OnChange(MINUTE)), oldest=NOON + HOUR))
    assert rested is not None
    assert rested.at == NOON + HOUR


def test_the_earliest_wish_counts() -> None:
    both = Policy(target_lag=HOUR, on_change=OnChange(), schedule=Cron("0 3 * * *"))
    found = when(facts(both, oldest=NOON + MINUTE))
    assert found is not None
    assert found.trigger == CHANGE


def test_what_a_user_suspends_is_never_due_until_it_is_resumed() -> None:
    status = suspended(failing(NotReady("x"), 2))
    assert when(facts(FIVE_MINUTES, oldest=NOON, status=status)) is None
    assert when(facts(FIVE_MINUTES, oldest=NOON, status=resumed(status))) is not None


def test_what_may_pass_is_tried_again_sooner_and_then_later() -> None:
    pauses = [pause(VIEW, failing(NotReady("x"), times)) for times in range(1, 30)]
    assert 0.75 * SECOND <= pauses[0] <= 1.25 * SECOND
    for times, found in enumerate(pauses):
        nominal = min(SECOND * 2**times, 5 * MINUTE)
        assert 0.75 * nominal <= found <= 1.25 * nominal
    other = TableIdentifier("lake", "shop", "w")
    assert pause(other, failing(NotReady("x"), 9)) != pause(VIEW, failing(NotReady("x"), 9))


def test_a_failed_refresh_by_the_calendar_is_not_left_until_tomorrow() -> None:
    status = failing(NotReady("x"), 3)
    found = when(facts(Policy(schedule=Cron("0 3 * * *")), status=status, seen="as it was"))
    assert found is not None
    assert found.at == NOON + pause(VIEW, status)


def test_what_comes_again_is_tried_again_at_once_when_something_has_changed() -> None:
    status = failing(NotFound("x"), 4)
    waiting = facts(FIVE_MINUTES, oldest=NOON, status=status, seen="as it was")
    found = when(waiting)
    assert found is not None
    assert found.at > NOON + MINUTE - 20 * SECOND
    found = when(replace(waiting, seen="with a new column"))
    assert found is not None
    assert found.at == NOON + SECOND


def test_what_errors_suspended_is_probed_after_six_hours_or_when_something_has_changed() -> None:
    status = failing(NotFound("x"), 5)
    assert status.suspended
    probe = when(facts(FIVE_MINUTES, oldest=NOON, status=status, seen="as it was"))
    assert probe is not None
    assert (probe.at, probe.trigger) == (NOON + 6 * HOUR, PROBE)
    changed = when(facts(FIVE_MINUTES, oldest=NOON, status=status, seen="by another version"))
    assert changed is not None
    assert (changed.at, changed.trigger) == (NOON + SECOND, PROBE)


def test_a_restart_spreads_what_was_overdue() -> None:
    since = Since(NOON)
    names = [TableIdentifier("lake", "shop", f"v{number}") for number in range(1000)]
    overdue = [
        due(Facts(name, FIVE_MINUTES, NOON - HOUR, oldest=NOON - HOUR), NOON - HOUR, since)
        for name in names
    ]
    delays = sorted((one.at - NOON).total_seconds() for one in overdue if one is not None)
    assert len(delays) == 1000
    assert delays[0] >= 0
    assert delays[-1] < 30  # 10 % of the lag
    for second in range(30):
        assert sum(second <= delay < second + 1 for delay in delays) < 70  # no herd
    slow = Policy(schedule=Cron("0 3 * * *"))
    found = due(Facts(VIEW, slow, NOON - timedelta(days=3)), None, since)
    assert found is not None
    assert NOON <= found.at < NOON + MINUTE


def test_a_restart_delays_nothing_that_is_due_later() -> None:
    found = when(facts(FIVE_MINUTES, oldest=NOON), Since(NOON + SECOND))
    assert found == when(facts(FIVE_MINUTES, oldest=NOON))


@given(st.text(max_size=10), st.timedeltas(min_value=SECOND, max_value=timedelta(days=99)))
def test_jitter_is_bounded_and_always_the_same(name: str, period: timedelta) -> None:
    view = TableIdentifier("lake", "shop", name)
    assert timedelta() <= jitter(view, period) <= min(period / 10, MINUTE)
    assert jitter(view, period) == jitter(view, period)
    assert 0 <= share(view, "x") < 1


@pytest.mark.parametrize("lag", [SECOND, 2 * SECOND, MINUTE, HOUR, timedelta(days=30)])
def test_a_refresh_is_never_due_before_the_change_nor_after_the_deadline(lag: timedelta) -> None:
    for expected in (timedelta(), lag / 3, lag * 2):
        found = when(facts(Policy(target_lag=lag), oldest=NOON, expected=expected))
        assert found is not None
        assert NOON <= found.at < found.deadline == NOON + lag

"""What a process remembers of its statements: bounded, and right at each moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flightlake.clock import ManualClock
from flightlake.flightsql.payloads import Statement
from flightlake.query.activity import ENDED, PLANNED, RUNNING, Activity

START = datetime(2026, 1, 2, tzinfo=UTC)
ONE = Statement(id="1", sql="SELECT 1", subject="ada", session_id="s")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def test_a_statement_is_seen_until_and_after_its_end(clock: ManualClock) -> None:
    activity = Activity(clock)
    entry = activity.begin(ONE, "trace")
    assert [(one.state, one.ended, one.trace_id) for one in activity.statements()] == [
        (RUNNING, None, "trace")
    ]
    activity.watch(entry, lambda: (3, 40))
    assert [(one.rows, one.bytes) for one in activity.statements()] == [(3, 40)]
    clock.advance(timedelta(seconds=2))
    activity.end(entry, 5, 60, "OK", None)
    activity.watch(entry, lambda: (0, 0))  # too late to count
    (seen,) = activity.statements()
    assert (seen.state, seen.rows, seen.bytes, seen.status) == (ENDED, 5, 60, "OK")
    assert (seen.started, seen.ended) == (START, START + timedelta(seconds=2))


def test_the_reading_of_a_ticket_is_the_same_statement(clock: ManualClock) -> None:
    activity = Activity(clock)
    activity.rest(activity.begin(ONE, None))
    assert [one.state for one in activity.statements()] == [PLANNED]
    clock.advance(timedelta(seconds=9))
    entry = activity.begin(ONE, None)
    assert [(one.state, one.started) for one in activity.statements()] == [(RUNNING, START)]
    activity.end(entry, 0, 0, "OK", None)
    # A stream that broke is read anew with the same ticket: that is another run of it.
    activity.begin(ONE, None)
    assert [one.state for one in activity.statements()] == [RUNNING]
    assert [one.statements for one in activity.sessions()] == [2]


def test_a_ticket_that_is_cancelled_waits_no_longer(clock: ManualClock) -> None:
    activity = Activity(clock)
    activity.rest(activity.begin(ONE, None))
    activity.cancelled(replace(ONE, id="2"))
    assert [one.state for one in activity.statements()] == [PLANNED]
    activity.cancelled(ONE)
    assert [(one.state, one.status) for one in activity.statements()] == [(ENDED, "CANCELLED")]


def test_text_is_kept_only_where_it_may_be_and_is_bounded(clock: ManualClock) -> None:
    silent, open_ = Activity(clock), Activity(clock, sql_text=True)
    long = replace(ONE, sql="x" * 1_000_000)
    for activity in (silent, open_):
        activity.end(activity.begin(long, None), 0, 0, "INTERNAL", "e" * 1_000_000)
    assert silent.statements()[0].sql is None
    assert len(open_.statements()[0].sql or "") == 10_000
    assert len(open_.statements()[0].error or "") == 10_000


def test_only_the_last_that_are_at_rest_are_remembered(clock: ManualClock) -> None:
    activity = Activity(clock)
    running = activity.begin(replace(ONE, id="runs"), None)
    for number in range(1_500):
        one = replace(ONE, id=str(number), session_id=str(number))
        activity.end(activity.begin(one, None), 0, 0, "OK", None)
    found = activity.statements()
    assert len(found) == 1_001
    assert {one.query_id for one in found} >= {"runs", "500", "1499"}
    assert len(activity.sessions()) == 1_000
    activity.end(running, 0, 0, "OK", None)
    assert len(activity.statements()) == 1_000


def test_sessions_count_what_was_run_in_them(clock: ManualClock) -> None:
    activity = Activity(clock)
    activity.forget(activity.begin(ONE, None))  # only prepared
    first = activity.begin(ONE, None)
    clock.advance(timedelta(seconds=5))
    activity.begin(replace(ONE, id="2"), None)
    activity.end(first, 0, 0, "OK", None)
    activity.begin(replace(ONE, id="3", subject="bob"), None)
    found = {(one.session_id, one.user): one for one in activity.sessions()}
    assert set(found) == {("s", "ada"), ("s", "bob")}
    ada = found["s", "ada"]
    assert (ada.statements, ada.running) == (2, 1)
    assert (ada.first, ada.last) == (START, START + timedelta(seconds=5))

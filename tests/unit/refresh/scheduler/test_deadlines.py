"""Views that read views: deadlines go down, changes go up, and upstream goes first."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flightlake.errors import NotFound
from flightlake.names import TableIdentifier
from flightlake.refresh.policy import OnChange, Policy
from flightlake.refresh.scheduler.deadlines import Outlook, held_up, outlook
from flightlake.refresh.scheduler.due import Due, Facts, Since
from flightlake.refresh.schedules import Cron
from flightlake.refresh.status import WELL, failed, suspended

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = Since(NOON - timedelta(days=30))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ORDERS = TableIdentifier("lake", "bronze", "orders")


def named(name: str) -> TableIdentifier:
    return TableIdentifier("lake", "gold", name)


def view(name: str, policy: Policy, *reads: str, **known: Any) -> Facts:
    sources = frozenset(map(named, reads)) or frozenset({ORDERS})
    return Facts(named(name), policy, **{"anchor": NOON, "reads": sources, **known})


def seen(*views: Facts) -> Outlook:
    return outlook({one.view: one for one in views}, SINCE)


def of(found: Outlook, name: str) -> Due:
    return found.by_view[named(name)]


DOWNSTREAM = Policy(downstream=True)
TEN = Policy(target_lag=10 * MINUTE)


def test_a_downstream_view_has_the_earliest_deadline_of_its_readers() -> None:
    found = seen(
        view("u", DOWNSTREAM, oldest=NOON, expected=MINUTE),
        view("slow", Policy(target_lag=HOUR), "u", expected=MINUTE),
        view("fast", TEN, "u", expected=2 * MINUTE),
    )
    # 10 minutes, less the refresh of 2 and the slack of 1; less the refresh of u.
    assert of(found, "fast").at == NOON + 7 * MINUTE
    assert of(found, "u").at == NOON + 6 * MINUTE
    assert of(found, "u").deadline == NOON + 7 * MINUTE
    assert [due.view.table for due in found.dues] == ["u", "fast", "slow"]


def test_a_downstream_view_that_nobody_needs_is_not_due() -> None:
    assert not seen(view("u", DOWNSTREAM, oldest=NOON)).dues
    by_hand = seen(view("u", DOWNSTREAM, oldest=NOON), view("v", Policy(), "u"))
    assert not by_hand.dues


def test_a_downstream_view_that_shows_all_is_not_due() -> None:
    found = seen(view("u", DOWNSTREAM), view("v", TEN, "u", oldest=NOON))
    assert [due.view.table for due in found.dues] == ["v"]


def test_deadlines_pass_through_several_views() -> None:
    found = seen(
        view("a", DOWNSTREAM, oldest=NOON, expected=MINUTE),
        view("b", DOWNSTREAM, "a", expected=MINUTE),
        view("c", TEN, "b", expected=MINUTE),
    )
    assert [of(found, name).at - NOON for name in "abc"] == [6 * MINUTE, 7 * MINUTE, 8 * MINUTE]
    assert found.oldest[named("c")] == NOON


def test_a_view_of_more_lag_hurries_for_a_reader_of_less() -> None:
    found = seen(view("u", Policy(target_lag=HOUR), oldest=NOON), view("v", TEN, "u"))
    assert of(found, "u").at == of(found, "v").at == NOON + 9 * MINUTE


def test_a_reader_by_the_calendar_finds_its_sources_ready() -> None:
    daily = Policy(schedule=Cron("0 13 * * *"))
    found = seen(view("u", DOWNSTREAM, oldest=NOON, expected=5 * MINUTE), view("v", daily, "u"))
    assert of(found, "u").at == NOON + HOUR - 5 * MINUTE


def test_changes_do_not_pass_a_view_that_is_refreshed_by_hand_or_by_the_calendar() -> None:
    for policy in (Policy(), Policy(schedule=Cron("0 3 * * *"))):
        found = seen(view("u", policy, oldest=NOON), view("v", TEN, "u"))
        assert named("v") not in found.by_view
        assert found.oldest[named("v")] is None


def test_changes_do_not_pass_a_view_that_is_stuck() -> None:
    broken = failed(WELL, NotFound("x"), NOON, 5)
    for status in (suspended(WELL), broken):
        found = seen(view("u", TEN, oldest=NOON, status=status), view("v", TEN, "u"))
        assert named("v") not in found.by_view


def test_views_of_higher_priority_come_first_and_then_those_in_a_hurry() -> None:
    found = seen(
        view("a", Policy(target_lag=HOUR), oldest=NOON),
        view("b", TEN, oldest=NOON),
        view("c", Policy(target_lag=HOUR, priority=1), oldest=NOON),
    )
    assert [due.view.table for due in found.dues] == ["c", "b", "a"]


def test_a_reader_waits_for_what_it_reads_but_not_beyond_its_deadline() -> None:
    views = view("u", TEN, oldest=NOON), view("v", TEN, "u", oldest=NOON)
    known = {one.view: one for one in views}
    found = outlook(known, SINCE)
    wish = of(found, "v")
    assert held_up(wish, known, found, (), wish.at)
    assert held_up(wish, known, found, (), wish.deadline - MINUTE / 60)
    assert not held_up(wish, known, found, (), wish.deadline + MINUTE)
    # Not even while it is being refreshed, which may take for hours.
    assert held_up(wish, known, found, [named("u")], wish.deadline - MINUTE / 60)
    assert not held_up(wish, known, found, [named("u")], wish.deadline + HOUR)
    assert not held_up(of(found, "u"), known, found, [named("v")], wish.at)


def test_a_reader_that_would_be_made_of_the_same_again_waits_beyond_its_deadline() -> None:
    known = {one.view: one for one in (view("u", TEN, oldest=NOON), view("v", TEN, "u"))}
    found = outlook(known, SINCE)
    assert held_up(of(found, "v"), known, found, [named("u")], NOON + 30 * HOUR)
    broken = failed(WELL, NotFound("x"), NOON, 5)
    known[named("v")] = view("v", TEN, "u", status=broken)
    found = outlook(known, SINCE)
    assert not held_up(of(found, "v"), known, found, (), NOON + 30 * HOUR)


def test_what_is_read_comes_first_where_its_readers_can_show_nothing_newer_before() -> None:
    urgent = Policy(target_lag=10 * MINUTE, priority=9)
    middle = view("m", Policy(target_lag=MINUTE, priority=5), oldest=NOON)
    for own, order in ((None, "uvm"), (NOON, "uvm"), (NOON - MINUTE, "vmu")):
        reader = view("v", urgent, "u", oldest=own)
        found = seen(middle, view("u", TEN, oldest=NOON), reader)
        assert "".join(due.view.table for due in found.dues) == order
    # Nor by the calendar: one view that is due tomorrow makes none more urgent today.
    daily = view("v", Policy(schedule=Cron("0 3 * * *"), priority=9), "u")
    found = seen(middle, view("u", TEN, oldest=NOON), daily)
    assert "".join(due.view.table for due in found.dues) == "vmu"


def test_both_sides_of_a_diamond_come_before_the_point_where_they_meet() -> None:
    views = [
        view("root", DOWNSTREAM, oldest=NOON),
        view("left", DOWNSTREAM, "root"),
        view("right", DOWNSTREAM, "root"),
        view("point", Policy(on_change=OnChange()), "left", "right"),
    ]
    known = {one.view: one for one in views}
    found = outlook(known, SINCE)
    free = [
        name
        for name in ("root", "left", "right", "point")
        if not held_up(of(found, name), known, found, (), NOON)
    ]
    assert free == ["root"]
    known[named("root")] = view("root", DOWNSTREAM)
    known[named("left")] = view("left", DOWNSTREAM, "root")
    known[named("right")] = view("right", DOWNSTREAM, "root", oldest=NOON)
    found = outlook(known, SINCE)
    assert held_up(of(found, "point"), known, found, (), NOON)


def test_views_in_a_circle_are_due_nevertheless() -> None:
    found = seen(view("a", TEN, "b", oldest=NOON), view("b", TEN, "a", oldest=NOON))
    assert {due.view.table for due in found.dues} == {"a", "b"}


def test_a_view_that_is_never_on_time_does_not_starve_its_readers() -> None:
    """One slot; each second brings a change, which ``u`` takes 10 s to show, and may 5 s."""
    second = timedelta(seconds=1)
    now, shows, begun = NOON, NOON, []
    while now < NOON + 5 * MINUTE:
        views = (
            view("u", Policy(target_lag=5 * second), oldest=shows + second, expected=10 * second),
            view("v", Policy(target_lag=MINUTE), "u", oldest=NOON, expected=second),
        )
        known = {one.view: one for one in views}
        found = outlook(known, SINCE)
        ready = [
            wish
            for wish in found.dues
            if wish.at <= now and not held_up(wish, known, found, (), now)
        ]
        if not ready:
            now += second
            continue
        begun.append((ready[0].view.table, now))
        if ready[0].view.table == "v":
            break
        shows, now = now, now + 10 * second
    name, when = begun[-1]
    assert name == "v"
    assert when <= NOON + 2 * MINUTE + 10 * second

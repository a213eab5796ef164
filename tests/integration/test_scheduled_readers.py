"""Views that read views and are late: what they read goes first, and nothing is done in vain."""

from datetime import timedelta

import pytest

from flightlake.refresh.scheduler.ownership import Peers, owner
from tests.fix_catalogs import orders
from tests.fix_materialized import Mills
from tests.fix_schedule import Shift, shift_on
from tests.fix_server import eventually

pytestmark = pytest.mark.usefixtures("writers_stand_still")

AS = "AS SELECT id FROM orders"


def steps(shift: Shift, count: int) -> list[str]:
    """Let the scheduler look *count* times at one moment; return what was refreshed, in order."""
    before, background = len(shift.ended), shift.mill.views.jobs.background
    for _ in range(count):
        shift.scheduler.step()
        eventually(lambda: background.free == background.slots, "the end of all refreshes")
    return [one.run.wanted.view.table for one in shift.ended[before:]]


@pytest.mark.parametrize("lag", ["'1 minute'", "DOWNSTREAM"])
def test_a_late_reader_of_higher_priority_comes_after_what_it_reads(mills: Mills, lag: str) -> None:
    shift = shift_on(mills)
    shift.mill.run(f"CREATE MATERIALIZED VIEW low TARGET_LAG = {lag} {AS}")
    shift.mill.run(
        "CREATE MATERIALIZED VIEW high TARGET_LAG = '1 minute' WITH (priority = 10)"
        " AS SELECT id FROM low"
    )
    shift.pass_time()
    shift.append(4)
    steps(shift, 2)  # the change is seen, and the slot is as if taken by others until long after
    shift.clock.advance(timedelta(hours=1))
    assert steps(shift, 6) == ["low", "high"]
    assert len(shift.mill.stored("high")) == 4


def test_a_late_reader_that_always_has_news_does_not_starve_what_it_reads(mills: Mills) -> None:
    shift = shift_on(mills)
    shift.mill.lake.create("others").append(orders(1))
    shift.mill.run(f"CREATE MATERIALIZED VIEW low TARGET_LAG = '1 minute' {AS}")
    shift.mill.run(
        "CREATE MATERIALIZED VIEW high TARGET_LAG = '1 minute' WITH (priority = 10)"
        " AS SELECT id FROM low UNION ALL SELECT id FROM others"
    )
    shift.pass_time()
    shift.append(4)
    done: list[str] = []
    for number in range(6):  # with one step each, one of the two is refreshed
        shift.mill.table("others").append(orders(number))
        shift.clock.advance(timedelta(minutes=10))
        done += steps(shift, 1)
    assert "low" in done
    assert "high" in done


def test_a_late_reader_of_what_another_server_refreshes_is_not_refreshed_in_vain(
    mills: Mills,
) -> None:
    shift = shift_on(mills, Peers("a", ("b",)))
    names = {
        member: next(
            name
            for name in (f"v{number}" for number in range(64))
            if owner(shift.name(name), ["a", "b"]) == member
        )
        for member in "ab"
    }
    below, above = names["b"], names["a"]
    shift.mill.run(f"CREATE MATERIALIZED VIEW {below} ON CHANGE {AS}")
    shift.mill.run(f"CREATE MATERIALIZED VIEW {above} ON CHANGE AS SELECT id FROM {below}")
    shift.pass_time()
    shift.append(4)
    assert steps(shift, 2) == []
    shift.clock.advance(timedelta(hours=1))
    assert steps(shift, 6) == []
    shift.mill.run(f"REFRESH MATERIALIZED VIEW {below}")  # as the other does, at last
    assert shift.pass_time(10) == [f"{above} change"]
    assert len(shift.mill.stored(above)) == 4

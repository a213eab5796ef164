"""Views of a lake in a folder are refreshed when they are due, and not otherwise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyiceberg.table.update import AddSnapshotUpdate

from flightlake.clock import ManualClock
from flightlake.errors import NotReady, TimedOut
from flightlake.refresh.jobs import Job
from flightlake.refresh.runs import STATEMENT, Wanted
from flightlake.refresh.scheduler.ownership import Peers, owner
from tests.fix_catalogs import orders, rest_lake
from tests.fix_materialized import Mills, Odd
from tests.fix_schedule import Shift, shift_on
from tests.fix_server import eventually

pytestmark = pytest.mark.usefixtures("writers_stand_still")

AS = "AS SELECT id FROM orders"


class Faint(Odd):
    """A catalog that swoons when rows are to be committed, while ``faint``."""

    faint = False

    def attempt(self, base: Any, updates: Any) -> Any:
        if self.faint and any(isinstance(update, AddSnapshotUpdate) for update in updates):
            raise NotReady("the catalog swoons")
        return self.catalog.attempt(base, updates)


@pytest.fixture
def shift(mills: Mills) -> Shift:
    return shift_on(mills)


def test_a_view_follows_its_source_within_its_lag(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '100 seconds' {AS}")
    assert shift.pass_time(1000) == []  # nothing has changed
    shift.append(4)
    assert shift.pass_time(20) == ["v lag"]  # by the clock here, that was 1000 s ago
    assert len(shift.mill.stored("v")) == 4
    assert shift.pass_time(1000) == []


def test_a_change_waits_for_others_until_the_lag_is_nearly_over(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '100 seconds' {AS}")
    shift.pass_time()
    shift.append(4)
    assert shift.pass_time(20) == []
    assert 65 < shift.due("v") < 71
    shift.append(5)
    assert shift.pass_time(60) == []
    lag, _ = shift.scheduler.standing(shift.name("v"))
    assert lag is not None
    assert timedelta(seconds=78) < lag < timedelta(seconds=82)
    assert shift.pass_time(12) == ["v lag"]
    assert len(shift.mill.stored("v")) == 5
    assert shift.scheduler.standing(shift.name("v")) == (timedelta(), None)


def test_compaction_and_other_tables_are_no_changes(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.mill.lake.create("others").append(orders(1))
    assert shift.pass_time(100) == []


def test_a_view_by_the_period_is_looked_at_even_if_nothing_has_changed(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v SCHEDULE = 'every 10 minutes' {AS}")
    assert shift.pass_time(500) == []
    assert shift.pass_time(100) == ["v schedule"]
    assert shift.ended[-1].outcome.strategy == "NOOP"  # type: ignore[union-attr]
    assert shift.pass_time(100) == []
    assert shift.pass_time(3600) == ["v schedule"]  # once, however long it was


def test_views_are_refreshed_from_the_bottom_up(shift: Shift) -> None:
    run = shift.mill.run
    run(f"CREATE MATERIALIZED VIEW z TARGET_LAG = DOWNSTREAM {AS}")
    run("CREATE MATERIALIZED VIEW y TARGET_LAG = DOWNSTREAM AS SELECT id FROM z")
    run("CREATE MATERIALIZED VIEW a TARGET_LAG = '100 seconds' AS SELECT id FROM y")
    run("CREATE MATERIALIZED VIEW b TARGET_LAG = '1 hour' AS SELECT id FROM z")
    shift.pass_time()
    shift.append(4)
    assert shift.pass_time(10) == []
    assert shift.pass_time(85) == ["z lag", "y lag", "a lag"]
    assert len(shift.mill.stored("a")) == 4
    # The change has passed z on the way; b's lag still counts from when it was made.
    lag, _ = shift.scheduler.standing(shift.name("b"))
    assert lag is not None
    assert timedelta(seconds=94) < lag < timedelta(seconds=97)
    assert shift.pass_time(3500) == ["b lag"]


def test_what_others_do_to_a_view_is_noticed(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.pass_time()
    shift.mill.table("v").append(orders(7).select(["id"]))
    assert shift.pass_time(10) == ["v change"]
    assert len(shift.mill.stored("v")) == 3


def test_a_policy_that_changes_holds_at_once(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v {AS}")
    shift.append(4)
    assert shift.pass_time(1000) == []
    shift.mill.run("ALTER MATERIALIZED VIEW v SET (target_lag = '1 minute')")
    assert shift.pass_time() == ["v lag"]
    shift.mill.run("ALTER MATERIALIZED VIEW v SUSPEND")
    shift.append(5)
    assert shift.pass_time(1000) == []
    shift.mill.run("ALTER MATERIALIZED VIEW v RESUME")
    assert shift.pass_time() == ["v lag"]
    shift.append(6)
    shift.mill.run("DROP MATERIALIZED VIEW v")
    assert shift.pass_time(1000) == []


def test_a_source_that_is_gone_suspends_a_view_until_it_comes_back(shift: Shift) -> None:
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '1 minute' {AS}")
    mill.run("CREATE MATERIALIZED VIEW w TARGET_LAG = '1 minute' AS SELECT id FROM v")
    shift.pass_time()
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    assert shift.pass_time(15) + shift.pass_time(60) == ["v lag NotFound"]
    assert shift.state("v").startswith("INVALID(table ")
    assert shift.state("w") == f"UPSTREAM_STALE({shift.name('v')})"
    assert len(mill.stored("v")) == 3
    more = [shift.pass_time(300) for _ in range(4)]
    assert more == [["v lag NotFound"]] * 4
    assert shift.state("v").startswith("SUSPENDED(errors: table ")
    assert shift.pass_time(3600) == []
    assert shift.pass_time(6 * 3600) == ["v probe NotFound"]
    mill.lake.create("orders").append(orders(8))
    assert shift.pass_time(60) == ["v probe"]
    assert shift.pass_time(60) == ["w lag"]
    assert shift.state("v") == shift.state("w") == "READY"
    assert len(mill.stored("w")) == 1


def test_how_many_failures_suspend_a_view_is_the_view_s_affair(shift: Shift) -> None:
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '1 minute' WITH (suspend_after = 1) {AS}")
    shift.pass_time()
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    assert shift.pass_time(15) + shift.pass_time(60) == ["v lag NotFound"]
    assert shift.state("v").startswith("SUSPENDED(")


def test_a_catalog_that_is_down_is_asked_again_and_nothing_is_forgotten(mills: Mills) -> None:
    shift = shift_on(mills)
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.pass_time()
    catalog = shift.mill.catalog
    heads, calls = catalog.heads, []

    def down() -> None:
        calls.append(shift.clock.now())
        raise NotReady("the catalog does not answer")

    catalog.heads = down
    shift.append(4)
    for _ in range(60):
        assert shift.pass_time(10) == []
    assert 10 < len(calls) < 30  # less and less often, but once a minute
    catalog.heads = heads
    assert shift.pass_time(60) == ["v change"]


def test_failures_that_may_pass_cost_few_commits_and_never_suspend(mills: Mills) -> None:
    shift = shift_on(mills, around=Faint)
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.pass_time()
    shift.append(4)
    shift.mill.catalog.faint = True
    failures = [end for _ in range(20) for end in shift.pass_time(400)]
    assert failures == ["v change NotReady"] * 20
    assert shift.state("v") == "RETRYING(the catalog swoons)"
    written = len(shift.mill.table("v").metadata.metadata_log)
    assert written <= 6  # 1, 2, 4, 8 and 16 in a row
    shift.mill.catalog.faint = False
    assert shift.pass_time(400) == ["v change"]
    assert shift.state("v") == "READY"


def test_views_of_a_catalog_that_is_asked_table_by_table(mills: Mills) -> None:
    shift = shift_on(mills, lake=rest_lake())
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.mill.run("CREATE MATERIALIZED VIEW w ON CHANGE AS SELECT count(*) AS n FROM v")
    assert shift.pass_time(10) == []
    shift.append(4)
    assert shift.pass_time(10) == ["v change", "w change"]
    assert shift.mill.stored("w") == [{"n": 4}]
    # What another process does is found within a minute.
    shift.mill.table("v").append(orders(7).select(["id"]))
    assert shift.pass_time(10) == ["v change", "w change"]
    shift.mill.lake.writer.drop_table((shift.mill.lake.root, "w"))
    shift.append(5)
    assert shift.pass_time(70) == ["v change"]
    shift.mill.lake.writer.drop_table((shift.mill.lake.root, "orders"))
    assert shift.pass_time(10) == ["v change NotFound"]


def test_a_writer_whose_clock_is_ahead_does_not_put_off_a_refresh(mills: Mills) -> None:
    shift = shift_on(mills, clock=ManualClock(datetime.now(UTC) - timedelta(hours=1)))
    shift.mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '100 seconds' {AS}")
    shift.pass_time()
    shift.append(4)  # in an hour, by the clock here
    assert shift.pass_time(20) == []
    assert 85 < shift.due("v") < 91
    assert shift.pass_time(95) == ["v lag"]


def test_a_refresh_that_takes_too_long_is_ended_and_tried_again(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v WITH (timeout = '7 seconds') {AS}")
    limits = []

    def at_once(delay: timedelta, function: Callable[[], object]) -> Callable[[], None]:
        limits.append(delay)
        function()
        return lambda: None

    jobs = replace(shift.mill.views.jobs, after=at_once)
    jobs.later([Job(Wanted(shift.name("v"), STATEMENT, "ada"))])
    eventually(lambda: len(shift.ended) == 2, "the end of the refresh")
    failure = shift.ended[-1].failure
    assert limits == [timedelta(seconds=7)]
    assert isinstance(failure, TimedOut)
    assert "longer than 7 s" in failure.message
    # Somebody asked for it, so the view is none the worse for it.
    assert shift.state("v") == "READY"


def test_a_restart_knows_what_was_due(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '100 seconds' {AS}")
    shift.mill.run(f"CREATE MATERIALIZED VIEW w SCHEDULE = 'every 1 hour' {AS}")
    shift.mill.run(f"CREATE MATERIALIZED VIEW s TARGET_LAG = '100 seconds' {AS}")
    shift.mill.run("ALTER MATERIALIZED VIEW s SUSPEND")
    shift.append(4)
    shift.clock.advance(timedelta(hours=2))
    again = shift.relieved()
    done = again.pass_time() + again.pass_time(60)
    assert sorted(done) == ["v lag", "w schedule"]
    assert again.pass_time(60) == []


def test_failures_survive_a_restart(shift: Shift) -> None:
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '1 minute' WITH (suspend_after = 3) {AS}")
    shift.pass_time()
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    assert shift.pass_time(15) + shift.pass_time(60) == ["v lag NotFound"]
    for _ in range(2):
        shift = shift.relieved()
        assert shift.pass_time(300) == ["v lag NotFound"]
    assert shift.state("v").startswith("SUSPENDED(")


def test_two_schedulers_share_the_views_and_one_takes_all_when_the_other_goes(
    mills: Mills,
) -> None:
    alive = ["a", "b"]

    class Known(Peers):
        def alive(self) -> list[str]:
            return list(alive)

    shift = shift_on(mills, Known("a"))
    names = [f"v{number}" for number in range(32)]
    names = [
        name
        for member in alive
        for name in [one for one in names if owner(shift.name(one), alive) == member][:3]
    ]
    for name in names:
        shift.mill.run(f"CREATE MATERIALIZED VIEW {name} ON CHANGE {AS}")
    mine = {name for name in names if owner(shift.name(name), alive) == "a"}
    assert len(mine) == 3
    shift.pass_time(10)
    shift.append(4)
    assert set(shift.pass_time(10)) == {f"{name} change" for name in mine}
    alive.remove("b")
    assert set(shift.pass_time(10)) == {f"{name} change" for name in names if name not in mine}


def test_a_view_is_not_refreshed_twice_at_a_time(shift: Shift) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    shift.pass_time()
    shift.append(4)
    assert shift.mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 4
    assert shift.pass_time(100) == []
    assert [one.run.wanted.trigger for one in shift.ended] == ["create", "statement"]

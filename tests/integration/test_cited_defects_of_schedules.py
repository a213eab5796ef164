"""Defects of other systems in when views are refreshed, and by whom.  Each test says what happens
there; here, nothing is refreshed twice, late or never because of them."""

from datetime import timedelta
from itertools import chain

import pytest

from flightlake.engine.engine import Defaults
from flightlake.errors import NotInitialized
from flightlake.refresh.scheduler.ownership import Peers, owner
from tests.fix_engine import Lab
from tests.fix_materialized import Mills
from tests.fix_schedule import shift_on

pytestmark = pytest.mark.usefixtures("writers_stand_still")

AS = "AS SELECT id FROM orders"


def test_clickhouse_101902_121131_and_121141_all_views_are_refreshed_at_once_after_a_restart(
    mills: Mills,
) -> None:
    """There a server that begins refreshes everything that was due meanwhile in one moment, and
    forgets when the next times were."""
    shift = shift_on(mills)
    views = [f"v{number}" for number in range(12)]
    for view in views:
        shift.mill.run(f"CREATE MATERIALIZED VIEW {view} SCHEDULE = 'every 1 hour' {AS}")
    shift.pass_time()
    shift.clock.advance(timedelta(hours=5))
    shift = shift.relieved()
    at_once = shift.pass_time()
    assert len(at_once) < len(views)
    later = [shift.pass_time(10) for _ in range(12)]
    done = at_once + [one for some in later for one in some]
    assert sorted(done) == sorted(f"{view} schedule" for view in views)  # each one time
    assert len([some for some in later if some]) > 1
    assert shift.pass_time(300) == []


def test_clickhouse_114179_and_78410_one_replica_does_all_the_work(mills: Mills) -> None:
    """There one of several replicas refreshes all views, and the others none."""

    class Known(Peers):
        def alive(self) -> list[str]:
            return ["a", "b", "c"]

    shift = shift_on(mills, Known("a"))
    rivals = [shift_on(mills, Known(name)) for name in "bc"]
    names = [f"v{number}" for number in range(99)]
    views = [  # three of each
        view
        for member in "abc"
        for view in [one for one in names if owner(shift.name(one), "abc") == member][:3]
    ]
    for view in views:
        shift.mill.run(f"CREATE MATERIALIZED VIEW {view} ON CHANGE {AS}")
    for one in (shift, *rivals):
        one.pass_time(10)
    shift.append(4)
    shares = [one.pass_time(10) for one in (shift, *rivals)]
    assert [len(share) for share in shares] == [3, 3, 3]
    assert sorted(chain.from_iterable(shares)) == sorted(f"{view} change" for view in views)


def test_clickhouse_104051_a_lost_lease_refreshes_twice(mills: Mills) -> None:
    """There two replicas that both hold themselves for the owner, as they do while a lease is
    lost, both refresh, and both are counted."""
    first, second = shift_on(mills, Peers("a")), shift_on(mills, Peers("b"))
    first.mill.run(f"CREATE MATERIALIZED VIEW v ON CHANGE {AS}")
    for one in (first, second):
        one.pass_time(10)
    first.append(4)
    first.pass_time(10)
    second.pass_time(10)
    first.pass_time(10)
    assert len(first.mill.table("v").snapshots()) == 2
    assert sorted(row["id"] for row in first.mill.stored("v")) == [1, 2, 3, 4]


def test_clickhouse_77856_and_91353_a_view_is_refreshed_before_what_it_reads(
    mills: Mills,
) -> None:
    """There who depends on whom must be said by hand, and a view that is refreshed in the wrong
    order stays a whole period behind."""
    shift = shift_on(mills)
    shift.mill.run(f"CREATE MATERIALIZED VIEW z SCHEDULE = 'cron 0 * * * *' {AS}")
    shift.mill.run(
        "CREATE MATERIALIZED VIEW a SCHEDULE = 'cron 0 * * * *' AS SELECT count(*) AS n FROM z"
    )
    shift.pass_time()
    shift.append(4)
    done = list(chain.from_iterable(shift.pass_time(60) for _ in range(70)))
    assert [one.split()[0] for one in done[:2]] == ["z", "a"]
    assert shift.mill.stored("a") == [{"n": 4}]


def test_dbt_core_8862_a_setting_that_was_changed_is_not_applied(mills: Mills) -> None:
    """There a view keeps the lag it was made with, whatever its definition says by now."""
    shift = shift_on(mills)
    shift.mill.run(f"CREATE MATERIALIZED VIEW v TARGET_LAG = '1 hour' {AS}")
    shift.pass_time()
    shift.append(4)
    assert shift.pass_time(60) == []
    shift.mill.run("ALTER MATERIALIZED VIEW v SET (target_lag = '1 minute')")
    assert shift.pass_time(1) == ["v lag"]
    (row,) = shift.mill.run("SHOW CREATE MATERIALIZED VIEW v")
    assert "minute" in row["statement"]


def test_defradb_4161_whether_a_view_has_its_rows_yet_is_not_told(mills: Mills) -> None:
    """There a view that was made without its rows looks like one that has none."""
    shift = shift_on(mills)
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW v INITIALIZE = ON_SCHEDULE ON CHANGE {AS}")
    assert shift.state("v") == "INITIALIZING"
    lab = Lab(mill.engine, Defaults(mill.lake.name, mill.lake.root))
    with pytest.raises(NotInitialized, match="has no rows"):
        lab.rows("SELECT id FROM v")
    shift.pass_time()
    assert shift.state("v") == "READY"
    assert len(lab.rows("SELECT id FROM v")) == 3


def test_trino_21797_and_25343_old_files_of_a_view_pile_up_until_somebody_looks(
    mills: Mills,
) -> None:
    """There nobody takes care of the table of a view.  Here its snapshots are at least told apart:
    a refresh that changes nothing makes none."""
    shift = shift_on(mills)
    shift.mill.run(f"CREATE MATERIALIZED VIEW v SCHEDULE = 'every 1 minute' {AS}")
    for _ in range(5):
        shift.pass_time(70)
    assert len(shift.mill.table("v").snapshots()) == 1
    files = len(shift.mill.table("v").metadata.metadata_log)
    assert files < 5

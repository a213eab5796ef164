"""Views that are made without rows: what they say until their first refresh, and when that is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flightlake.clock import ManualClock
from flightlake.engine.engine import Defaults
from flightlake.errors import (
    AlreadyExists,
    InvalidSql,
    NotInitialized,
    PreconditionFailed,
    Unsupported,
)
from flightlake.refresh.asking import Asked
from flightlake.refresh.grammar import parse
from flightlake.refresh.view_tables import ViewTables
from tests.fix_catalogs import orders
from tests.fix_engine import Lab
from tests.fix_materialized import WRITER, Mill, Mills
from tests.fix_schedule import Shift, shift_on

LATER = "INITIALIZE = ON_SCHEDULE"
AS = "AS SELECT id, item FROM orders"
UNMADE = "has not been initialized yet"


@pytest.fixture
def mill(mills: Mills) -> Mill:
    made = mills()
    made.lake.create("orders").append(orders(1, 2))
    return made


@pytest.fixture
def shift(mills: Mills) -> Shift:
    return shift_on(mills)


def read(mill: Mill, sql: str, branch: str = "") -> list[tuple[Any, ...]]:
    return Lab(mill.engine, Defaults(mill.lake.name, mill.lake.root, branch)).rows(sql)


def on_branch(mill: Mill, sql: str) -> list[dict[str, Any]]:
    asked = Asked(WRITER, mill.lake.name, mill.lake.root, "trial", mill.call)
    rows: list[dict[str, Any]] = mill.views.run(parse(sql), asked).to_pylist()
    return rows


def told(mill: Mill, sql: str) -> dict[str, str]:
    return {row["property"]: row["value"] for row in mill.run(sql)}


def test_it_is_there_at_once_without_rows_and_not_read_before_its_first_refresh(mill: Mill) -> None:
    row = mill.one(f"CREATE MATERIALIZED VIEW v PARTITIONED BY (item) {LATER} {AS}")
    assert (row["state"], row["strategy"], row["rows"]) == ("INITIALIZING", None, None)
    table = mill.table("v")
    assert table.current_snapshot() is None
    assert table.schema().column_names == ["id", "item"]
    assert [field.name for field in table.spec().fields] == ["item"]
    for sql in (
        "SELECT * FROM v",
        "SELECT count(*) FROM v",
        "SELECT 1 FROM orders WHERE id IN (SELECT id FROM v)",
        "WITH w AS (SELECT id FROM v) SELECT * FROM orders LEFT JOIN w USING (id)",
        "EXPLAIN SELECT * FROM v",
    ):
        with pytest.raises(NotInitialized, match=UNMADE):
            read(mill, sql)
    explained = told(mill, "EXPLAIN REFRESH MATERIALIZED VIEW v")
    assert (explained["strategy"], explained["reason"]) == ("FULL", "the view had no rows yet")
    refreshed = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (refreshed["state"], refreshed["strategy"], refreshed["rows"]) == ("READY", "FULL", 2)
    assert sorted(read(mill, "SELECT id FROM v")) == [(1,), (2,)]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.one("VERIFY MATERIALIZED VIEW v")["state"] == "OK"


def test_everything_that_tells_of_views_says_that_it_waits(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v SCHEDULE = 'cron 0 3 * * *' {LATER} {AS}")
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == "INITIALIZING"
    described = told(mill, "DESCRIBE MATERIALIZED VIEW v")
    assert described["status"] == "INITIALIZING"
    assert described["source"] == f"{mill.lake.name}.{mill.lake.root}.orders, not read yet"
    assert "waits for its first rows since" in described
    made = mill.one("SHOW CREATE MATERIALIZED VIEW v")["statement"]
    assert LATER in made
    verified = mill.one("VERIFY MATERIALIZED VIEW v REPAIR")
    assert verified["state"] == "UNVERIFIABLE"
    assert "initialized" in verified["reason"]
    reading = ViewTables(mill.views.jobs.views).reading()
    (row,) = reading["materialized_views"].rows().to_pylist()
    assert (row["state"], row["rows"], row["snapshot_id"]) == ("INITIALIZING", None, None)
    (source,) = reading["mv_dependencies"].rows().to_pylist()
    assert (source["source_name"], source["recorded_snapshot_id"]) == ("orders", None)
    assert source["source_state"] == "CHANGED"
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert LATER not in mill.one("SHOW CREATE MATERIALIZED VIEW v")["statement"]
    mill.run("DROP MATERIALIZED VIEW v")
    mill.run(made)
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == "INITIALIZING"


def test_it_can_be_altered_renamed_and_dropped_before_it_has_rows(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {LATER} {AS}")
    mill.run("ALTER MATERIALIZED VIEW v SET (target_lag = '1 hour')")
    assert mill.one("ALTER MATERIALIZED VIEW v SUSPEND")["state"] == "SUSPENDED(by a user)"
    assert mill.one("ALTER MATERIALIZED VIEW v RESUME")["state"] == "INITIALIZING"
    mill.run("ALTER MATERIALIZED VIEW v RENAME TO w")
    with pytest.raises(PreconditionFailed, match="no rows yet to be kept"):
        mill.run("DROP MATERIALIZED VIEW w KEEP TABLE")
    again = mill.one(f"CREATE MATERIALIZED VIEW IF NOT EXISTS w {LATER} {AS}")
    assert (again["state"], again["strategy"]) == ("INITIALIZING", "NOOP")
    assert mill.one("DROP MATERIALIZED VIEW w")["state"] == "DROPPED"
    assert mill.run("SHOW MATERIALIZED VIEWS") == []


def test_rows_of_an_old_definition_never_wait_for_a_new_one(mill: Mill) -> None:
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v {LATER} {AS}")
    for _ in range(2):  # without rows, and with
        with pytest.raises(AlreadyExists, match="cannot wait for rows of another definition"):
            mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v {LATER} AS SELECT 1 AS n")
        mill.run("REFRESH MATERIALIZED VIEW v")
    mill.run(f"CREATE MATERIALIZED VIEW w {LATER} {AS}")
    assert mill.one("CREATE OR REPLACE MATERIALIZED VIEW w AS SELECT 7 AS n")["rows"] == 1
    assert read(mill, "SELECT n FROM w") == [(7,)]


def test_what_somebody_else_writes_into_it_is_not_taken_for_its_rows(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {LATER} {AS}")
    mill.table("v").append(orders(77).select(["id", "item"]))
    with pytest.raises(NotInitialized):
        read(mill, "SELECT * FROM v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 2
    assert sorted(read(mill, "SELECT id FROM v")) == [(1,), (2,)]


def test_a_definition_is_checked_though_nothing_is_run(mill: Mill) -> None:
    for sql, message in (
        ("SELECT missing FROM orders", "missing"),
        ("SELECT random() AS r FROM orders", "random"),
        ("SELECT id, id FROM orders", "id"),
        ("SELECT id FROM v", "does not exist|cannot read itself"),
    ):
        with pytest.raises(Exception, match=message):
            mill.run(f"CREATE MATERIALIZED VIEW v {LATER} AS {sql}")
    assert mill.run("SHOW MATERIALIZED VIEWS") == []


def test_who_reads_it_waits_for_it_or_is_refused(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW b {LATER} {AS}")
    with pytest.raises(NotInitialized, match=UNMADE):
        mill.run("CREATE MATERIALIZED VIEW c AS SELECT id FROM b")
    made = mill.one(f"CREATE MATERIALIZED VIEW c {LATER} AS SELECT id FROM b")
    assert made["state"] == "INITIALIZING"
    name = f"{mill.lake.name}.{mill.lake.root}.b"
    shown = mill.run("SHOW MATERIALIZED VIEWS LIKE 'c'")
    assert [row["state"] for row in shown] == [f"INITIALIZING(waits for {name})"]
    with pytest.raises(NotInitialized, match=name):
        mill.run("REFRESH MATERIALIZED VIEW c")
    mill.run("DROP MATERIALIZED VIEW b")
    with pytest.raises(InvalidSql, match="which itself reads"):
        mill.run(f"CREATE MATERIALIZED VIEW b {LATER} AS SELECT id FROM c")
    mill.run(f"CREATE MATERIALIZED VIEW b {LATER} {AS}")
    done = mill.run(f"REFRESH MATERIALIZED VIEWS IN {mill.lake.name}.{mill.lake.root}")
    assert [row["view"].rpartition(".")[2] for row in done] == ["b", "c"]
    assert sorted(read(mill, "SELECT id FROM c")) == [(1,), (2,)]


def test_a_view_made_anew_without_rows_stales_its_readers_and_shows_nothing_old(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW b {AS}")
    mill.run("CREATE MATERIALIZED VIEW c AS SELECT id FROM b")
    read(mill, "SELECT id FROM b")  # planned, and kept
    mill.run("DROP MATERIALIZED VIEW b")
    mill.run(f"CREATE MATERIALIZED VIEW b {LATER} {AS}")
    with pytest.raises(NotInitialized):
        read(mill, "SELECT id FROM b")
    (shown,) = mill.run("SHOW MATERIALIZED VIEWS LIKE 'c'")
    assert shown["state"].startswith("UPSTREAM_STALE(")
    assert len(read(mill, "SELECT id FROM c")) == 2


def test_on_a_branch_it_is_made_with_its_rows_and_main_goes_on_waiting(mill: Mill) -> None:
    with pytest.raises(Unsupported, match="leave INITIALIZE"):
        on_branch(mill, f"CREATE MATERIALIZED VIEW w {LATER} {AS}")
    mill.run(f"CREATE MATERIALIZED VIEW v {LATER} {AS}")
    with pytest.raises(PreconditionFailed, match="no rows yet, and so no branch"):
        on_branch(mill, "ALTER MATERIALIZED VIEW v SET (target_lag = '1 hour')")
    with pytest.raises(NotInitialized):
        read(mill, "SELECT id FROM v", "trial")
    assert on_branch(mill, "REFRESH MATERIALIZED VIEW v")[0]["rows"] == 2
    assert len(read(mill, "SELECT id FROM v", "trial")) == 2
    with pytest.raises(NotInitialized):
        read(mill, "SELECT id FROM v")
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == "INITIALIZING"
    merged = mill.one("MERGE MATERIALIZED VIEW v FROM BRANCH 'trial'")
    assert (merged["strategy"], merged["rows"]) == ("FAST_FORWARD", 2)
    assert len(read(mill, "SELECT id FROM v")) == 2
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_columns_that_change_before_the_first_refresh_are_not_taken_in_silence(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {LATER} AS SELECT * FROM orders")
    with mill.table("orders").update_schema() as change:
        change.delete_column("item")
    with pytest.raises(PreconditionFailed, match="other columns"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(NotInitialized):
        read(mill, "SELECT * FROM v")


def test_a_state_that_is_another_tables_is_none(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {LATER} {AS}")
    told_ = json.loads(mill.table("v").properties["flightlake.mv.state"])
    assert told_["view-uuid"] == str(mill.table("v").metadata.table_uuid)
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.state": json.dumps({**told_, "view-uuid": "?"})})
    with pytest.raises(NotInitialized):
        read(mill, "SELECT * FROM v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 2


@pytest.mark.parametrize(
    "policy",
    ["TARGET_LAG = '1 hour'", "ON CHANGE AT MOST EVERY '1 hour'", "SCHEDULE = 'every 1 h'"],
)
def test_the_scheduler_makes_its_rows_at_once_if_no_calendar_says_otherwise(
    shift: Shift, policy: str
) -> None:
    shift.mill.run(f"CREATE MATERIALIZED VIEW v {policy} {LATER} {AS}")
    assert [one.partition(" ")[0] for one in shift.pass_time()] == ["v"]
    assert shift.state("v") == "READY"
    assert shift.pass_time(60) == []


def test_a_view_by_the_calendar_gets_its_rows_at_its_first_time_though_servers_come_and_go(
    mills: Mills,
) -> None:
    now = datetime.now(UTC)
    start = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    shift = shift_on(mills, clock=ManualClock(start))
    shift.mill.run(f"CREATE MATERIALIZED VIEW v SCHEDULE = 'cron 0 15 * * *' {LATER} {AS}")
    assert shift.pass_time(2 * 3600) == []
    shift = shift.relieved()
    assert shift.pass_time(1800) == []
    assert shift.state("v") == "INITIALIZING"
    lag, _ = shift.scheduler.standing(shift.name("v"))
    assert lag == timedelta(hours=2, minutes=30)
    shift.clock.advance(timedelta(hours=2))  # nobody is there when its time comes
    shift = shift.relieved()
    assert shift.pass_time(60) == ["v schedule"]
    assert shift.state("v") == "READY"


def test_readers_wait_for_its_rows_however_long_and_pull_what_is_downstream(shift: Shift) -> None:
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW hand {LATER} {AS}")
    mill.run(f"CREATE MATERIALIZED VIEW b TARGET_LAG = DOWNSTREAM {LATER} AS SELECT id FROM hand")
    mill.run(f"CREATE MATERIALIZED VIEW c TARGET_LAG = '10 seconds' {LATER} AS SELECT id FROM b")
    assert shift.pass_time(3600) == []
    assert shift.state("c").startswith("INITIALIZING(waits for")
    mill.run("REFRESH MATERIALIZED VIEW hand")
    assert [one.partition(" ")[0] for one in shift.pass_time(1)[-2:]] == ["b", "c"]
    assert shift.state("c") == "READY"
    assert len(mill.stored("c")) == 3


def test_a_first_refresh_that_fails_says_so_and_is_tried_again(shift: Shift) -> None:
    mill = shift.mill
    mill.run(
        f"CREATE MATERIALIZED VIEW v ON CHANGE {LATER} AS SELECT 1 / (id - 1) AS n FROM orders"
    )
    assert len(shift.pass_time()) == 1
    assert shift.state("v").startswith("INVALID(")
    with pytest.raises(NotInitialized):
        read(mill, "SELECT n FROM v")
    mill.table("orders").delete("id = 1")
    assert shift.pass_time(20)[-1].partition(" ")[0] == "v"
    assert shift.state("v") == "READY"

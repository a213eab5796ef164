"""What the system tables tell of views, whatever has become of them and of what they read."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError, NotPermitted, NotReady
from flightlake.refresh.finding import Views
from flightlake.refresh.history import RefreshHistory
from flightlake.refresh.runs import Runs, Wanted
from flightlake.refresh.view_rows import Standing
from flightlake.refresh.view_tables import ViewTables
from flightlake.telemetry import Observers
from tests.fix_catalogs import orders
from tests.fix_history import ended
from tests.fix_materialized import QUERY, Mill, Mills, Odd, with_news


@pytest.fixture
def mill(mills: Mills) -> Mill:
    """``v`` of two orders, when there are three."""
    return with_news(mills())


def tables_of(mill: Mill, **known: Any) -> ViewTables:
    return ViewTables(Views({mill.lake.name: mill.catalog}, frozenset({mill.lake.name})), **known)


def views(mill: Mill, **known: Any) -> dict[str, dict[str, Any]]:
    rows = tables_of(mill, **known).reading()["materialized_views"].rows().to_pylist()
    return {row["name"]: row for row in rows}


def sources(mill: Mill) -> list[tuple[Any, ...]]:
    rows = tables_of(mill).reading()["mv_dependencies"].rows().to_pylist()
    return [
        (row["name"], row["source_name"], row["source_kind"], row["source_state"]) for row in rows
    ]


def test_a_view_is_told_as_its_table_has_it(mill: Mill) -> None:
    row = views(mill)["v"]
    snapshot = mill.table("v").current_snapshot()
    assert snapshot is not None
    told = {name: row[name] for name in ("query", "version", "refresh_mode", "state", "strategy")}
    assert told == {
        "query": QUERY, "version": 1, "refresh_mode": "AUTO", "state": "READY", "strategy": "FULL"
    }  # fmt: skip
    assert (row["rows"], row["snapshot_id"]) == (2, snapshot.snapshot_id)
    assert row["bytes"] == sum(path.stat().st_size for path in mill.files("v"))
    assert row["refresh_status"] == "OK"
    assert row["refresh_ended"].timestamp() * 1000 == pytest.approx(snapshot.timestamp_ms, abs=2)
    assert (row["lag_seconds"], row["next_due"], row["candidates"]) == (None, None, None)


def test_what_a_view_reads_is_held_against_what_is_there(mill: Mill) -> None:
    assert sources(mill) == [("v", "orders", "TABLE", "CHANGED")]
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert sources(mill) == [("v", "orders", "TABLE", "CURRENT")]
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    snapshot = mill.table("orders").snapshots()[0].snapshot_id
    mill.run(f"CREATE MATERIALIZED VIEW x AS SELECT id FROM orders FOR VERSION AS OF {snapshot}")
    assert sources(mill)[1:] == [
        ("w", "v", "MATERIALIZED VIEW", "CURRENT"),
        ("x", "orders", "TABLE", "FIXED"),
    ]
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    assert sources(mill)[0] == ("v", "orders", "TABLE", "GONE")
    mill.lake.create("orders").append(orders(1))
    assert sources(mill)[0] == ("v", "orders", "TABLE", "REPLACED")


def test_what_is_known_here_is_added(mill: Mill) -> None:
    history = RefreshHistory(mill.views.jobs.refresher.clock, "mill", [])
    name = replace(ended("1").view, catalog=mill.lake.name, db_schema=mill.lake.root)
    history.observe(ended("1", view=name))
    runs = Runs(mill.views.jobs.refresher.clock, Observers(()))
    run = runs.queued(Wanted(name, "lag"), Cancellation())
    due = run.started + timedelta(minutes=5)
    row = views(
        mill,
        latest=history.latest,
        under_way=runs.under_way,
        standing=lambda view: Standing(timedelta(seconds=9), due),
    )["v"]
    assert (
        row["candidates"]
        == '[{"strategy": "APPEND", "why": "no"}, {"strategy": "FULL", "why": "yes"}]'
    )
    assert (row["refresh_id"], row["refresh_status"]) == (run.id, "QUEUED")
    assert (row["lag_seconds"], row["next_due"], row["refresh_ended"]) == (9.0, due, None)


def test_a_policy_and_a_suspension_are_told(mill: Mill) -> None:
    mill.run("ALTER MATERIALIZED VIEW v SET (target_lag = '5 minutes')")
    mill.run("ALTER MATERIALIZED VIEW v SUSPEND")
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    found = views(mill)
    row = found["v"]
    assert (row["target_lag_seconds"], row["owner"]) == (300.0, "ada")
    assert row["target_lag"] == "5 minutes"
    assert (row["state"], row["state_reason"]) == ("SUSPENDED", "by a user")
    stale = found["w"]
    assert stale["state"] == "UPSTREAM_STALE"
    assert stale["state_reason"] == f"{mill.lake.name}.{mill.lake.root}.v"


def test_a_catalog_that_is_down_is_named_and_hides_no_other(mills: Mills) -> None:
    class Down(Odd):
        def db_schemas(self) -> list[str]:
            raise NotReady("catalog 'down' does not answer")

    mill = with_news(mills())
    down = Down(mill.catalog)
    both = Views({mill.lake.name: mill.catalog, "down": down}, frozenset({mill.lake.name, "down"}))
    rows = ViewTables(both).reading()["materialized_views"].rows().to_pylist()
    assert [(row["catalog"], row["name"], row["state"]) for row in rows] == [
        ("down", "", "UNREACHABLE"),
        (mill.lake.name, "v", "READY"),
    ]
    assert rows[0]["state_reason"] == "catalog 'down' does not answer"


def test_both_tables_are_of_one_reading(mill: Mill) -> None:
    reading = tables_of(mill).reading()
    before = reading["mv_dependencies"].rows()
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    assert reading["materialized_views"].rows()["name"].to_pylist() == ["v"]
    assert reading["mv_dependencies"].rows().equals(before)
    assert set(views(mill)) == {"v", "w"}


def test_no_view_is_made_where_the_system_tables_are(mill: Mill, tmp_path: Path) -> None:
    mill.lake.writer.create_namespace("flightlake_system")
    for sql in (
        f"CREATE MATERIALIZED VIEW flightlake_system.queries AS {QUERY}",
        "ALTER MATERIALIZED VIEW v RENAME TO flightlake_system.queries",
    ):
        with pytest.raises(NotPermitted, match="the server's own"):
            mill.run(sql)
    assert set(views(mill)) == {"v"}


@pytest.mark.parametrize("table", ["queries", "sessions", "materialized_views", "refresh_history"])
def test_no_view_is_made_of_the_system_tables(mill: Mill, table: str) -> None:
    named = f"{mill.lake.name}.flightlake_system.{table}"
    for sql in (
        f"SELECT count(*) AS n FROM flightlake_system.{table}",
        f"SELECT id FROM orders WHERE (SELECT count(*) FROM flightlake_system.{table}) = 0",
        f"WITH t AS (SELECT * FROM {named}) SELECT 1 AS n FROM t",
    ):
        with pytest.raises(FlightlakeError, match=f"cannot read flightlake_system.{table}, which"):
            mill.run(f"CREATE MATERIALIZED VIEW w AS {sql}")

"""Views that read views between which a table is shared: at one snapshot of it, or they say so."""

from typing import Any

import pytest

from flightlake.refresh.view_tables import ViewTables
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills
from tests.fix_schedule import Shift, shift_on
from tests.fix_table_changes import compact

COUNT = "SELECT count(*) AS n FROM orders"
BOTH = "SELECT b.n AS b, c.n AS c FROM b CROSS JOIN c"


@pytest.fixture
def shift(mills: Mills) -> Shift:
    return shift_on(mills)


def made(mill: Mill, b: str = "", c: str = "", d: str = "") -> Mill:
    """Make ``b`` and ``c``, which count the orders, and ``d``, which reads both."""
    mill.run(f"CREATE MATERIALIZED VIEW b {b} AS {COUNT}")
    mill.run(f"CREATE MATERIALIZED VIEW c {c} AS {COUNT}")
    mill.run(f"CREATE MATERIALIZED VIEW d {d} AS {BOTH}")
    return mill


def agreement(mill: Mill, view: str) -> tuple[bool | None, str | None]:
    """Return what the system tables say of *view*."""
    rows = ViewTables(mill.views.jobs.views).reading()["materialized_views"].rows().to_pylist()
    row: dict[str, Any] = next(row for row in rows if row["name"] == view)
    return row["consistent"], row["inconsistency"]


def loaded(mills: Mills) -> Mill:
    mill = mills()
    mill.lake.create("orders").append(orders(1, 2, 3))
    return made(mill)


def name(mill: Mill, table: str) -> str:
    return f"{mill.lake.name}.{mill.lake.root}.{table}"


def test_a_view_says_that_what_it_reads_is_of_different_snapshots_until_it_is_not(
    mills: Mills,
) -> None:
    mill = loaded(mills)
    assert agreement(mill, "d") == (True, None)
    mill.table("orders").append(orders(4))
    mill.run("REFRESH MATERIALIZED VIEW b")
    assert agreement(mill, "d") == (True, None)  # its rows are still of what b was before
    wrong = (
        f"{name(mill, 'b')} and {name(mill, 'c')} are of different snapshots of"
        f" {name(mill, 'orders')}"
    )
    (explained,) = (
        row["value"]
        for row in mill.run("EXPLAIN REFRESH MATERIALIZED VIEW d")
        if row["property"] == "reason"
    )
    assert explained.endswith(wrong)
    row = mill.one("REFRESH MATERIALIZED VIEW d")
    assert row["reason"].endswith(f"; but {wrong}")
    assert agreement(mill, "d") == (False, wrong)
    assert agreement(mill, "b") == (True, None)
    mill.run("CREATE MATERIALIZED VIEW over AS SELECT b FROM d")
    assert agreement(mill, "over")[0] is False
    mill.run("REFRESH MATERIALIZED VIEW c")
    assert wrong not in mill.one("REFRESH MATERIALIZED VIEW d")["reason"]
    assert agreement(mill, "d") == (True, None)
    assert mill.stored("d") == [{"b": 4, "c": 4}]


def test_a_table_read_beside_a_view_of_it_counts_and_versions_that_are_asked_for_do_not(
    mills: Mills,
) -> None:
    mill = loaded(mills)
    mill.table("orders").append(orders(4))
    row = mill.one("CREATE MATERIALIZED VIEW e AS SELECT b.n FROM b JOIN orders ON b.n = orders.id")
    assert f"different snapshots of {name(mill, 'orders')}" in row["reason"]
    assert agreement(mill, "e")[0] is False
    first = mill.table("orders").snapshots()[0].snapshot_id
    asked = f"(SELECT * FROM orders FOR VERSION AS OF {first})"
    row = mill.one(f"CREATE MATERIALIZED VIEW f AS SELECT b.n FROM b, {asked} AS o")
    assert "different" not in row["reason"]
    mill.run("CREATE MATERIALIZED VIEW g AS SELECT f.n FROM f, b")
    assert agreement(mill, "g") == (True, None)


def test_compaction_and_changes_that_no_view_shows_are_no_difference(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("orders").append(orders(1, 2, 3))
    made(mill)
    compact(mill.table("orders"))
    mill.run("REFRESH MATERIALIZED VIEW c FULL")
    assert "different" not in mill.one("REFRESH MATERIALIZED VIEW d")["reason"]
    assert agreement(mill, "d") == (True, None)
    for view in ("b", "c"):
        mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW {view} AS {COUNT} WHERE id < 3")
    mill.run("REFRESH MATERIALIZED VIEW d")
    mill.table("orders").append(orders(7))
    for view in ("b", "c"):
        assert mill.one(f"REFRESH MATERIALIZED VIEW {view}")["strategy"] == "META"
    assert mill.one("REFRESH MATERIALIZED VIEW d")["strategy"] == "NOOP"
    mill.run("CREATE MATERIALIZED VIEW e AS SELECT d.b FROM d, c")
    assert agreement(mill, "e") == (True, None)


def test_a_view_that_nobody_refreshes_is_left_alone_and_its_reader_says_so(shift: Shift) -> None:
    mill = made(shift.mill, "ON CHANGE", "", "ON CHANGE")
    shift.append(4)
    assert {one.partition(" ")[0] for one in shift.pass_time(120)} == {"b", "d"}
    assert mill.stored("d") == [{"b": 4, "c": 3}]
    assert agreement(mill, "d")[0] is False
    mill.run("REFRESH MATERIALIZED VIEW c")
    assert [one.partition(" ")[0] for one in shift.pass_time(5)] == ["d"]
    assert agreement(mill, "d") == (True, None)

"""Views that are never made anew by themselves: which can be, and what they do instead."""

from typing import Any

import pytest

from flightlake.errors import PreconditionFailed, Unsupported
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills
from tests.fix_schedule import shift_on

MODE = "REFRESH_MODE = INCREMENTAL"
AS = "AS SELECT id, item FROM orders"
GROUPED = "AS SELECT id, count(*) AS n FROM orders GROUP BY id"


@pytest.fixture
def mill(mills: Mills) -> Mill:
    made = mills()
    made.lake.create("orders").append(orders(1, 2, 3))
    return made


def told(mill: Mill, sql: str) -> dict[str, str]:
    return {row["property"]: row["value"] for row in mill.run(sql)}


def ids(mill: Mill, view: str) -> list[Any]:
    return [row["id"] for row in mill.stored(view)]


@pytest.mark.parametrize(
    ("head", "query", "why"),
    [
        ("", "SELECT count(*) AS n FROM orders", "PARTITION: the view has no partitions"),
        ("", "SELECT id, count(*) AS n FROM orders GROUP BY id", "APPEND: "),
        ("", "SELECT a.id FROM orders a JOIN orders b ON a.id = b.id", "with itself"),
        ("PARTITIONED BY (n)", "SELECT id, count(*) AS n FROM orders GROUP BY id", "PARTITION: "),
        (
            "PARTITIONED BY (bucket(4, id))",
            "SELECT id, count(*) AS n FROM orders GROUP BY id",
            "not found by bucket",
        ),
        ("", "SELECT id FROM orders ORDER BY id LIMIT 1", "APPEND: "),
    ],
)
def test_a_query_that_only_full_refreshes_would_do_for_is_refused(
    mill: Mill, head: str, query: str, why: str
) -> None:
    for more in ("", "INITIALIZE = ON_SCHEDULE"):
        with pytest.raises(Unsupported, match="making all of its rows anew") as refused:
            mill.run(f"CREATE MATERIALIZED VIEW v {head} {MODE} {more} AS {query}")
        assert why in refused.value.message
        assert "REFRESH_MODE = AUTO" in refused.value.message
    with pytest.raises(Unsupported, match="making all of its rows anew"):
        mill.run(f"EXPLAIN CREATE MATERIALIZED VIEW v {head} {MODE} AS {query}")
    assert mill.run("SHOW MATERIALIZED VIEWS") == []
    mill.run(f"CREATE MATERIALIZED VIEW v {head} AS {query}")
    with pytest.raises(Unsupported, match="making all of its rows anew"):
        mill.run("ALTER MATERIALIZED VIEW v SET (refresh_mode = INCREMENTAL)")
    assert told(mill, "DESCRIBE MATERIALIZED VIEW v")["refresh mode"] == "AUTO"


def test_rows_that_came_are_added_and_what_would_be_full_fails_with_what_to_run(
    mill: Mill,
) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {MODE} {AS}")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    mill.table("orders").append(orders(4))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    before = mill.files("v")
    mill.table("orders").delete("id = 1")
    explained = told(mill, "EXPLAIN REFRESH MATERIALIZED VIEW v")
    assert explained["strategy"] == "REFUSED"
    name = f"{mill.lake.name}.{mill.lake.root}.v"
    with pytest.raises(PreconditionFailed, match="rows went from") as failed:
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert failed.value.message == explained["reason"]
    assert failed.value.message.endswith(f"run REFRESH MATERIALIZED VIEW {name} FULL")
    assert (ids(mill, "v"), mill.files("v")) == ([1, 2, 3, 4], before)
    assert told(mill, "EXPLAIN REFRESH MATERIALIZED VIEW v FULL")["strategy"] == "FULL"
    assert mill.one("REFRESH MATERIALIZED VIEW v FULL")["strategy"] == "FULL"
    mill.table("orders").append(orders(5))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    assert ids(mill, "v") == [2, 3, 4, 5]


def test_partitions_are_made_anew_however_many_of_the_rows_they_hold(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY (id) {MODE} {GROUPED}")
    mill.table("orders").append(orders(1, 2, 3))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "PARTITION"
    assert mill.stored("v") == [{"id": id_, "n": 2} for id_ in (1, 2, 3)]
    mill.run("ALTER MATERIALIZED VIEW v SET (refresh_mode = AUTO)")
    mill.table("orders").append(orders(1, 2, 3))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"


def test_the_first_rows_are_all_rows(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {MODE} INITIALIZE = ON_SCHEDULE {AS}")
    assert told(mill, "EXPLAIN REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v {MODE} AS SELECT id FROM orders")
    assert ids(mill, "v") == [1, 2, 3]


def test_what_somebody_else_did_to_its_table_is_not_put_right_in_silence(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {MODE} {AS}")
    mill.table("v").append(orders(77).select(["id", "item"]))
    with pytest.raises(PreconditionFailed, match="changed by somebody else"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.one("VERIFY MATERIALIZED VIEW v REPAIR")["state"] == "REPAIRED"
    assert ids(mill, "v") == [1, 2, 3]


def test_the_mode_is_a_setting_that_changes_neither_rows_nor_meaning(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v {AS}")
    before = mill.table("v").current_snapshot()
    mill.run("ALTER MATERIALIZED VIEW v SET (refresh_mode = INCREMENTAL)")
    assert mill.table("v").current_snapshot() == before
    described = told(mill, "DESCRIBE MATERIALIZED VIEW v")
    assert (described["refresh mode"], described["version"]) == ("INCREMENTAL", "1")
    made = mill.one("SHOW CREATE MATERIALIZED VIEW v")["statement"]
    assert MODE in made
    explained = mill.run(f"EXPLAIN CREATE MATERIALIZED VIEW v {MODE} {AS}")
    assert {"property": "present setting", "value": MODE} in explained
    mill.table("orders").delete("id = 1")
    with pytest.raises(PreconditionFailed):
        mill.run("REFRESH MATERIALIZED VIEW v")
    mill.run("ALTER MATERIALIZED VIEW v UNSET (refresh_mode)")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    mill.run("DROP MATERIALIZED VIEW v")
    mill.run(made)
    assert told(mill, "DESCRIBE MATERIALIZED VIEW v")["refresh mode"] == "INCREMENTAL"


def test_in_the_background_it_is_invalid_until_somebody_runs_what_it_says(mills: Mills) -> None:
    shift = shift_on(mills)
    mill = shift.mill
    mill.run(f"CREATE MATERIALIZED VIEW v {MODE} ON CHANGE {AS}")
    shift.append(4)
    assert shift.pass_time(5) == ["v change"]
    mill.table("orders").delete("id = 1")
    assert shift.pass_time(5) == ["v change PreconditionFailed"]
    assert shift.state("v").startswith("INVALID(")
    assert "FULL)" in shift.state("v")
    assert ids(mill, "v") == [1, 2, 3, 4]
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    assert shift.state("v") == "READY"
    assert shift.pass_time(3600) == []
    shift.append(5)
    assert shift.pass_time(5) == ["v change"]
    assert ids(mill, "v") == [2, 3, 4, 5]

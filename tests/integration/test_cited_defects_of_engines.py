"""Defects that were found in, or reported of, other systems that keep materialized views.  Each
test says what happens there; here, the rows of a view are those of its query, or a refresh says
why not and leaves them as they are."""

import json
import threading
from collections import Counter
from typing import Any

import pytest
from pyiceberg.types import LongType, StringType

from flightlake.errors import FlightlakeError, InvalidSql, PreconditionFailed
from flightlake.lake.commits import Refused
from tests.fix_catalogs import orders
from tests.fix_materialized import Interrupted, Mills, Odd
from tests.fix_pairs import PAIRS, bag, pairs, refreshed, two_tables


@pytest.mark.parametrize(
    "query", ["SELECT id FROM orders", "SELECT id, count(*) AS n FROM orders GROUP BY id"]
)
def test_trino_31257_concurrent_refreshes_append_the_same_rows_twice(
    mills: Mills, query: str
) -> None:
    """There two refreshes that begin from one snapshot are both committed, and rows are there
    twice.  ClickHouse (104051) refreshes twice when a lease is lost for a moment."""
    first, second = mills(Interrupted), mills()
    table = first.lake.create("orders")
    table.append(orders(1, 2))
    first.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    table.append(orders(3))
    first.catalog.before = lambda: second.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(Refused):
        first.run("REFRESH MATERIALIZED VIEW v")
    assert sorted(row["id"] for row in first.stored("v")) == [1, 2, 3]
    assert refreshed(first) == "NOOP"


@pytest.mark.parametrize("query", ["SELECT id FROM orders", "SELECT sum(id) AS id FROM orders"])
def test_trino_30990_another_snapshot_is_read_than_is_recorded(mills: Mills, query: str) -> None:
    """There rows that come between planning and reading are read, and read again by the next
    refresh: ``[1, 2, 2]``."""

    class Busy(Interrupted):
        def load(self, *name: Any) -> Any:
            found = self.catalog.load(*name)
            if self.news:
                self.news.pop()()
            return found

        news: list[Any] = []  # noqa: RUF012 - set by the test

    mill = mills(Busy)
    table = mill.lake.create("orders")
    table.append(orders(1))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    table.append(orders(2))
    mill.catalog.news = [lambda: mill.table("orders").append(orders(4)) for _ in range(3)]
    mill.catalog.before = lambda: mill.table("orders").append(orders(8))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert not mill.catalog.news
    view = mill.table("v")
    (source,) = json.loads(str(view.current_snapshot().summary["refresh-state"]))["source-states"]  # type: ignore[union-attr]
    read = mill.table("orders").scan(snapshot_id=source["snapshot-id"]).to_arrow()["id"].to_pylist()
    stored = [row["id"] for row in mill.stored("v")]
    assert sum(stored) == sum(read)
    assert 8 not in read
    refreshed(mill)
    assert sum(row["id"] for row in mill.stored("v")) == 1 + 2 + 4 * 3 + 8


def test_clickhouse_120364_and_120365_what_was_read_is_forgotten_or_another_s(
    mills: Mills,
) -> None:
    """There a foreign write to the target hides how far it has come, and a source of the same
    name that was made anew is taken for the old one."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, v FROM l")
    mill.table("v").append(mill.table("v").scan().to_arrow())
    left.append(pairs((2, 2)))
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1), (2, 2)])
    properties = dict(mill.table("v").properties)
    mill.lake.writer.drop_table((mill.lake.root, "l"))
    mill.lake.create("l", PAIRS).append(pairs((5, 5)))
    refreshed(mill)
    assert bag(mill) == Counter([(5, 5)])
    # The state of one view in the table of another is no state.
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT k, v FROM l WHERE k > 5")
    with mill.table("w").transaction() as change:
        change.set_properties({"flightlake.mv.state": properties["flightlake.mv.state"]})
    mill.run("REFRESH MATERIALIZED VIEW w")
    assert bag(mill, "w") == Counter()


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_starrocks_71977_and_75924_a_source_that_was_rolled_back_is_taken_for_fresh(
    mills: Mills, layout: str
) -> None:
    """There what is older than what was read counts as read, so that a view keeps rows that its
    source no longer has."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1), (2, 2)], [])
    first = left.snapshots()[0].snapshot_id
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS SELECT k, v FROM l")
    mill.table("l").manage_snapshots().set_current_snapshot(first).commit()
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1)])
    # Another history from there on: what was read is no ancestor of it.
    mill.table("l").append(pairs((3, 3)))
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1), (3, 3)])


@pytest.mark.parametrize(
    "function", ["now()", "NOW ()", '"now"()', "current_timestamp", "CURRENT_DATE", "localtime"]
)
def test_trino_22533_a_view_of_the_time_of_its_last_refresh(mills: Mills, function: str) -> None:
    """There a view of ``now()`` is fresh for ever, with the time of its last refresh."""
    mill = mills()
    two_tables(mill, [(1, 1)], [])
    with pytest.raises(InvalidSql, match="same rows whenever it is run"):
        mill.run(f"CREATE MATERIALIZED VIEW v AS SELECT k, {function} AS t FROM l")


def test_hive_27924_inserts_and_deletes_that_overlap_in_a_join(mills: Mills) -> None:
    """There rows that came to one side and went from the other between two refreshes are counted
    wrongly in a join."""
    mill = mills()
    left, right = two_tables(mill, [(1, 1), (2, 2)], [(1, 10), (2, 20)])
    mill.run(
        "CREATE MATERIALIZED VIEW v AS SELECT l.k, l.v AS a, r.v AS b FROM l JOIN r ON l.k = r.k"
    )
    left.append(pairs((1, 7)))
    right.delete("k = 1")
    right.append(pairs((1, 11)))
    left.delete("v = 2")
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1, 11), (1, 7, 11)])
    left.append(pairs((2, 9)))
    right.append(pairs((2, 21)))
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1, 11), (1, 7, 11), (2, 9, 20), (2, 9, 21)])


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_starrocks_41335_50874_and_58755_an_expired_snapshot_ends_all_refreshes(
    mills: Mills, layout: str
) -> None:
    """There a refresh fails, or reads wrongly, once the snapshot that was read has expired."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1)], [])
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS SELECT k, v FROM l")
    left.append(pairs((2, 2)))
    left.delete("k = 1")
    left.append(pairs((3, 3)))
    for snapshot in mill.table("l").snapshots()[:-1]:
        mill.table("l").maintenance.expire_snapshots().by_id(snapshot.snapshot_id).commit()
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["strategy"] == "FULL"
    assert "expired" in row["reason"]
    assert bag(mill) == Counter([(2, 2), (3, 3)])


def test_starrocks_an_overwrite_ends_incremental_refreshes_for_ever(mills: Mills) -> None:
    """There a view that is kept up to date by what is appended is of no use any more once its
    source was overwritten."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, v FROM l")
    left.overwrite(pairs((2, 2)))
    refreshed(mill)
    assert bag(mill) == Counter([(2, 2)])
    left.append(pairs((3, 3)))
    refreshed(mill)
    assert bag(mill) == Counter([(2, 2), (3, 3)])


def test_starrocks_71918_a_view_stays_active_without_its_columns(mills: Mills) -> None:
    """There a view whose source lost a column, or was dropped, goes on as if nothing was."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, v FROM l")
    with left.update_schema() as change:
        change.delete_column("v")
    for statement in ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW v FULL"):
        with pytest.raises(FlightlakeError, match="v") as caught:
            mill.run(statement)
        assert not isinstance(caught.value, Refused)
    # A column of the same name that is another column.
    with mill.table("l").update_schema() as change:
        change.add_column("v", LongType())
    assert refreshed(mill) == "FULL"
    assert bag(mill) == Counter([(1, None)])
    with mill.table("l").update_schema() as change:
        change.delete_column("v")
    with mill.table("l").update_schema() as change:
        change.add_column("v", StringType())
    with pytest.raises(PreconditionFailed, match="gives other columns"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert bag(mill) == Counter([(1, None)])


def test_presto_documentation_tables_are_read_at_different_moments(mills: Mills) -> None:
    """There each table is read as it is when its turn comes, so that a view may join what never
    stood side by side."""
    mill = mills()
    two_tables(mill, [(1, 1)], [(1, 1)])
    moves = list(range(4))
    lock = threading.Lock()

    class Moving(Odd):
        def load(self, *name: Any) -> Any:
            found = self.catalog.load(*name)
            with lock:
                if moves:  # both tables move on, the left one first
                    rows = pairs((1, 10 + moves.pop()))
                    mill.table("l").overwrite(rows)
                    mill.table("r").overwrite(rows)
            return found

    query = "SELECT l.v AS a, r.v AS b FROM l JOIN r ON l.k = r.k"
    mover = mills(Moving)
    mover.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    assert not moves
    assert mover.stored("v") == [{"a": 10, "b": 10}]

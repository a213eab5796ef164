"""Refreshes that read only what changed: what they write, what they say, and when they do not."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.table.snapshots import Operation
from pyiceberg.types import LongType

from flightlake.cancellation import Cancellation
from flightlake.lake.commits import current
from flightlake.names import TableIdentifier
from flightlake.refresh.records import State, state_of
from flightlake.refresh.refreshing import Explained
from tests.fix_catalogs import orders, rest_lake
from tests.fix_increments import SALES, ids, loaded, sales
from tests.fix_materialized import Mill, Mills, mills
from tests.fix_table_changes import compact
from tests.fix_views import create_view

__all__ = ["mills"]


def state(mill: Mill, view: str) -> State:
    metadata = mill.table(view).metadata
    found = state_of(metadata.properties, str(metadata.table_uuid))
    assert found is not None
    return found


def explained(mill: Mill, view: str) -> Explained:
    name = TableIdentifier(mill.lake.name, mill.lake.root, view)
    base = current(mill.catalog, name)
    assert base is not None
    return mill.views.jobs.refresher.explain(mill.catalog, base, Cancellation())


def test_rows_that_came_are_added_beside_those_that_are_there(mills: Mills) -> None:
    mill = loaded(mills())
    before = mill.files("v")
    mill.table("orders").append(orders(3, 4))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["rows"]) == ("APPEND", 3)
    assert ids(mill, "v") == [2, 3, 4]
    view = mill.table("v")
    last = view.current_snapshot()
    assert last.summary.operation == Operation.APPEND
    assert last.summary["added-records"] == "2"
    assert last.summary["total-records"] == "3"
    assert last.summary["flightlake.strategy"] == "APPEND"
    assert before < mill.files("v") == mill.named("v")
    assert (state(mill, "v").rows, state(mill, "v").snapshot_id) == (3, last.snapshot_id)


def test_news_without_rows_for_the_view_write_nothing_but_what_is_known(mills: Mills) -> None:
    mill = loaded(mills(), "SELECT id, item FROM orders WHERE id > 1 AND length(item) > 6")
    before = mill.table("v").metadata
    mill.table("orders").append(orders(0))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["rows"]) == ("META", 0)
    mill.table("orders").append(orders(3))
    row = mill.one("REFRESH MATERIALIZED VIEW v")  # it had to be read to be found useless
    assert (row["strategy"], row["rows"]) == ("APPEND", 0)
    after = mill.table("v").metadata
    assert len(after.snapshots) == len(before.snapshots) == 1
    (source,) = state(mill, "v").sources
    assert source.snapshot_id == mill.table("orders").current_snapshot().snapshot_id
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_compaction_is_no_change_and_lets_old_snapshots_expire(mills: Mills) -> None:
    mill = loaded(mills())
    mill.table("orders").append(orders(3))
    mill.run("REFRESH MATERIALIZED VIEW v")
    old = mill.table("orders").current_snapshot().snapshot_id
    compact(mill.table("orders"))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], "compacted" in row["reason"]) == ("NOOP", True)
    location = mill.table("v").metadata_location
    assert "nothing" in mill.one("REFRESH MATERIALIZED VIEW v")["reason"]
    assert mill.table("v").metadata_location == location
    mill.table("orders").maintenance.expire_snapshots().by_id(old).commit()
    mill.table("orders").append(orders(5))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    assert ids(mill, "v") == [2, 3, 5]


def test_only_partitions_with_changes_are_made_anew(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("sales", SALES).append(sales(*range(1, 11), None))
    mill.run(
        "CREATE MATERIALIZED VIEW v PARTITIONED BY (day) AS"
        " SELECT day, sum(amount) AS total FROM sales GROUP BY day"
    )
    before = mill.named("v")
    mill.table("sales").append(sales(3, 3, None, 20))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["rows"]) == ("PARTITION", 12)
    totals = {row["day"]: row["total"] for row in mill.stored("v")}
    assert totals[None] == 2
    assert {day.day: total for day, total in totals.items() if day and total == 1} == dict.fromkeys(
        [1, 2, 4, 5, 6, 7, 8, 9, 10, 20], 1
    )
    assert totals[date(2026, 1, 3)] == 3
    summary = mill.table("v").current_snapshot().summary
    assert summary.operation == Operation.OVERWRITE
    assert (summary["added-data-files"], summary["deleted-data-files"]) == ("3", "2")
    assert summary["total-records"] == "12"
    now = [task.file.file_path for task in mill.table("v").scan().plan_files()]
    assert len({Path(path.removeprefix("file://")) for path in now} & before) == 9


def test_partitions_of_texts_are_made_anew_one_by_one(mills: Mills) -> None:
    mill = mills()
    texts = ["", "it's", "$1", "a/b=c%20", "ä\u0308", "NULL", None, *(f"t{n}" for n in range(9))]
    rows = pa.table({"place": pa.array(texts, pa.string())})
    mill.lake.create("visits", rows.schema).append(rows)
    mill.run(
        "CREATE MATERIALIZED VIEW v PARTITIONED BY (place) AS"
        " SELECT place, count(*) AS n FROM visits GROUP BY place"
    )
    for number in range(7):
        before = mill.named("v")
        mill.table("visits").append(rows.slice(number, 1))
        assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "PARTITION"
        stored = {row["place"]: row["n"] for row in mill.stored("v")}
        assert stored == {text: 1 + (place <= number) for place, text in enumerate(texts)}
        now = [task.file.file_path for task in mill.table("v").scan().plan_files()]
        assert len({Path(path.removeprefix("file://")) for path in now} & before) == 15


def test_a_view_that_was_cut_anew_is_refreshed_by_its_new_partitions(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("sales", SALES).append(sales(*range(1, 11)))
    query = "SELECT day, amount, count(*) AS n FROM sales GROUP BY day, amount"
    mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY (amount) AS {query}")
    # The files that go with this are told of in a manifest of the partitions of before.
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v PARTITIONED BY (day) AS {query}")
    mill.table("sales").append(sales(3))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "PARTITION"
    assert sorted(row["n"] for row in mill.stored("v")) == [1] * 9 + [2]
    assert mill.table("v").scan().to_arrow().num_rows == 10


def test_many_or_large_partitions_are_all_rows(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill = mills()
    mill.lake.create("sales", SALES).append(sales(1, 2, 3))
    mill.run(
        "CREATE MATERIALIZED VIEW v PARTITIONED BY (day) AS"
        " SELECT day, sum(amount) AS total FROM sales GROUP BY day"
    )
    mill.table("sales").append(sales(1, 2, 3))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["reason"].endswith("hold 100% of the view")) == ("FULL", True)
    monkeypatch.setattr("flightlake.refresh.choosing.MOST_VALUES", 1)
    mill.table("sales").append(sales(1, 2))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], "more than 1 partitions" in row["reason"]) == ("FULL", True)


def test_each_way_that_was_considered_is_told_with_why_or_why_not(mills: Mills) -> None:
    mill = loaded(mills(), "SELECT count(*) AS n FROM orders")
    mill.table("orders").append(orders(3))
    told = explained(mill, "v")
    location = mill.table("v").metadata_location
    assert mill.table("v").metadata_location == location
    assert told.strategy == "FULL"
    assert dict(told.candidates)["APPEND"] == "no, the query groups rows"
    assert dict(told.candidates)["PARTITION"] == "no, the view has no partitions"
    assert [name for name, _ in told.candidates] == ["NOOP", "META", "APPEND", "PARTITION", "FULL"]
    (window,) = told.windows
    assert window.changes is not None
    assert [(step.operation, step.added_rows) for step in window.changes.steps] == [("append", 1)]
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["reason"]) == (told.strategy, told.reason)
    assert row["reason"].endswith("and the query groups rows")


@pytest.mark.parametrize(
    ("query", "blocker"),
    [
        ("SELECT DISTINCT id FROM orders", "leaves out repeated rows"),
        ("SELECT id, row_number() OVER (ORDER BY id) AS n FROM orders", "window functions"),
        ("SELECT id FROM orders ORDER BY id LIMIT 5", "has a LIMIT"),
        ("SELECT a.id FROM orders a JOIN orders b ON a.id = b.id", "with itself"),
        ("SELECT a.id FROM orders a LEFT JOIN orders b ON a.id = b.id", "no inner join"),
        ("SELECT id FROM orders WHERE id = (SELECT max(id) FROM orders)", "a subquery"),
        ("SELECT id FROM orders UNION ALL SELECT 7", "a branch of UNION ALL"),
        ("SELECT id, unnest([1, 2]) AS u FROM orders", "unnests lists"),
        (
            "WITH RECURSIVE r AS (SELECT id FROM orders UNION ALL SELECT id + 100 FROM r WHERE"
            " id < 100) SELECT id FROM r",
            "is recursive",
        ),
        ("SELECT id FROM orders INTERSECT SELECT id FROM orders", "no inner join"),
    ],
)
def test_queries_to_which_rows_cannot_be_added_are_run_again(
    mills: Mills, query: str, blocker: str
) -> None:
    mill = loaded(mills(), query)
    mill.table("orders").append(orders(2, 3))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], blocker in row["reason"]) == ("FULL", True), row["reason"]
    mill.run(f"CREATE MATERIALIZED VIEW w AS {query}")
    assert mill.stored("v") == mill.stored("w")


def test_a_tag_that_moved_brings_its_rows_and_a_version_none(mills: Mills) -> None:
    mill = mills()
    table = mill.lake.create("orders")
    table.append(orders(1))
    first = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(first, "seen").commit()
    mill.run(
        "CREATE MATERIALIZED VIEW v AS SELECT id FROM orders FOR VERSION AS OF 'seen' UNION ALL"
        f" SELECT id + 10 AS id FROM orders FOR VERSION AS OF {first}"
    )
    table = mill.table("orders")
    table.append(orders(2))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    table.manage_snapshots().remove_tag("seen").commit()
    table = mill.table("orders")
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "seen").commit()
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    assert sorted(ids(mill, "v")) == [1, 2, 11]


def test_a_view_of_a_view_follows_what_was_added_to_it(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id * 2 AS id FROM v")
    mill.table("orders").append(orders(3))
    done = mill.run("REFRESH MATERIALIZED VIEW v, w")
    assert [row["strategy"] for row in done] == ["APPEND", "APPEND"]
    assert ids(mill, "w") == [4, 6]


def test_rows_come_through_an_iceberg_view(mills: Mills) -> None:
    rest = rest_lake()
    rest.create("orders").append(orders(1, 2))
    create_view(rest, "some", f"SELECT id AS n FROM {rest.root}.orders WHERE id > 1")
    mill = mills(more={rest.name: rest.open()})
    mill.run(f"CREATE MATERIALIZED VIEW v AS SELECT n AS id FROM {rest.name}.{rest.root}.some")
    rest.writer.load_table((rest.root, "orders")).append(orders(1, 7))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    assert ids(mill, "v") == [2, 7]


def test_other_columns_of_a_source_are_all_rows(mills: Mills) -> None:
    mill = loaded(mills())
    with mill.table("orders").update_schema() as schema:
        schema.add_column("more", LongType())
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], "the columns of" in row["reason"]) == ("FULL", True)


def test_refresh_mode_full_is_all_rows(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("orders").append(orders(1))
    mill.run("CREATE MATERIALIZED VIEW v REFRESH_MODE = FULL AS SELECT id FROM orders")
    mill.table("orders").append(orders(2))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], row["reason"]) == ("FULL", "REFRESH_MODE is FULL")

"""Defects that were read in iceberg-rust, which keeps materialized views.  Each
test says what happens there; here, the rows of a view are those of its query, or a refresh says
why not and leaves them as they are."""

import json
from collections import Counter
from typing import Any

import pytest
from pyiceberg.manifest import ManifestContent

from tests.fix_materialized import Interrupted, Mills
from tests.fix_pairs import bag, pairs, refreshed, two_tables
from tests.fix_table_changes import compact


def test_iceberg_rust_rows_deleted_at_the_source_stay(mills: Mills) -> None:
    """There the part of a delta that takes rows away is an empty table, so that a row that was
    deleted upstream stays in the view for ever."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1), (2, 2), (3, 3)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, v FROM l WHERE v > 0")
    left.delete("k = 2")
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1), (3, 3)])
    left.append(pairs((4, 4)))
    left.delete("k = 1")
    refreshed(mill)
    assert bag(mill) == Counter([(3, 3), (4, 4)])


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_iceberg_rust_compacted_and_overwritten_rows_are_added_again(
    mills: Mills, layout: str
) -> None:
    """There a delta is every file with a newer sequence number, so that rows of files that a
    compaction or an overwrite wrote anew are there twice."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1), (2, 2)], [])
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS SELECT k, v FROM l")
    compact(left)
    assert refreshed(mill) == "NOOP"
    assert bag(mill) == Counter([(1, 1), (2, 2)])
    compact(left)
    left.append(pairs((3, 3)))
    refreshed(mill)
    assert bag(mill) == Counter([(1, 1), (2, 2), (3, 3)])
    left.overwrite(pairs((3, 3), (4, 4)))
    compact(left)
    refreshed(mill)
    assert bag(mill) == Counter([(3, 3), (4, 4)])


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        (
            "SELECT l.k, l.v AS a, r.v AS b FROM l LEFT JOIN r ON l.k = r.k",
            [(1, 1, None), (2, 2, 20)],
            [(1, 1, 10), (2, 2, 20), (3, 3, None)],
        ),
        (
            "SELECT k, v FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k)",
            [(2, 2)],
            [(1, 1), (2, 2)],
        ),
        (
            "SELECT k, v FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = l.k)",
            [(1, 1)],
            [(3, 3)],
        ),
        (
            "SELECT l.k AS lk, r.k AS rk FROM l FULL JOIN r ON l.k = r.k",
            [(1, None), (2, 2)],
            [(1, 1), (2, 2), (3, None)],
        ),
    ],
)
@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_iceberg_rust_outer_and_semi_joins_use_the_rule_of_inner_joins(
    mills: Mills, query: str, before: list[Any], after: list[Any], layout: str
) -> None:
    """There rows that come to an outer, semi or anti join are joined to what came alone, so that
    they stay without a partner, or rows that have found one stay as they were.  PostgreSQL's
    pg_ivm (48), pgsql-ivm (9) and Trino (18673) do not refresh such views at all."""
    mill = mills()
    left, right = two_tables(mill, [(1, 1), (2, 2)], [(2, 20)])
    layout = layout.replace("(k)", "(lk)") if " AS lk" in query else layout
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS {query}")
    assert bag(mill) == Counter(before)
    right.append(pairs((1, 10)))
    left.append(pairs((3, 3)))
    refreshed(mill)
    assert bag(mill) == Counter(after)


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_iceberg_rust_groups_of_null_are_doubled_and_sums_of_null_stay_null(
    mills: Mills, layout: str
) -> None:
    """There groups are looked for with equality, under which NULL is never found, so that there
    are several groups of NULL; and a sum that once was NULL stays so.  Presto (27944) serves
    partitions of NULL twice while it stitches old and new together."""
    mill = mills()
    left, _ = two_tables(mill, [(None, 1), (1, None), (2, 2), (3, 3), (4, 4), (5, 5)], [])
    mill.run(
        f"CREATE MATERIALIZED VIEW v {layout} AS"
        " SELECT k, count(*) AS n, sum(v) + 1 AS total FROM l GROUP BY k"
    )
    left.append(pairs((None, 2), (1, 7)))
    refreshed(mill)
    others = [(2, 1, 3), (3, 1, 4), (4, 1, 5), (5, 1, 6)]
    assert bag(mill) == Counter([(None, 2, 4), (1, 2, 8), *others])
    left.delete("k is null")
    refreshed(mill)
    assert bag(mill) == Counter([(1, 2, 8), *others])


def test_iceberg_rust_what_it_does_not_know_ends_in_an_error(mills: Mills) -> None:
    """There AVG, groups by expressions, joins of joins, windows, and sources without a snapshot
    end the refresh with an error, instead of all rows being made anew."""
    mill = mills()
    left, right = two_tables(mill, [(1, 1), (2, 3)], [])
    mill.run(
        "CREATE MATERIALIZED VIEW v AS SELECT a.k % 2 AS odd, avg(a.v) AS mean,"
        " max(row_number) AS last FROM (SELECT *, row_number() OVER (ORDER BY k) AS row_number"
        " FROM l) AS a LEFT JOIN r ON a.k = r.k LEFT JOIN r AS s ON s.k = r.k GROUP BY a.k % 2"
    )
    assert bag(mill) == Counter([(1, 1.0, 1), (0, 3.0, 2)])
    left.append(pairs((3, 5)))
    right.append(pairs((3, 1)))
    refreshed(mill)
    assert bag(mill) == Counter([(1, 3.0, 3), (0, 3.0, 2)])


def test_iceberg_rust_a_new_definition_and_its_rows_are_two_commits(mills: Mills) -> None:
    """There the view and its table are changed one after the other, so that whoever looks in
    between finds the rows of another definition."""
    mill = mills(Interrupted)
    two_tables(mill, [(1, 1)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k FROM l")
    before = len(mill.table("v").metadata.metadata_log)
    mill.catalog.before = lambda: bag(mill) == Counter([(1,)])
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT k, v FROM l")
    view = mill.table("v")
    assert len(view.metadata.metadata_log) == before + 1
    assert bag(mill) == Counter([(1, 1)])
    assert json.loads(view.properties["flightlake.mv.definition"])["query"] == "SELECT k, v FROM l"


def test_iceberg_rust_a_full_refresh_deletes_the_files_of_readers_and_branches(
    mills: Mills,
) -> None:
    """There a full refresh at once deletes the files of what was there before, under readers,
    time travel and branches; and nobody can tell what has changed."""
    mill = mills()
    left, _ = two_tables(mill, [(1, 1)], [])
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS n FROM l GROUP BY k")
    view = mill.table("v")
    reader = view.scan()
    first = view.current_snapshot()
    assert first is not None
    view.manage_snapshots().create_branch(first.snapshot_id, "audit").commit()
    left.append(pairs((1, 2)))
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    assert reader.to_arrow().to_pylist() == [{"k": 1, "n": 1}]
    after = mill.table("v")
    assert after.scan().use_ref("audit").to_arrow().to_pylist() == [{"k": 1, "n": 1}]
    now = after.current_snapshot()
    assert now is not None
    assert now.parent_snapshot_id == first.snapshot_id
    entries = [
        entry.status.name
        for manifest in now.manifests(after.io)
        for entry in manifest.fetch_manifest_entry(after.io, discard_deleted=False)
    ]
    assert sorted(entries) == ["ADDED", "DELETED"]


@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (k)"])
def test_iceberg_rust_equality_deletes_that_others_cannot_read(mills: Mills, layout: str) -> None:
    """There groups that change are taken away by equality deletes, which pyiceberg and several
    engines do not read."""
    mill = mills()
    left, _ = two_tables(mill, [(key, key) for key in range(6)], [])
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS SELECT k, sum(v) AS s FROM l GROUP BY k")
    for change in (lambda: left.append(pairs((1, 5))), lambda: left.delete("k = 2")):
        change()
        refreshed(mill)
        view = mill.table("v")
        now = view.current_snapshot()
        assert now is not None
        contents = {manifest.content for manifest in now.manifests(view.io)}
        assert contents == {ManifestContent.DATA}
    assert bag(mill) == Counter([(0, 0), (1, 6), (3, 3), (4, 4), (5, 5)])

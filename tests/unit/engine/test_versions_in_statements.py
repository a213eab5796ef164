"""Time travel and metadata tables in whole statements."""

import pytest

from flightlake.errors import InvalidSql, NotFound
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab


def snapshots(lake: Lake, table: str) -> list[int]:
    return [snapshot.snapshot_id for snapshot in lake.load(table).metadata.snapshots]


def test_a_snapshot_is_read_as_it_was(lab: Lab, lake: Lake) -> None:
    counts = [
        lab.rows(f"SELECT count(*) FROM big FOR VERSION AS OF {snapshot}")
        for snapshot in snapshots(lake, "big")
    ]
    assert counts == [[(10 * number,)] for number in range(1, 13)]


def test_versions_of_one_table_stand_side_by_side(lab: Lab, lake: Lake) -> None:
    first, second, *_ = snapshots(lake, "few")
    sql = (
        f"SELECT o.id, n.id FROM few FOR VERSION AS OF {first} o "
        f"RIGHT JOIN few FOR VERSION AS OF {second} n ON o.id = n.id "
        "WHERE n.id IN (SELECT id FROM few) ORDER BY n.id"
    )
    assert lab.rows(sql) == [(0, 0), (1, 1), (None, 10), (None, 11)]


def test_filters_leave_out_files_of_the_version(lab: Lab, lake: Lake) -> None:
    latest = snapshots(lake, "big")[-1]
    plan = lab.plan(f"SELECT x FROM big FOR VERSION AS OF {latest} WHERE id = 42")
    assert [len(paths) for scans in plan.paths.values() for paths in scans] == [1]
    assert lab.collect(plan).to_pylist() == [{"x": 2.0}]


def test_columns_are_found_by_the_name_of_the_table(lab: Lab, lake: Lake) -> None:
    first = snapshots(lake, "few")[0]
    sql = f"SELECT few.id FROM few FOR VERSION AS OF {first} WHERE few.name = 'n0'"
    assert lab.rows(sql) == [(0,)]


def test_a_pinned_version_is_read_again(own_lab: Lab, own_lake: Lake) -> None:
    first = snapshots(own_lake, "few")[0]
    sql = f"SELECT count(*) FROM few FOR VERSION AS OF {first}, few b"
    plan = own_lab.plan(sql)
    own_lake.writer.load_table((own_lake.root, "few")).delete("id >= 0")
    assert own_lab.rows(sql, pins=plan.pins) == [(2 * 6,)]


def test_a_branch_and_a_moment_can_be_named(lab: Lab, lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, "few"))
    table.manage_snapshots().create_branch(snapshots(lake, "few")[1], "work").commit()
    assert lab.rows("SELECT count(*) FROM few VERSION AS OF 'work'") == [(4,)]
    assert lab.rows("SELECT count(*) FROM few FOR TIMESTAMP AS OF '2999-01-01'") == [(6,)]


def test_metadata_tables_can_be_queried(lab: Lab, lake: Lake) -> None:
    wanted = [(snapshot,) for snapshot in snapshots(lake, "few")]
    assert lab.rows('SELECT snapshot_id FROM "few$snapshots" ORDER BY committed_at') == wanted
    assert lab.rows("SELECT sum(record_count) FROM few$files") == [(6,)]
    sql = f"SELECT count(*) FROM few$files FOR VERSION AS OF {wanted[0][0]}"
    assert lab.rows(sql) == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM few FOR VERSION AS OF 5",
        "SELECT * FROM few FOR VERSION AS OF 'nothing'",
        "SELECT * FROM few FOR TIMESTAMP AS OF '1999-01-01'",
        "SELECT * FROM fwe FOR VERSION AS OF 5",
        'SELECT * FROM "fwe$files"',
        "SELECT * FROM nothing FOR VERSION AS OF 'main'",
    ],
)
def test_what_is_not_there_is_not_found(lab: Lab, sql: str) -> None:
    with pytest.raises(NotFound) as error:
        lab.rows(sql)
    assert "\x01" not in error.value.message


def test_positions_in_messages_are_those_of_the_text(lab: Lab) -> None:
    with pytest.raises(InvalidSql, match="line 2, column 7"):
        lab.rows("SELECT * FROM few FOR VERSION AS OF 'main'\nWHERE = 3")

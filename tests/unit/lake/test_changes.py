"""What happened to a table is told from the files it lists, and not from words."""

from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table.snapshots import Operation

from flightlake.errors import DamagedData
from flightlake.lake.changes import Changes, Unclear, changes, same_columns
from flightlake.lake.table import IcebergTable
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_position_deletes import delete_row
from tests.fix_table_changes import change_files, compact


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return sqlite_lake(tmp_path)


def head(table: Any) -> int:
    table.refresh()
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return int(snapshot.snapshot_id)


def since(lake: Lake, old: int | None, new: int | None = None) -> Changes | Unclear:
    table = lake.load("orders")
    return changes(table, old, table.snapshot_id if new is None else new)


def counts(found: Changes | Unclear) -> list[tuple[str, int, int, bool, bool]]:
    assert isinstance(found, Changes), found
    return [
        (step.operation, step.added_rows, step.removed_rows, step.rewrote, step.deletes)
        for step in found.steps
    ]


def test_steps_are_told_from_the_oldest_to_the_newest(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2))
    old = head(table)
    table.append(orders(3))
    compact(table)
    table.delete("id = 1")
    found = since(lake, old)
    assert counts(found) == [
        ("append", 1, 0, False, False),
        ("replace", 3, 3, True, False),
        ("overwrite", 2, 3, False, False),
    ]
    assert isinstance(found, Changes)
    assert not found.only_added
    assert sum(portion.rows for portion in found.added) == 3
    assert sum(portion.rows for portion in found.removed) == 3


def test_compaction_changes_nothing_and_an_append_only_adds(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2))
    table.append(orders(3))
    old = head(table)
    compact(table)
    found = since(lake, old)
    assert isinstance(found, Changes)
    assert found.none
    table.append(orders(4))
    found = since(lake, old)
    assert isinstance(found, Changes)
    assert (found.none, found.only_added) == (False, True)


def test_a_table_that_had_no_rows_and_one_where_nothing_happened(lake: Lake) -> None:
    table = lake.create("orders")
    assert since(lake, None) == Changes(())
    table.append(orders(1))
    table.append(orders(2))
    assert [step[:2] for step in counts(since(lake, None))] == [("append", 1), ("append", 1)]
    assert since(lake, head(table)) == Changes(())


@pytest.mark.parametrize("says", [Operation.APPEND, Operation.REPLACE, Operation.DELETE])
def test_what_a_step_calls_itself_does_not_matter(lake: Lake, says: Operation) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2))
    old = head(table)
    (task,) = table.scan().plan_files()
    change_files(table, says, orders(7), [task.file])
    assert counts(since(lake, old)) == [(says.value, 1, 2, False, False)]


def test_files_listed_anew_are_the_same_files(lake: Lake) -> None:
    properties = {
        "commit.manifest-merge.enabled": "true",
        "commit.manifest.min-count-to-merge": "2",
    }
    table = lake.create("orders", properties=properties)
    table.append(orders(1))
    old = head(table)
    for number in range(2, 5):
        table.append(orders(number))
    assert len(table.current_snapshot().manifests(table.io)) == 1
    found = since(lake, old)
    assert isinstance(found, Changes)
    assert (found.only_added, sum(portion.files for portion in found.added)) == (True, 3)


def test_rows_deleted_by_position_are_a_change_that_is_no_file(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2))
    old = head(table)
    delete_row(table, 0)
    found = since(lake, old)
    assert isinstance(found, Changes)
    assert (found.deletes, found.none, found.only_added, found.added) == (True, False, False, ())
    before = head(table)
    compact(table)  # the deleted row is left out
    assert [step[3] for step in counts(since(lake, before))] == [True]


def test_of_many_steps_in_which_files_only_came_none_is_read(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    old = head(table)
    for number in range(10):
        table.append(orders(number))
    loaded, pairs = lake.load("orders"), []
    real = IcebergTable.difference

    def difference(self: IcebergTable, before: Any, after: Any, call: Any = None) -> Any:
        pairs.append((before, after))
        return real(self, before, after, call)

    monkeypatch.setattr(IcebergTable, "difference", difference)
    found = changes(loaded, old, loaded.snapshot_id)
    assert pairs == [(old, loaded.snapshot_id)]
    assert isinstance(found, Changes)
    assert (len(found.steps), found.only_added) == (10, True)
    assert sum(portion.rows for portion in found.added) == 10
    table.delete("id = 1")
    found = since(lake, old)
    assert isinstance(found, Changes)
    assert (len(found.steps), found.only_added, found.removed != ()) == (11, False, True)


def test_a_rollback_and_lost_history_are_said(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    first = head(table)
    table.append(orders(2))
    second = head(table)
    assert isinstance(found := since(lake, second, first), Unclear)
    assert "rolled back" in found.reason
    table.append(orders(3))
    table.maintenance.expire_snapshots().by_id(second).commit()
    assert isinstance(found := since(lake, first), Unclear)
    assert "lost its history" in found.reason
    assert isinstance(found := since(lake, second), Unclear)
    assert "has expired" in found.reason


def test_a_broken_manifest_makes_it_unclear(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    old = head(table)
    table.append(orders(2))
    head(table)
    (manifest, *_) = table.current_snapshot().manifests(table.io)
    path = Path(manifest.manifest_path.removeprefix("file://"))
    path.write_bytes(path.read_bytes()[:-40])
    found = since(lake, old)
    assert isinstance(found, Unclear)
    assert "cannot be read" in found.reason


def test_a_file_that_is_listed_twice_is_no_difference_to_be_trusted(lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    old = head(table)
    table.append(orders(2))
    file = next(iter(table.scan().plan_files())).file
    with table.transaction() as change, change.update_snapshot().fast_append() as append:
        append.append_data_file(file)
        append.append_data_file(file)
    with pytest.raises(DamagedData, match="twice"):
        lake.load("orders").difference(old, head(table))
    assert isinstance(since(lake, old), Unclear)


def test_columns_are_the_same_by_id_name_and_type(lake: Lake) -> None:
    table = lake.create("orders")
    for old, new in (("item", "thing"), ("thing", "item")):
        with table.update_schema() as schema:
            schema.rename_column(old, new)
    loaded = lake.load("orders")
    assert same_columns(loaded, 0, loaded.schema_id)
    assert not same_columns(loaded, 0, 1)
    assert not same_columns(loaded, 0, 99)

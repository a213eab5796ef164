"""Metadata tables are those of the pinned table, read through our own stores."""

from pathlib import Path

import pytest

from flightlake.errors import DamagedData
from flightlake.lake.inspection import NAMES, inspect
from flightlake.lake.versions import VersionAsOf
from tests.fix_catalogs import Lake, orders, sqlite_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = sqlite_lake(tmp_path)
    table = made.create("orders")
    table.append(orders(1, 2))
    table.append(orders(3))
    return made


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_metadata_table_can_be_read(lake: Lake, name: str) -> None:
    rows = inspect(lake.load("orders"), name)
    assert rows.num_rows >= (0 if "delete" in name else 1)


def test_snapshots_are_all_of_the_table(lake: Lake) -> None:
    table = lake.load("orders")
    wanted = [snapshot.snapshot_id for snapshot in table.metadata.snapshots]
    assert inspect(table, "snapshots")["snapshot_id"].to_pylist() == wanted


def test_files_are_those_of_the_snapshot(lake: Lake) -> None:
    table = lake.load("orders")
    first = table.metadata.snapshots[0].snapshot_id
    assert inspect(table, "files")["record_count"].to_pylist() == [1, 2]
    assert inspect(table.as_of(VersionAsOf(first)), "files")["record_count"].to_pylist() == [2]


def test_a_table_without_snapshots_has_empty_metadata_tables(lake: Lake) -> None:
    lake.create("nothing")
    assert inspect(lake.load("nothing"), "files").num_rows == 0
    assert inspect(lake.load("nothing"), "snapshots").num_rows == 0


def test_a_missing_manifest_is_damaged_data(lake: Lake, tmp_path: Path) -> None:
    for manifest in tmp_path.glob("warehouse/**/*.avro"):
        manifest.unlink()
    with pytest.raises(DamagedData, match=r"a metadata file of table .* is missing"):
        inspect(lake.load("orders"), "files")

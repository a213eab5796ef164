"""Tables whose columns changed since their files were written: rows by field id, not by name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from flightlake.lake.predicates import Anything
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_engine import Labs
from tests.fix_metadata import add_file, edit, with_ids

ALL = "SELECT * FROM orders ORDER BY 1"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = sqlite_lake(tmp_path)
    made.create("orders").append(orders(1, 2))
    return made


def test_a_renamed_column_keeps_its_values(lake: Lake, labs: Labs) -> None:
    table = lake.writer.load_table((lake.root, "orders"))
    with table.update_schema() as change:
        change.rename_column("item", "article")
    table.append(orders(3).rename_columns(["id", "article"]))
    lab = labs(lake)
    assert lab.rows(ALL) == [(1, "item 1"), (2, "item 2"), (3, "item 3")]
    assert lab.rows("SELECT id FROM orders WHERE article = 'item 2'") == [(2,)]


def test_a_name_given_to_another_column_does_not_bring_the_old_values(
    lake: Lake, labs: Labs
) -> None:
    table = lake.writer.load_table((lake.root, "orders"))
    with table.update_schema() as change:
        change.delete_column("item")
    with table.update_schema() as change:
        change.add_column("item", StringType())
    table.append(orders(3))
    lab = labs(lake)
    assert lab.rows(ALL) == [(1, None), (2, None), (3, "item 3")]
    assert lab.rows("SELECT id FROM orders WHERE item IS NULL ORDER BY 1") == [(1,), (2,)]
    assert lab.rows("SELECT id FROM orders WHERE item = 'item 1'") == []


def test_columns_that_swapped_their_names_are_told_apart(
    lake: Lake, labs: Labs, tmp_path: Path
) -> None:
    schema = with_ids(("item", pa.int64(), 1), ("id", pa.string(), 2))
    add_file(lake, "orders", tmp_path, pa.table({"item": [3], "id": ["x"]}, schema=schema))
    assert labs(lake).rows(ALL) == [(1, "item 1"), (2, "item 2"), (3, "x")]


def test_a_column_without_an_id_is_not_taken_for_one_of_its_name(
    lake: Lake, labs: Labs, tmp_path: Path
) -> None:
    schema = with_ids(("id", pa.int64(), 1), ("item", pa.string(), None))
    add_file(lake, "orders", tmp_path, pa.table({"id": [3], "item": ["x"]}, schema=schema))
    assert labs(lake).rows(ALL) == [(1, "item 1"), (2, "item 2"), (3, None)]


def test_a_missing_column_has_its_default(lake: Lake, labs: Labs) -> None:
    def add_default(document: dict[str, Any]) -> None:
        document["format-version"] = 3
        document["next-row-id"] = 0
        document["schemas"][0]["fields"].append(
            {"id": 3, "name": "n", "required": False, "type": "int", "initial-default": 7}
        )
        document["last-column-id"] = 3

    edit(lake, "orders", add_default)
    lab = labs(lake)
    assert lab.rows(ALL) == [(1, "item 1", 7), (2, "item 2", 7)]
    assert lab.rows("SELECT count(*) FROM orders WHERE n = 7") == [(2,)]
    assert lab.rows("SELECT count(*) FROM orders WHERE n IS NULL") == [(0,)]


def test_a_column_left_to_the_partition_has_its_value(lake: Lake, labs: Labs) -> None:
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "item", StringType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "item"))
    lake.create("parted", schema, partition_spec=spec).append(orders(1, 2))
    for file in lake.load("parted").plan_files(Anything()).files:
        path = Path(file.path.removeprefix("file://"))
        ids = pq.ParquetFile(path).read(["id"])
        pq.write_table(ids.cast(with_ids(("id", pa.int64(), 1))), path)
    lab = labs(lake)
    assert lab.rows("SELECT * FROM parted ORDER BY 1") == [(1, "item 1"), (2, "item 2")]
    assert lab.rows("SELECT id FROM parted WHERE item = 'item 2'") == [(2,)]

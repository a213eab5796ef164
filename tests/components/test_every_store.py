"""Statements over tables in every store: rows, deletes, odd partitions, and the loss guard."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from flightlake.errors import DamagedData
from tests.fix_catalogs import Lake, orders
from tests.fix_engine import Lab, Labs
from tests.fix_every_store import STORES
from tests.fix_metadata import commit, file_entry
from tests.fix_position_deletes import delete_row


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    found: Lake = STORES[request.param](tmp_path)
    return found


@pytest.fixture
def lab(lake: Lake, labs: Labs) -> Lab:
    return labs(lake)


def test_rows_are_read_with_and_without_conditions(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    for number in range(3):
        table.append(orders(2 * number, 2 * number + 1))
    assert lab.rows("SELECT id FROM orders ORDER BY id") == [(n,) for n in range(6)]
    assert lab.rows("SELECT item FROM orders WHERE id = 3") == [("item 3",)]
    assert lab.rows("SELECT count(*) FROM orders WHERE id > 3") == [(2,)]


def test_deleted_rows_are_not_read(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2, 3))
    delete_row(table, 0)
    assert lab.rows("SELECT id FROM orders ORDER BY id") == [(2,), (3,)]


def test_odd_partitions_are_read(lab: Lab, lake: Lake) -> None:
    values = ["a b", "a/b", "a%20b", "a+b", "é", "", "a=b", None]
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "part", StringType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "part"))
    data = pa.table({"id": range(len(values)), "part": values})
    lake.create("parted", schema, partition_spec=spec).append(data)
    assert lab.rows("SELECT id, part FROM parted ORDER BY id") == list(enumerate(values))
    assert lab.rows("SELECT id FROM parted WHERE part = 'a%20b'") == [(2,)]


def test_fewer_rows_than_the_manifest_says_fail_the_statement(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2, 3))
    plan = lab.plan("SELECT * FROM orders")  # now flightlake knows the footer
    (task,) = table.scan().plan_files()
    with table.io.new_input(task.file.file_path).open() as stream:
        data = pq.read_table(pa.BufferReader(stream.read()))
    with table.io.new_output(task.file.file_path).create(overwrite=True) as stream:
        pq.write_table(data.slice(1), stream)
    with pytest.raises(DamagedData, match=r"returned 2 rows where its manifests say 3"):
        lab.collect(plan)


def test_a_file_that_is_missing_fails_the_statement(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    commit(lake, "orders", [file_entry(f"{table.location()}/data/none.parquet")])
    with pytest.raises(DamagedData, match=r"a data file of table .* is missing"):
        lab.rows("SELECT * FROM orders")

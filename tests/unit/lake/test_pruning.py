"""Manifests are left out by their summaries, files by their partitions and bounds."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import BooleanType, DateType, LongType, NestedField, StringType

from flightlake.errors import DamagedData
from flightlake.lake.predicates import (
    And,
    Anything,
    Comparison,
    In,
    IsNotNull,
    IsNull,
    Or,
    Predicate,
    StartsWith,
)
from tests.fix_catalogs import Lake, sqlite_lake

SCHEMA = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "item", StringType()),
    NestedField(3, "day", DateType()),
    NestedField(4, "sold", BooleanType()),
)
DAYS = [date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)]


def number(value: int) -> pa.Scalar:
    return pa.scalar(value, pa.int64())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one table: a day's rows in each append, and so in each manifest and file."""
    made = sqlite_lake(tmp_path)
    spec = PartitionSpec(PartitionField(3, 1000, DayTransform(), "on_day"))
    table = made.create("orders", SCHEMA, partition_spec=spec)
    for index, day in enumerate(DAYS):
        rows = {
            "id": [index * 10, index * 10 + 1],
            "item": [f"item {index}", None],
            "day": [day, day],
            "sold": [index == 2, index == 2],
        }
        table.append(pa.table(rows))
    return made


def files_left(lake: Lake, predicate: Predicate) -> int:
    plan = lake.load("orders").plan_files(predicate)
    assert plan.considered == 3
    return len(plan.files)


@pytest.mark.parametrize(
    ("predicate", "files"),
    [
        (Anything(), 3),
        (Comparison("id", "=", number(10)), 1),
        (Comparison("id", "=", number(5)), 0),
        (Comparison("id", "<", number(10)), 1),
        (Comparison("id", "<=", number(10)), 2),
        (Comparison("id", ">", number(11)), 1),
        (Comparison("id", ">=", number(11)), 2),
        (Comparison("id", "!=", number(10)), 3),
        (Comparison("sold", "!=", pa.scalar(False)), 1),
        (Comparison("sold", "=", pa.scalar(True)), 1),
        (Comparison("item", "=", pa.scalar("item 1")), 1),
        (StartsWith("item", "item 2"), 1),
        (StartsWith("item", "item"), 3),
        (StartsWith("item", "j"), 0),
        (In("id", (number(0), number(21))), 2),
        (IsNull("item"), 3),
        (IsNull("id"), 0),
        (IsNotNull("id"), 3),
        (Comparison("day", "=", pa.scalar(DAYS[1])), 1),
        (Comparison("day", "<", pa.scalar(DAYS[0])), 0),
        (And((Comparison("id", ">", number(5)), Comparison("id", "<", number(15)))), 1),
        (Or((Comparison("id", "=", number(0)), Comparison("id", "=", number(20)))), 2),
        (And((Comparison("id", "=", number(0)), Anything())), 1),
        (Or((Comparison("id", "=", number(0)), Anything())), 3),
        (And(()), 3),
        (Or(()), 0),
        (Comparison("nothing", "=", number(0)), 3),
        (Comparison("ID", "=", number(0)), 3),
        (Comparison("id", "=", pa.scalar("0")), 3),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else None,
)
def test_files_are_left_out(lake: Lake, predicate: Predicate, files: int) -> None:
    assert files_left(lake, predicate) == files


def test_a_manifest_without_the_partition_is_not_even_read(lake: Lake) -> None:
    table = lake.load("orders")
    folder = Path(table.metadata.location.removeprefix("file://")) / "metadata"
    written = lake.writer.load_table((lake.root, "orders"))
    snapshot = written.current_snapshot()
    assert snapshot is not None
    for manifest in snapshot.manifests(written.io)[:2]:
        (folder / manifest.manifest_path.rpartition("/")[2]).unlink()
    first_day = Comparison("day", "=", pa.scalar(DAYS[0]))
    assert table.plan_files(first_day).record_count == 2
    with pytest.raises(DamagedData, match="a manifest of table"):
        table.plan_files(Anything())


def test_each_manifest_is_judged_by_the_spec_it_was_written_with(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, "orders"))
    with table.update_spec() as change:
        change.remove_field("on_day")
        change.add_field("id", BucketTransform(16), "bucket")
    more = {"id": [500], "item": ["x"], "day": [DAYS[0]], "sold": [True]}
    table.append(pa.table(more))
    plan = lake.load("orders").plan_files(Comparison("day", "=", pa.scalar(DAYS[0])))
    assert (len(plan.files), plan.considered) == (2, 4)
    plan = lake.load("orders").plan_files(Comparison("id", "=", number(500)))
    assert (len(plan.files), plan.considered) == (1, 4)


def test_a_renamed_partition_column_is_found_by_its_id(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "p"))
    table = lake.create("orders", SCHEMA, partition_spec=spec)
    with table.update_schema() as change:
        change.rename_column("id", "number")
    for value in (1, 2):
        rows = {"number": [value], "item": ["a"], "day": [DAYS[0]], "sold": [True]}
        table.append(pa.table(rows))
    plan = lake.load("orders").plan_files(Comparison("number", "=", number(2)))
    assert len(plan.files) == 1


@pytest.mark.parametrize("version", ["1", "2"])
def test_tables_of_either_format_version_are_pruned(tmp_path: Path, version: str) -> None:
    lake = sqlite_lake(tmp_path)
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "p"))
    options = {"partition_spec": spec, "properties": {"format-version": version}}
    table = lake.create("orders", SCHEMA, **options)
    assert table.metadata.format_version == int(version)
    for value in (1, 2, 3):
        rows = {"id": [value], "item": ["a"], "day": [DAYS[0]], "sold": [True]}
        table.append(pa.table(rows))
    assert files_left(lake, Comparison("id", ">=", number(2))) == 2
    table.delete("id = 2")
    plan = lake.load("orders").plan_files(Anything())
    assert (plan.record_count, plan.considered) == (2, 2)

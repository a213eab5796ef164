"""Every file is held against its table before a row is read."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import (
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
)

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, DamagedData, FlightlakeError, Unsupported
from flightlake.lake.columns import Footers
from flightlake.lake.predicates import Anything, Comparison
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_metadata import add_file, commit, edit, file_entry, with_ids

TABLE = "orders"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = sqlite_lake(tmp_path)
    made.create(TABLE).append(orders(1, 2, 3))
    return made


def plan_rows(lake: Lake, table: str = TABLE) -> int:
    return lake.load(table).plan_files(Anything()).record_count


def refusal(lake: Lake, table: str = TABLE) -> str:
    with pytest.raises(Unsupported) as error:
        plan_rows(lake, table)
    assert str(lake.load(table).identifier) in error.value.message
    return error.value.message


def data_file(lake: Lake) -> Path:
    (file,) = lake.load(TABLE).plan_files(Anything()).files
    return Path(file.path.removeprefix("file://"))


def test_a_file_with_the_tables_columns_is_read(lake: Lake, tmp_path: Path) -> None:
    schema = with_ids(("item", pa.string(), 2), ("id", pa.int64(), 1), ("old", pa.int8(), 99))
    add_file(lake, TABLE, tmp_path, pa.table({"item": ["a"], "id": [1], "old": [1]}, schema=schema))
    assert plan_rows(lake) == 4


def test_a_column_added_later_may_be_missing(lake: Lake) -> None:
    with lake.writer.load_table((lake.root, TABLE)).update_schema() as change:
        change.add_column("note", StringType())
    assert plan_rows(lake) == 3


def test_a_column_that_was_dropped_may_be_there(lake: Lake) -> None:
    with lake.writer.load_table((lake.root, TABLE)).update_schema() as change:
        change.delete_column("item")
    assert plan_rows(lake) == 3


def test_columns_in_another_order_are_read(lake: Lake) -> None:
    with lake.writer.load_table((lake.root, TABLE)).update_schema() as change:
        change.move_first("item")
    assert plan_rows(lake) == 3


def test_files_written_since_a_rename_are_read(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, TABLE))
    with table.update_schema() as change:
        change.rename_column("item", "article")
    table.overwrite(orders(4).rename_columns(["id", "article"]))
    assert plan_rows(lake) == 1


def test_a_file_that_a_filter_leaves_out_does_not_matter(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, TABLE))
    with table.update_schema() as change:
        change.rename_column("item", "article")
    table.append(orders(40).rename_columns(["id", "article"]))
    later = Comparison("id", ">", pa.scalar(10, pa.int64()))
    assert lake.load(TABLE).plan_files(later).record_count == 1


def test_files_without_field_ids_are_refused(lake: Lake, tmp_path: Path) -> None:
    add_file(lake, TABLE, tmp_path, orders(9))
    assert "has files without field ids" in refusal(lake)


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        (IntegerType(), LongType(), pa.array([1, None], pa.int32())),
        (FloatType(), DoubleType(), pa.array([1.5, None], pa.float32())),
        (DecimalType(5, 2), DecimalType(12, 2), pa.array([None, None], pa.decimal128(5, 2))),
    ],
    ids=["int to long", "float to double", "decimal"],
)
def test_a_widened_column_is_read(lake: Lake, before: Any, after: Any, values: pa.Array) -> None:
    table = lake.create("wide", Schema(NestedField(1, "v", before)))
    table.append(pa.table({"v": values}))
    with table.update_schema() as change:
        change.update_column("v", field_type=after)
    assert plan_rows(lake, "wide") == 2


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a"], pa.string()),
        pa.array([1], pa.uint64()),
        pa.array([1.0], pa.float64()),
        pa.array([1], pa.timestamp("us")),
        pa.array([[1]], pa.list_(pa.int64())),
    ],
    ids=lambda values: str(values.type),
)
def test_a_column_of_another_type_is_refused(lake: Lake, tmp_path: Path, values: pa.Array) -> None:
    schema = with_ids(("id", values.type, 1), ("item", pa.string(), 2))
    add_file(lake, TABLE, tmp_path, pa.table([values, ["a"]], schema=schema))
    assert "column 'id' has another type" in refusal(lake)


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_how_a_writer_held_strings_in_memory_does_not_matter(
    lake: Lake, tmp_path: Path, kind: pa.DataType
) -> None:
    schema = with_ids(("id", pa.int64(), 1), ("item", kind, 2))
    add_file(
        lake, TABLE, tmp_path, pa.table([pa.array([1]), pa.array(["a"]).cast(kind)], schema=schema)
    )
    assert plan_rows(lake) == 4


def test_a_required_column_that_is_missing_is_refused(lake: Lake, tmp_path: Path) -> None:
    def require_item(document: dict[str, Any]) -> None:
        document["schemas"][0]["fields"][1]["required"] = True

    edit(lake, TABLE, require_item)
    add_file(lake, TABLE, tmp_path, pa.table({"id": [1]}, schema=with_ids(("id", pa.int64(), 1))))
    assert "without the required column 'item'" in refusal(lake)


NESTED = Schema(
    NestedField(
        1, "s", StructType(NestedField(2, "a", LongType()), NestedField(3, "b", StringType()))
    ),
    NestedField(4, "l", ListType(5, IntegerType(), element_required=False)),
    NestedField(6, "m", MapType(7, StringType(), 8, LongType(), value_required=False)),
)
ROW = [{"s": {"a": 1, "b": "x"}, "l": [1], "m": [("k", 1)]}]


def test_nested_columns_that_did_not_change_are_read(lake: Lake) -> None:
    table = lake.create("nested", NESTED)
    table.append(
        pa.Table.from_pylist(
            [{"s": {"a": 1, "b": "x"}, "l": [1], "m": [("k", 1)]}], table.schema().as_arrow()
        )
    )
    assert plan_rows(lake, "nested") == 1


@pytest.mark.parametrize("rows", [0, 2, 4])
def test_another_number_of_rows_than_the_manifest_says_is_damaged(
    lake: Lake, tmp_path: Path, rows: int
) -> None:
    schema = with_ids(("id", pa.int64(), 1), ("item", pa.string(), 2))
    data = pa.table({"id": [1, 2, 3], "item": ["a", "b", "c"]}, schema=schema)
    add_file(lake, TABLE, tmp_path, data, rows=rows)
    with pytest.raises(DamagedData, match=f"has 3 rows where its manifest says {rows}"):
        plan_rows(lake)


DAMAGE = {
    "missing": (lambda path: path.unlink(), "is missing"),
    "directory": (lambda path: (path.unlink(), path.mkdir()), "is missing"),
    "empty": (lambda path: path.write_bytes(b""), "is not a Parquet file"),
    "short": (lambda path: path.write_bytes(b"PAR1"), "is not a Parquet file"),
    "text": (lambda path: path.write_bytes(b"id,item\n1,a\n" * 50), "is not a Parquet file"),
    "cut": (lambda path: os.truncate(path, path.stat().st_size - 1), "is not a Parquet file"),
    "footer": (lambda path: path.write_bytes(b"x" * 100 + b"\x50\0\0\0PAR1"), "broken footer"),
    "length": (lambda path: path.write_bytes(b"PAR1\xff\xff\xff\x7fPAR1"), "broken footer"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_broken_file_is_damaged_data(lake: Lake, damage: Any, said: str) -> None:
    path = data_file(lake)
    damage(path)
    with pytest.raises(DamagedData, match=said) as error:
        plan_rows(lake)
    assert error.value.message.startswith("a data file of table")
    assert path.name not in error.value.message


def test_an_encrypted_footer_is_refused(lake: Lake) -> None:
    path = data_file(lake)
    path.write_bytes(b"PARE" + b"x" * 100 + b"\x50\0\0\0PARE")
    assert "encrypted data files" in refusal(lake)


def test_a_footer_longer_than_the_first_read_is_read_whole(lake: Lake, tmp_path: Path) -> None:
    wide = [(f"c{number}", pa.int64(), 100 + number) for number in range(400)]
    schema = with_ids(("id", pa.int64(), 1), ("item", pa.string(), 2), *wide)
    data = pa.table([[1], ["a"], *([number] for number in range(400))], schema=schema)
    add_file(lake, TABLE, tmp_path, data)
    assert plan_rows(lake) == 4


def test_files_of_one_schema_have_one_layout(lake: Lake) -> None:
    for number in range(5):
        lake.writer.load_table((lake.root, TABLE)).append(orders(number))
    table = lake.load(TABLE)
    files = [
        (file.path, file.size, file.record_count) for file in table.plan_files(Anything()).files
    ]
    layouts = Footers(ThreadPoolExecutor(1)).layouts(table.store, files, TABLE)
    assert len(layouts) == 6
    assert len(set(map(id, layouts))) == 1


def test_a_footer_is_read_once(lake: Lake) -> None:
    table = lake.load(TABLE)
    table.plan_files(Anything())
    data_file(lake).unlink()
    # Whether the file is still there is for the engine to find out.
    assert table.plan_files(Anything()).record_count == 3


def test_a_file_of_a_rewritten_manifest_is_not_read_again(lake: Lake) -> None:
    catalog = lake.open()
    catalog.load(lake.root, TABLE).plan_files(Anything())
    (path,) = (
        Path(f.path.removeprefix("file://")) for f in lake.load(TABLE).plan_files(Anything()).files
    )
    entry = file_entry(f"file://{path}", record_count=3, file_size_in_bytes=path.stat().st_size)
    commit(lake, TABLE, [entry])
    path.unlink()
    assert catalog.load(lake.root, TABLE).plan_files(Anything()).record_count == 6


def test_planning_ends_when_the_call_is_cancelled(lake: Lake) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        lake.load(TABLE).plan_files(Anything(), cancellation)


def test_plans_made_at_once_agree(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, TABLE))
    for number in range(5):
        table.append(orders(number))
    loaded, start = lake.load(TABLE), threading.Barrier(8)

    def rows(_: int) -> int | FlightlakeError:
        start.wait()
        return loaded.plan_files(Anything()).record_count

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(rows, range(8))) == {8}

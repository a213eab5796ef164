"""Timestamps in the INT96 form of old Parquet writers."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightlake.errors import Unsupported
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab
from tests.fix_hand_made import refused, world
from tests.fix_row_deletes import HandMade, column, entry

__all__ = ["world"]

MOMENTS = [
    dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
    dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
    dt.datetime(1850, 1, 1),
    None,
]


def table(world: tuple[Lake, Lab], folder: Path, kind: Any, values: pa.Array) -> HandMade:
    made = HandMade(world[0], folder / "x", [column(1, "at", kind)])
    field = pa.field("at", values.type, metadata={"PARQUET:field_id": "1"})
    path = folder / "x" / "old.parquet"
    path.parent.mkdir(exist_ok=True)
    data = pa.table([values], pa.schema([field]))
    pq.write_table(data, path, use_deprecated_int96_timestamps=True)
    assert pq.read_metadata(path).schema.column(0).physical_type == "INT96"
    made.commit([entry(f"file://{path}", len(values), path.stat().st_size)])
    return made


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
def test_they_are_read_as_microseconds(world: tuple[Lake, Lab], tmp_path: Path, kind: str) -> None:
    table(world, tmp_path, kind, pa.array(MOMENTS, pa.timestamp("ns")))
    zone = dt.UTC if kind == "timestamptz" else None
    expected = [moment and moment.replace(tzinfo=zone) for moment in MOMENTS]
    lab = world[1]
    assert [at for (at,) in lab.rows("SELECT at FROM hand")] == expected
    before = "SELECT count(*) FROM hand WHERE at < TIMESTAMP '1970-01-01'"
    assert lab.rows(before) == [(2,)]
    assert lab.rows("SELECT min(at) FROM hand") == [(expected[2],)]


def test_they_are_read_inside_of_other_types(world: tuple[Lake, Lab], tmp_path: Path) -> None:
    element = pa.field("element", pa.timestamp("ns"), metadata={"PARQUET:field_id": "2"})
    kind = {"type": "list", "element-id": 2, "element": "timestamptz", "element-required": False}
    table(world, tmp_path, kind, pa.array([MOMENTS, None], pa.list_(element)))
    expected = [moment and moment.replace(tzinfo=dt.UTC) for moment in MOMENTS]
    assert world[1].rows("SELECT at FROM hand") == [(expected,), (None,)]


def test_they_are_not_read_as_nanoseconds(world: tuple[Lake, Lab], tmp_path: Path) -> None:
    table(world, tmp_path, "timestamp_ns", pa.array(MOMENTS, pa.timestamp("ns")))
    refused(world[1], Unsupported, "column 'at' has another type")

"""Refreshes that read only what changed, when that is not what it should be."""

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DATA_FILE_TYPE
from pyiceberg.table.snapshots import Operation

from flightlake.errors import Conflict, DamagedData
from flightlake.refresh import touching
from tests.fix_catalogs import orders
from tests.fix_increments import SALES, ids, loaded, sales
from tests.fix_materialized import Interrupted, Mills, mills
from tests.fix_table_changes import change_files

__all__ = ["mills"]


def test_a_file_of_what_came_that_lacks_rows_fails_the_refresh(mills: Mills) -> None:
    mill = loaded(mills(), "SELECT id FROM orders")
    table = mill.table("orders")
    with table.transaction() as change, change.update_snapshot().fast_append() as append:
        file = made(table, orders(3))
        file._data[DATA_FILE_TYPE[2].fields.index(DATA_FILE_TYPE[2].field(103))] = 2
        append.append_data_file(file)
    with pytest.raises(DamagedData, match="1 rows where its manifest says 2"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert ids(mill, "v") == [1, 2]
    assert mill.files("v") == mill.named("v")


def made(table: Any, rows: pa.Table) -> Any:
    (file,) = _dataframe_to_data_files(table.metadata, rows, table.io, uuid.uuid4())
    return file


def test_a_file_that_went_and_is_lost_is_not_needed(mills: Mills) -> None:
    mill = mills()
    table = mill.lake.create("sales", SALES)
    table.append(sales(*range(1, 9)))
    table.append(sales(9))
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (day) AS SELECT DISTINCT day FROM sales")
    table = mill.table("sales")
    gone = [t.file for t in table.scan().plan_files() if t.file.record_count == 1]
    change_files(table, Operation.OVERWRITE, sales(10), gone)
    Path(gone[0].file_path.removeprefix("file://")).unlink()
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["strategy"] == "FULL"
    assert len(mill.stored("v")) == 9


def test_of_two_that_add_the_same_rows_one_is_refused(mills: Mills) -> None:
    # dashtool, and a library that tries again: both appended.
    mill = loaded(mills(Interrupted))
    mill.table("orders").append(orders(3))
    other = mills()
    mill.catalog.before = lambda: other.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(Conflict):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert ids(mill, "v") == [2, 3]
    assert mill.files("v") == mill.named("v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_no_row_is_written_outside_of_the_partitions_that_are_made_anew(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill = mills()
    mill.lake.create("sales", SALES).append(sales(*range(1, 9)))
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (day) AS SELECT day FROM sales")
    mill.table("sales").delete("day = '2026-01-01'")
    mill.table("sales").append(sales(9))

    def everything(*given: Any) -> list[str]:
        return ["true"]

    monkeypatch.setattr("flightlake.refresh.choosing.MOST_SHARE", 1.0)
    monkeypatch.setattr(touching, "_conditions", everything)
    values = touching.partition_values
    monkeypatch.setattr(
        "flightlake.refresh.choosing.partition_values",
        lambda *given: {value for value in values(*given) if value % 2},
    )
    with pytest.raises(Exception, match="outside of the partitions"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert len(mill.stored("v")) == 8

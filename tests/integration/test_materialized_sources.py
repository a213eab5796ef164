"""Materialized views of what is not a plain table: tables with deleted rows, and Iceberg views."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightlake.errors import InvalidSql, NotPermitted
from tests.fix_catalogs import orders, rest_lake
from tests.fix_materialized import Mill, Mills
from tests.fix_schedule import shift_on
from tests.fix_served_lake import fill, lake_at
from tests.fix_views import create_view


def test_deleted_rows_are_not_stored_in_whatever_partitions(mills: Mills, tmp_path: Path) -> None:
    lake = lake_at(tmp_path)
    fill(lake)
    mill = mills(lake=lake)
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (item) AS SELECT * FROM deleted_rows")
    assert [row["id"] for row in mill.stored("v")] == [1, 3, 4]


@pytest.mark.component("iceberg-rest")
def test_an_iceberg_view_is_read_at_its_version_and_refused_if_it_is_volatile(
    mills: Mills,
) -> None:
    rest = rest_lake()
    rest.create("orders").append(orders(1, 2))
    create_view(rest, "plain", f"SELECT id AS n FROM {rest.root}.orders")
    moving = f"SELECT id AS n FROM {rest.root}.orders WHERE random() < 2"
    create_view(rest, "moving", moving, dialect="flightlake")
    mill = mills(more={rest.name: rest.open()})
    where = f"{rest.name}.{rest.root}"
    mill.run(f"CREATE MATERIALIZED VIEW v AS SELECT n FROM {where}.plain")
    assert mill.stored("v") == [{"n": 1}, {"n": 2}]
    snapshot = mill.table("v").current_snapshot()
    assert snapshot is not None
    states = json.loads(str(snapshot.summary["refresh-state"]))["source-states"]
    assert {state["type"]: state["name"] for state in states} == {
        "table": "orders",
        "view": "plain",
    }
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    rest.writer.load_table((rest.root, "orders")).append(orders(3))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 3
    with pytest.raises(InvalidSql, match=r"moving gives something else each time.*random"):
        mill.run(f"CREATE MATERIALIZED VIEW w AS SELECT n FROM {where}.moving")
    with pytest.raises(NotPermitted, match="does not write to catalog"):
        mill.run(f"CREATE MATERIALIZED VIEW {where}.v AS SELECT 1 AS n")


def imported(mill: Mill, folder: Path) -> None:
    """Make ``imported`` of one file without field ids."""
    file = folder / "imported.parquet"
    rows = pa.table({"id": [1, 2], "item": ["a", "b"], "label": ["c", "d"]})
    pq.write_table(rows, file)
    table = mill.lake.create("imported", rows.schema)
    table.add_files([f"file://{file}"], check_duplicate_files=False)


def named(mill: Mill, *item: str) -> None:
    """Say by which names files without field ids have the column ``item``."""
    mapping = [{"field-id": 1, "names": ["id"]}, {"field-id": 2, "names": list(item)}]
    with mill.table("imported").transaction() as change:
        change.set_properties({"schema.name-mapping.default": json.dumps(mapping)})


def items(mill: Mill, view: str) -> list[Any]:
    return [row["item"] for row in mill.stored(view)]


def test_other_names_for_the_columns_of_imported_files_make_all_rows_anew(
    mills: Mills, tmp_path: Path
) -> None:
    mill = mills()
    imported(mill, tmp_path)
    named(mill, "item")
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id, item FROM imported")
    assert items(mill, "v") == ["a", "b"]
    named(mill, "label")
    verified = mill.one("VERIFY MATERIALIZED VIEW v")
    assert verified["state"] == "UNVERIFIABLE"
    assert "name mapping" in verified["reason"]
    refreshed = mill.one("REFRESH MATERIALIZED VIEW v")
    assert refreshed["strategy"] == "FULL"
    assert "imported was changed" in refreshed["reason"]
    assert items(mill, "v") == ["c", "d"]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.one("VERIFY MATERIALIZED VIEW v")["state"] == "OK"


def test_the_scheduler_sees_other_names_for_the_columns_of_imported_files(
    mills: Mills, tmp_path: Path
) -> None:
    shift = shift_on(mills)
    mill = shift.mill
    imported(mill, tmp_path)
    named(mill, "item")
    mill.run(
        "CREATE MATERIALIZED VIEW v TARGET_LAG = '10 seconds' AS SELECT id, item FROM imported"
    )
    assert shift.pass_time(100) == []
    named(mill, "label")
    assert shift.pass_time(100) == ["v lag"]
    assert items(mill, "v") == ["c", "d"]
    assert shift.pass_time(100) == []

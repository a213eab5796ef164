"""Materialized views of what is not a plain table: tables with deleted rows, and Iceberg views."""

import json
from pathlib import Path

import pytest

from flightlake.errors import InvalidSql, NotPermitted
from tests.fix_catalogs import orders, rest_lake
from tests.fix_materialized import Mills
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

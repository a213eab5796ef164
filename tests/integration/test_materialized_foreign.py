"""What others do to the table of a view is noticed, and the next refresh brings its rows back;
what changes no row is left as it is.  DuckDB and pyiceberg read every kind of view."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.table import Table
from pyiceberg.types import DoubleType, StringType

from flightlake.errors import PreconditionFailed
from tests.components import duckdb_reader
from tests.fix_catalogs import started
from tests.fix_materialized import Mill, Mills
from tests.fix_table_changes import compact

PAIRS = pa.schema([("k", pa.int32()), ("v", pa.float32())])
BEFORE = [{"k": key, "v": float(key)} for key in range(6)]
MORE = {"k": 6, "v": 6.0}


def with_view(mill: Mill, layout: str, query: str) -> None:
    source = mill.lake.create("source", PAIRS)
    source.append(pa.Table.from_pylist(BEFORE, PAIRS))
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS {query}")
    assert mill.stored("v") == BEFORE


def renamed(view: Table) -> None:
    with view.update_schema() as change:
        change.rename_column("v", "w")


def dropped(view: Table) -> None:
    with view.update_schema() as change:
        change.delete_column("v")


def widened(view: Table) -> None:
    with view.update_schema() as change:
        change.update_column("v", DoubleType())


def added(view: Table) -> None:
    with view.update_schema() as change:
        change.add_column("note", StringType())


def rolled_back(view: Table) -> None:
    first = view.snapshots()[0].snapshot_id
    view.append(view.scan().to_arrow())
    view.manage_snapshots().set_current_snapshot(first).commit()


def rolled_back_and_appended(view: Table) -> None:
    rolled_back(view)
    view.refresh()
    view.append(view.scan().to_arrow())


def cut_otherwise(view: Table) -> None:
    with view.update_spec() as change:
        change.remove_field("k")
    view.append(view.scan().to_arrow().slice(0, 2))


REPAIRED: dict[str, Callable[[Table], object]] = {
    "append": lambda view: view.append(view.scan().to_arrow().slice(0, 1)),
    "overwrite": lambda view: view.overwrite(view.scan().to_arrow().slice(0, 1)),
    "delete": lambda view: view.delete("k = 3"),
    "rename": renamed,
    "drop": dropped,
    "widen": widened,
    "add": added,
    "fork": rolled_back_and_appended,
}
LEFT: dict[str, Callable[[Table], object]] = {
    "compaction": compact,
    "branch": lambda view: (
        view.manage_snapshots()
        .create_branch(view.current_snapshot().snapshot_id, "b")  # type: ignore[union-attr]
        .commit()
    ),
    "tag": lambda view: (
        view.manage_snapshots()
        .create_tag(view.current_snapshot().snapshot_id, "t")  # type: ignore[union-attr]
        .commit()
    ),
    "properties": lambda view: view.transaction().set_properties({"a": "b"}).commit_transaction(),
    "rollback to itself": rolled_back,
}
KINDS = [
    ("", "SELECT k, v FROM source"),
    ("PARTITIONED BY (k)", "SELECT k, v FROM source"),
    ("PARTITIONED BY (k)", "SELECT k, max(v) AS v FROM source GROUP BY k"),
]


@pytest.mark.parametrize(("layout", "query"), KINDS)
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("what", REPAIRED)
def test_rows_and_columns_that_others_change_are_brought_back(
    mills: Mills, what: str, moved: bool, layout: str, query: str
) -> None:
    mill = mills()
    with_view(mill, layout, query)
    REPAIRED[what](mill.table("v"))
    if moved:
        mill.table("source").append(pa.Table.from_pylist([MORE], PAIRS))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["strategy"] == "FULL"
    assert "by somebody else" in row["reason"]
    assert mill.stored("v") == BEFORE + [MORE] * moved
    assert mill.table("v").schema().find_type("v") == mill.table("source").schema().find_type("v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


@pytest.mark.parametrize(("layout", "query"), KINDS)
@pytest.mark.parametrize("what", LEFT)
def test_what_changes_no_row_is_no_change(mills: Mills, what: str, layout: str, query: str) -> None:
    mill = mills()
    with_view(mill, layout, query)
    LEFT[what](mill.table("v"))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    mill.table("source").append(pa.Table.from_pylist([MORE], PAIRS))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == [*BEFORE, MORE]


def test_partitions_that_others_cut_otherwise_are_brought_back(mills: Mills) -> None:
    mill = mills()
    with_view(mill, "PARTITIONED BY (k)", "SELECT k, v FROM source")
    cut_otherwise(mill.table("v"))
    mill.table("source").append(pa.Table.from_pylist([MORE], PAIRS))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    assert mill.stored("v") == [*BEFORE, MORE]
    assert [field.name for field in mill.table("v").spec().fields] == ["k"]


def test_columns_that_both_changed_are_nobody_s(mills: Mills) -> None:
    mill = mills()
    with_view(mill, "", "SELECT * FROM source")
    renamed(mill.table("v"))
    with mill.table("source").update_schema() as change:
        change.rename_column("v", "u")
    with pytest.raises(PreconditionFailed, match="other columns than when the view was made"):
        mill.run("REFRESH MATERIALIZED VIEW v")


TYPED = (
    "SELECT id, id % 3 AS part, arrow_cast(id, 'Int32') AS small, id * 1.5 AS x,"
    " arrow_cast(id, 'Float32') AS y, id % 2 = 0 AS even, CAST(id AS DECIMAL(12, 3)) AS price,"
    " DATE '2024-02-28' + arrow_cast(id, 'Int32') AS day, TIME '01:02:03' AS clock,"
    " arrow_cast(id * 1000000, 'Timestamp(Microsecond, None)') AS at,"
    " arrow_cast(id * 1000000, 'Timestamp(Microsecond, Some(\"+00:00\"))') AS moment,"
    " CAST(id AS VARCHAR) AS text, arrow_cast(CAST(id AS VARCHAR), 'Binary') AS raw"
    " FROM numbers WHERE id < 1000"
)
NUMBERS = pa.schema([("id", pa.int64())])


@pytest.mark.component("duckdb")
@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (part)", "PARTITIONED BY (month(day), id)"])
def test_duckdb_and_pyiceberg_read_every_kind_of_view(mills: Mills, layout: str) -> None:
    mill = mills()
    source = mill.lake.create("numbers", NUMBERS)
    tables: dict[str, str] = {}
    seen: dict[str, list[dict[str, Any]]] = {}

    def keep(name: str) -> None:
        table = mill.table("v")
        tables[name] = table.metadata_location
        seen[name] = sorted(table.scan().to_arrow().to_pylist(), key=repr)

    def numbers(*ids: int) -> pa.Table:
        return pa.table({"id": list(ids)}, schema=NUMBERS)

    source.append(numbers(1, 2, 3, 4, 5))
    mill.run(f"CREATE MATERIALIZED VIEW v {layout} AS {TYPED}")
    keep("made")
    source.append(numbers(6))
    strategies = [mill.one("REFRESH MATERIALIZED VIEW v")["strategy"]]
    keep("appended")
    source.delete("id = 2")
    strategies.append(mill.one("REFRESH MATERIALIZED VIEW v")["strategy"])
    keep("deleted")
    mill.run(
        "CREATE OR REPLACE MATERIALIZED VIEW v PARTITIONED BY (text) AS"
        " SELECT CAST(id AS VARCHAR) AS text, id % 2 AS id, x FROM"
        " (SELECT id, 1 AS x FROM numbers)"
    )
    keep("replaced")
    source.append(numbers(7, 8))
    mill.run("REFRESH MATERIALIZED VIEW v")
    keep("refreshed")
    assert [len(rows) for rows in seen.values()] == [5, 6, 5, 5, 7]
    assert strategies[0] == "APPEND"
    names = list(tables)
    answers = duckdb_reader.read(
        started(duckdb_reader), tables, [f'SELECT * FROM "{name}"' for name in names]
    )
    for name, rows in zip(names, answers, strict=True):
        want = sorted([str(value) for value in row.values()] for row in seen[name])
        assert sorted(rows) == want, name

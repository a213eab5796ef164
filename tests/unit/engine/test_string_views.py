"""Strings are views inside of the engine, and nobody sees it."""

import pyarrow as pa
import pytest

from flightlake.engine.string_views import worthwhile
from flightlake.names import TableIdentifier
from tests.fix_engine import Lab


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM few WHERE id < 30",
        "SELECT max(name) AS name FROM few",
        "SELECT name FROM few ORDER BY name DESC LIMIT 3",
        "SELECT upper(name) AS name FROM few",
        "SELECT name FROM (SELECT * FROM few UNION ALL SELECT * FROM few) GROUP BY name",
        "SELECT name FROM few",
    ],
)
def test_results_have_plain_strings(lab: Lab, sql: str) -> None:
    plan = lab.plan(sql)
    assert plan.schema.field("name").type == pa.string()
    assert lab.collect(plan).schema.field("name").type == pa.string()


def test_columns_of_one_name_keep_their_values(lab: Lab) -> None:
    rows = lab.rows("SELECT a.name, b.name, b.id FROM few a JOIN few b ON a.id = b.id - 10")
    assert sorted(rows, key=str) == [
        ("n0", "n1", 10), ("n1", "n2", 20), (None, None, 11), (None, None, 21),
    ]  # fmt: skip


def test_order_is_that_of_the_statement(lab: Lab) -> None:
    rows = lab.rows("SELECT grp, id FROM big WHERE id > 95 ORDER BY grp DESC, id DESC LIMIT 4")
    assert rows == [("g9", 99), ("g9", 98), ("g9", 97), ("g9", 96)]


@pytest.mark.parametrize(
    "condition", ["grp = 'g3'", "grp IN ('g3')", "grp LIKE 'g3%'", "'g3' = grp", "grp = $1"]
)
def test_files_are_left_out_by_strings(lab: Lab, condition: str) -> None:
    values = {"1": pa.scalar("g3")} if "$1" in condition else {}
    plan = lab.plan(f"SELECT count(*) AS n FROM big WHERE {condition}", values)
    name = TableIdentifier(lab.defaults.catalog, lab.defaults.db_schema, "big")
    assert [len(paths) for paths in plan.paths[name]] == [1]
    assert lab.collect(plan).column("n").to_pylist() == [10]


def test_statements_that_only_hand_rows_on_read_plain_strings() -> None:
    assert not worthwhile("SELECT a, b FROM c.d.t -- WHERE")
    assert worthwhile("select * from t where a = 'x'")
    assert worthwhile("SELECT count(*) FROM t")

"""Statements with a query that is computed once give the rows that DuckDB gives."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.fix_catalogs import sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on, tuples

ROWS = {
    "t": pa.table(
        {
            "a": [n % 7 if n % 11 else None for n in range(400)],
            "b": [f"b{n * 37 % 5}" if n % 13 else None for n in range(400)],
            "c": [n * 7919 % 101 - 50 for n in range(400)],
        }
    ),
    "u": pa.table({"a": [None, 0, 2, 3, 3, 9], "d": ["x", "b1", None, "b3", "y", "b0"]}),
}
KEYS = st.sampled_from(["a", "b", "a, b"])
SUMS = st.sampled_from(["count(*)", "sum(c)", "min(c)", "count(a)", "count(DISTINCT c)", "max(c)"])
WHERE = st.sampled_from(["", " WHERE c > 0", " WHERE b IN ('b1', 'b2')", " WHERE a IS NOT NULL"])
HAVING = st.sampled_from(["", " HAVING count(*) > 10", " HAVING min(c) < -45"])
OUTER = st.sampled_from(
    [
        "SELECT * FROM g WHERE m = (SELECT max(m) FROM g)",
        "SELECT x.k, y.m, x.n FROM g x JOIN g y ON x.k = y.k",
        "SELECT x.k, y.m FROM g x LEFT JOIN g y ON x.m = y.n AND x.k > y.k",
        "SELECT * FROM g WHERE n > 20 UNION ALL SELECT * FROM g",
        "SELECT k, n FROM g EXCEPT SELECT k, n FROM g WHERE n < 40",
        "SELECT k FROM g WHERE n IN (SELECT n FROM g WHERE m IS NOT NULL) GROUP BY k",
        "SELECT u.d, g.n FROM u LEFT JOIN g ON u.d = g.k WHERE EXISTS (SELECT 1 FROM g)",
        "SELECT u.d FROM u WHERE u.d NOT IN (SELECT k FROM g WHERE k IS NOT NULL)"
        " AND (SELECT count(*) FROM g) > 3",
        "SELECT x.k, count(*) AS place FROM g x JOIN g y ON x.n <= y.n AND x.m = y.m GROUP BY x.k",
        "SELECT k, n, sum(n) OVER (PARTITION BY k) AS w FROM g WHERE m < (SELECT max(m) FROM g)",
        "SELECT l.k, r.n FROM l, l r WHERE l.k = r.k",
    ]
)
LATER = st.sampled_from(
    ["SELECT k, n FROM g", "SELECT k, max(n) AS n FROM g GROUP BY k", "SELECT DISTINCT k, n FROM g"]
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("lake")
    lake = sqlite_lake(folder)
    for name, rows in ROWS.items():
        lake.create(name, rows.schema)
        lake.writer.load_table((lake.root, name)).append(rows)
    engine = engine_on({lake.name: lake.open()}, folder / "spill", held_rows=0)
    yield Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


@pytest.fixture(scope="module")
def peer() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 1})
    for name, rows in ROWS.items():
        connection.register(name, rows)
    yield connection
    connection.close()


@settings(max_examples=40)
@given(keys=KEYS, first=SUMS, second=SUMS, where=WHERE, having=HAVING, outer=OUTER, later=LATER)
def test_the_rows_are_those_of_duckdb(
    lab: Lab,
    peer: duckdb.DuckDBPyConnection,
    keys: str,
    first: str,
    second: str,
    where: str,
    having: str,
    outer: str,
    later: str,
) -> None:
    key = "concat(CAST(a AS VARCHAR), b)" if "," in keys else f"CAST({keys} AS VARCHAR)"
    group = f"SELECT {key} AS k, {first} AS n, {second} AS m FROM t{where} GROUP BY {keys}"
    sql = f"WITH g AS ({group}{having}), l AS ({later}) {outer}"
    wanted = peer.execute(sql).fetchall()
    plan = lab.plan(sql)
    event("held" if plan.held is not None else "as it is")
    assert sorted(map(repr, tuples(lab.collect(plan)))) == sorted(map(repr, wanted))

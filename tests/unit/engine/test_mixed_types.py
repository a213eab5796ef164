"""Columns that are made of several types have the type that all of them fit."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.engine.mixed_types import mixes_types
from flightlake.engine.sql_text import read
from tests.fix_catalogs import sqlite_lake
from tests.fix_engine import Lab, Labs

ROW = pa.table(
    {"i": pa.array([1], pa.int32()), "l": [2], "d": [0.5], "s": ["x"]},
)


@pytest.fixture
def lab(tmp_path: Path, labs: Labs) -> Lab:
    lake = sqlite_lake(tmp_path)
    lake.create("t", ROW.schema).append(ROW)
    return labs(lake)


@pytest.mark.parametrize(
    ("sql", "type_", "values"),
    [
        ("SELECT i FROM t UNION ALL SELECT l FROM t", pa.int64(), [1, 2]),
        ("SELECT i FROM t UNION SELECT d FROM t", pa.float64(), [0.5, 1.0]),
        ("SELECT i FROM t UNION ALL VALUES (7)", pa.int64(), [1, 7]),
        ("SELECT CASE WHEN i = 1 THEN i ELSE l END AS c FROM t", pa.int64(), [1]),
        (
            "SELECT c FROM (SELECT i AS c FROM t UNION ALL SELECT d FROM t) x",
            pa.float64(),
            [0.5, 1],
        ),
        (
            "SELECT l, 1 AS n FROM t UNION ALL SELECT 1 AS n, l AS m FROM t",
            pa.int64(),
            [1, 2],
        ),
        ("SELECT 'a' AS s FROM t UNION ALL SELECT s FROM t", pa.string(), ["a", "x"]),
    ],
)
def test_the_type_that_all_branches_fit_is_announced_and_sent(
    lab: Lab, sql: str, type_: pa.DataType, values: list[Any]
) -> None:
    assert lab.engine.outline(read(sql), lab.defaults, {}).schema.types[0] == type_
    found = lab.collect(lab.plan(sql))
    assert found.schema.types[0] == type_
    assert sorted(found.column(0).to_pylist()) == values


def test_what_only_its_parameters_settle_can_be_prepared(lab: Lab) -> None:
    sql = "SELECT CASE WHEN DATE '2026-01-02' > $1 - INTERVAL '1 day' THEN i ELSE l END AS c FROM t"
    assert len(lab.engine.outline(read(sql), lab.defaults, {}).parameters) == 1


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 union SELECT 2", True),
        ("SELECT case WHEN a THEN 1 END", True),
        ("SELECT 'CASE' AS \"UNION\" FROM t", False),
        ("SELECT a FROM t", False),
    ],
)
def test_only_union_and_case_mix_types(sql: str, expected: bool) -> None:
    assert mixes_types(sql) == expected

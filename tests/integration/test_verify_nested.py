"""VERIFY of views with lists, structs and maps."""

import pyarrow as pa
import pytest

from tests.fix_materialized import Mills
from tests.fix_upkeep import verified

_ROWS = pa.table(
    {
        "id": [1, 2, 3],
        "listed": [["a", None], [], None],
        "inside": [{"a": 1, "b": "x"}, None, {"a": None, "b": None}],
        "mapped": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "numbers": [[0.1], [None], [float("nan")]],
    }
)


@pytest.mark.parametrize("column", _ROWS.column_names[1:])
def test_a_row_that_is_missing_is_found(mills: Mills, column: str) -> None:
    mill = mills()
    mill.lake.create("things", _ROWS.schema).append(_ROWS)
    mill.run(f"CREATE MATERIALIZED VIEW v AS SELECT id * 1.5 AS x, {column} FROM things")
    assert verified(mill).state == "OK"
    mill.table("v").delete("x = 3.0")
    found = verified(mill)
    assert (found.state, found.missing, found.extra) == ("DIFFERENT", 1, 0)


def test_what_cannot_be_compared_is_said(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("things", _ROWS.schema).append(_ROWS)
    query = "SELECT arrow_cast(listed, 'LargeList(Utf8)') AS a FROM things"
    mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    found = verified(mill)
    assert found.state == "UNVERIFIABLE"
    assert "cannot be compared" in str(found.reason)

"""VERIFY of views with lists, structs and maps."""

import pyarrow as pa
import pytest

from flightlake.refresh.verifying import _weighed
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


def test_moments_that_python_has_no_date_for_are_compared_and_shown(mills: Mills) -> None:
    far = pa.array([10**18, 10**18 + 1, 0]).cast(pa.timestamp("us"))
    column = pa.ListArray.from_arrays([0, 1, 2, 3], far)
    rows = pa.table([column, pa.array([0.5, 1.5, 2.5])], names=["at", "x"])
    mill = mills()
    mill.lake.create("things", rows.schema).append(rows)
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT at, x FROM things")
    assert verified(mill).state == "OK"
    mill.table("v").overwrite(rows.set_column(0, "at", column.take(pa.array([1, 0, 2]))))
    found = verified(mill)
    assert (found.state, found.missing, found.extra) == ("DIFFERENT", 2, 2)
    assert str(10**18 + 1) in str(found.examples)


def test_such_moments_are_told_apart_in_columns_of_their_own() -> None:
    moments = pa.array([10**18, 10**18 + 1, 0, None]).cast(pa.timestamp("us", "UTC"))
    days = pa.array([10**7, 10**7 + 1, 0, None], pa.int32()).cast(pa.date32())
    for column in (moments, days):
        found = dict(_weighed(pa.record_batch([column, pa.array([1, 2, 3, 4])], names=["a", "w"])))
        assert sorted(found.values()) == [1, 2, 3, 4]
        assert column[2].as_py() in {row[0] for row in found}

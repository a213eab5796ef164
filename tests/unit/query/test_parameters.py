"""Rows of parameters: each is an execution, all on one snapshot."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, InvalidRequest
from flightlake.flightsql.payloads import Statement
from flightlake.query.parameters import encode_rows
from tests.fix_engine import Served, Services, small_lake
from tests.fix_query import all_free
from tests.fix_slow_catalog import HeldCatalog


def bound(statement: Statement, *columns: list[Any]) -> Statement:
    """Return *statement* with one bound row for each place of *columns*."""
    arrays = [pa.array(column) for column in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=[""] * len(arrays))
    return replace(statement, parameters=encode_rows(batch.schema, [batch]))


def test_rows_of_parameters_are_executed_one_after_the_other(served: Served) -> None:
    statement = bound(served.statement("SELECT id, ? FROM few WHERE id >= ? ORDER BY id"),
                      ["a", "b", "c"], [11, 20, 99])  # fmt: skip
    described = served.service.describe(statement, Cancellation())
    expected = [(11, "a"), (20, "a"), (21, "a"), (20, "b"), (21, "b")]
    assert served.read(described.statement) == expected
    all_free(served)
    assert len(served.finished) == 1
    assert served.finished[0].rows == 5


def test_no_row_of_parameters_gives_no_row(served: Served) -> None:
    empty = pa.RecordBatch.from_arrays([pa.array([], pa.int64())], names=["n"])
    statement = replace(
        served.statement("SELECT id FROM few WHERE id = ?"),
        parameters=encode_rows(empty.schema, [empty]),
    )
    described = served.service.describe(statement, Cancellation())
    assert described.schema.names == ["id"]
    assert served.read(described.statement) == []
    all_free(served)


def test_parameters_that_are_not_bound_are_asked_for(served: Served) -> None:
    with pytest.raises(InvalidRequest, match="has 2 parameters and none are bound"):
        served.describe("SELECT ?, ?")
    with pytest.raises(InvalidRequest, match="has 1 parameters and 2 are bound"):
        served.service.describe(bound(served.statement("SELECT ?"), [1], [2]), Cancellation())
    all_free(served)


def test_null_in_a_later_row_of_parameters_fits_the_promised_schema(served: Served) -> None:
    statement = bound(served.statement("SELECT ?"), [1, None])
    assert served.read(served.service.describe(statement, Cancellation()).statement) == [
        (1,),
        (None,),
    ]
    all_free(served)


def test_later_rows_of_parameters_read_the_same_snapshot_and_stop_with_the_reader(
    tmp_path: Path, services: Services
) -> None:
    lake = small_lake(tmp_path)
    catalog = HeldCatalog(lake.open())
    served = services(lake, more={lake.name: catalog})
    statement = bound(served.statement("SELECT count(*) FROM few WHERE id >= ?"), [0] * 200)
    described = served.service.describe(statement, Cancellation())
    stream = served.execute(described.statement)
    batches = iter(stream)
    assert next(batches).column(0).to_pylist() == [6]
    lake.writer.load_table((lake.root, "few")).append(
        pa.table(
            {"id": [7], "name": ["new"]}, pa.schema([("id", pa.int64()), ("name", pa.string())])
        )
    )
    assert next(batches).column(0).to_pylist() == [6]
    stream.close()
    loads = catalog.loads
    with pytest.raises(Cancelled):
        list(batches)
    assert catalog.loads <= loads + 4  # the row that was being planned, and no other
    all_free(served)

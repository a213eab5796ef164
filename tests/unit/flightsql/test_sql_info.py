"""The result of GetSqlInfo."""

import pyarrow as pa

from flightlake.flightsql.schemas import SQL_INFO
from flightlake.flightsql.sql_info import KINDS, Kind, sql_info

VALUES = {
    0: "server",
    3: True,
    541: 2**40,
    8: -1,
    508: ("SELECT", "FROM"),
    517: {1: (2, 3), 4: ()},
}


def test_each_kind_of_value_comes_back() -> None:
    table = sql_info(VALUES)
    table.validate(full=True)
    assert table.schema == SQL_INFO
    assert table.to_pylist() == [
        {"info_name": 0, "value": "server"},
        {"info_name": 3, "value": True},
        {"info_name": 8, "value": -1},
        {"info_name": 508, "value": ["SELECT", "FROM"]},
        {"info_name": 517, "value": [(1, [2, 3]), (4, [])]},
        {"info_name": 541, "value": 2**40},
    ]


def test_the_result_survives_the_wire() -> None:
    sink = pa.BufferOutputStream()
    table = sql_info(VALUES)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    read = pa.ipc.open_stream(sink.getvalue()).read_all()
    read.validate(full=True)
    assert read == table
    assert read.schema == SQL_INFO


def test_codes_come_once_in_the_order_asked_for() -> None:
    table = sql_info(VALUES, [541, 0, 541])
    assert table.column("info_name").to_pylist() == [541, 0]


def test_an_unknown_code_gets_no_row() -> None:
    table = sql_info(VALUES, [0, 99_999])
    assert table.column("info_name").to_pylist() == [0]


def test_only_unknown_codes_make_an_empty_result() -> None:
    table = sql_info(VALUES, [99_999])
    table.validate(full=True)
    assert table.num_rows == 0
    assert table.schema == SQL_INFO


def test_the_specification_has_91_codes() -> None:
    assert len(KINDS) == 91


def test_the_kinds_are_those_of_the_specification_and_one_of_the_jdbc_driver() -> None:
    by_kind = {kind: sum(1 for each in KINDS.values() if each is kind) for kind in Kind}
    assert by_kind == {
        Kind.STRING: 11,
        Kind.BOOL: 32,
        Kind.INT64: 21,
        Kind.INT32: 21,
        Kind.STRING_LIST: 5,
        Kind.INT32_TO_LIST_MAP: 1,
    }
    # Those that drivers ask for first.
    assert KINDS[8] is Kind.INT32
    assert KINDS[556] is Kind.BOOL
    assert KINDS[562] is Kind.INT64  # an int32 by the specification, which the driver cannot read
    assert KINDS[563] is Kind.BOOL

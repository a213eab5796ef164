"""CommandGetXdbcTypeInfo."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.schemas import XDBC_TYPE_INFO
from tests.fix_commands import answer, call_on


def test_no_number_asks_for_all_types() -> None:
    table = answer(pb.CommandGetXdbcTypeInfo(), call_on())
    assert table.schema == XDBC_TYPE_INFO
    assert {"BIGINT", "VARCHAR", "TIMESTAMP"} <= set(table.column("type_name").to_pylist())


def test_a_number_asks_for_its_types() -> None:
    table = answer(pb.CommandGetXdbcTypeInfo(data_type=pb.XDBC_DATE), call_on())
    assert table.column("type_name").to_pylist() == ["DATE"]


def test_number_zero_is_a_filter_too() -> None:
    assert answer(pb.CommandGetXdbcTypeInfo(data_type=0), call_on()).num_rows == 0

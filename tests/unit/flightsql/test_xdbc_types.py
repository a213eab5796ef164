"""The result of GetXdbcTypeInfo."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.schemas import XDBC_TYPE_INFO
from flightlake.flightsql.xdbc_types import xdbc_type_info


def test_the_types_are_ordered_by_number_then_name() -> None:
    table = xdbc_type_info()
    table.validate(full=True)
    assert table.schema == XDBC_TYPE_INFO
    keys = [(row["data_type"], row["type_name"]) for row in table.to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) > 15


def test_one_number_gives_the_types_of_that_number() -> None:
    names = xdbc_type_info(pb.XDBC_BIGINT).column("type_name").to_pylist()
    assert names == ["BIGINT", "BIGINT UNSIGNED"]


def test_a_number_without_a_type_gives_no_row() -> None:
    table = xdbc_type_info(pb.XDBC_WVARCHAR)
    assert table.num_rows == 0
    assert table.schema == XDBC_TYPE_INFO


def test_a_timestamp_is_a_datetime_with_a_subcode() -> None:
    row = xdbc_type_info(pb.XDBC_TIMESTAMP).to_pylist()[0]
    assert row["sql_data_type"] == pb.XDBC_DATETIME
    assert row["datetime_subcode"] == pb.XDBC_SUBCODE_TIMESTAMP
    assert (row["literal_prefix"], row["literal_suffix"]) == ("TIMESTAMP '", "'")


def test_other_types_have_their_own_number_twice() -> None:
    row = xdbc_type_info(pb.XDBC_DECIMAL).to_pylist()[0]
    assert row["sql_data_type"] == pb.XDBC_DECIMAL
    assert row["datetime_subcode"] is None
    assert row["create_params"] == ["precision", "scale"]

"""CommandGetSqlInfo."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.schemas import SQL_INFO
from tests.fix_commands import answer, call_on


def test_no_code_asks_for_all() -> None:
    table = answer(pb.CommandGetSqlInfo(), call_on())
    assert table.schema == SQL_INFO
    assert table.column("info_name").to_pylist() == sorted(pb.SqlInfo.values())


def test_the_codes_asked_for_are_given() -> None:
    wanted = [pb.FLIGHT_SQL_SERVER_TRANSACTION, pb.FLIGHT_SQL_SERVER_NAME, 12_345]
    assert answer(pb.CommandGetSqlInfo(info=wanted), call_on()).to_pylist() == [
        {"info_name": pb.FLIGHT_SQL_SERVER_TRANSACTION, "value": 0},
        {"info_name": pb.FLIGHT_SQL_SERVER_NAME, "value": "flightlake"},
    ]

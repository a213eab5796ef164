"""What the server says of itself."""

from collections.abc import Mapping
from datetime import timedelta

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.server_info import server_info
from flightlake.flightsql.sql_info import KINDS, Kind, SqlInfoValue

PYTHON_TYPES = {
    Kind.STRING: str,
    Kind.BOOL: bool,
    Kind.INT64: int,
    Kind.INT32: int,
    Kind.STRING_LIST: tuple,
    Kind.INT32_TO_LIST_MAP: dict,
}


def _info() -> Mapping[int, SqlInfoValue]:
    return server_info(
        version="1.2.3",
        arrow_version="26.0.1",
        keywords=["SELECT"],
        numeric_functions=["abs"],
        string_functions=["lower"],
        system_functions=["version"],
        datetime_functions=["now"],
        statement_bytes=1_000_000,
        prepared_lifetime=timedelta(hours=2),
    )


def test_every_code_has_a_value_of_its_type() -> None:
    info = _info()
    assert set(info) == set(KINDS)
    assert {
        code: type(value)
        for code, value in info.items()
        if type(value) is not PYTHON_TYPES[KINDS[code]]
    } == {}


def test_what_is_given_is_reported() -> None:
    info = _info()
    assert info[pb.FLIGHT_SQL_SERVER_VERSION] == "1.2.3"
    assert info[pb.FLIGHT_SQL_SERVER_ARROW_VERSION] == "26.0.1"
    assert info[pb.SQL_KEYWORDS] == ("SELECT",)
    assert info[pb.SQL_NUMERIC_FUNCTIONS] == ("abs",)
    assert info[pb.SQL_STRING_FUNCTIONS] == ("lower",)
    assert info[pb.SQL_SYSTEM_FUNCTIONS] == ("version",)
    assert info[pb.SQL_DATETIME_FUNCTIONS] == ("now",)
    assert info[pb.SQL_MAX_STATEMENT_LENGTH] == 1_000_000
    assert info[pb.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT] == 7_200_000


def test_a_read_only_server_says_so() -> None:
    info = _info()
    assert info[pb.FLIGHT_SQL_SERVER_READ_ONLY] is True
    assert info[pb.FLIGHT_SQL_SERVER_CANCEL] is True
    assert info[pb.FLIGHT_SQL_SERVER_TRANSACTION] == pb.SQL_SUPPORTED_TRANSACTION_NONE
    assert info[pb.FLIGHT_SQL_SERVER_BULK_INGESTION] is False
    assert info[pb.FLIGHT_SQL_SERVER_SUBSTRAIT] is False


def test_bit_masks_have_the_bit_of_each_enum_value() -> None:
    info = _info()
    assert info[pb.SQL_SUPPORTED_GROUP_BY] == 0b11
    assert info[pb.SQL_SUPPORTED_SUBQUERIES] == 0b111
    assert info[pb.SQL_SUPPORTED_RESULT_SET_TYPES] == 0b10
    assert info[pb.SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS] == 0b1

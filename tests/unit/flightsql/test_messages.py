"""Flight SQL messages to bytes and back."""

import pytest
from google.protobuf.any_pb2 import Any

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.errors import InvalidRequest, Unsupported
from flightlake.flightsql.messages import pack, parse, unpack, unpack_as

QUERY = FlightSql_pb2.CommandStatementQuery(query="SELECT 1", transaction_id=b"t")


def test_a_packed_message_comes_back() -> None:
    assert unpack(pack(QUERY)) == QUERY


def test_any_prefix_before_the_type_name_is_accepted() -> None:
    wrapped = Any(
        type_url="example.org/types/arrow.flight.protocol.sql.CommandGetCatalogs", value=b""
    )
    assert unpack(wrapped.SerializeToString()) == FlightSql_pb2.CommandGetCatalogs()


def test_a_truncated_command_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="the command is not a Flight SQL message"):
        unpack(pack(QUERY)[:-3])


def test_a_truncated_message_inside_is_invalid_and_named() -> None:
    wrapped = Any()
    wrapped.Pack(QUERY)
    wrapped.value = wrapped.value[:-1]
    with pytest.raises(InvalidRequest, match="not a whole CommandStatementQuery"):
        unpack(wrapped.SerializeToString())


def test_text_that_is_not_utf8_is_invalid() -> None:
    wrapped = Any()
    wrapped.Pack(QUERY)
    wrapped.value = b"\x0a\x02\xff\xfe"
    with pytest.raises(InvalidRequest, match="cannot be decoded"):
        unpack(wrapped.SerializeToString())


@pytest.mark.parametrize("data", [b"", Any(type_url="no-slash").SerializeToString()])
def test_an_any_without_a_type_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="names no message type"):
        unpack(data)


def test_an_unknown_type_is_unsupported_and_named() -> None:
    wrapped = Any(type_url="type.googleapis.com/arrow.flight.protocol.sql.CommandMakeCoffee")
    with pytest.raises(Unsupported, match=r"protocol\.sql\.CommandMakeCoffee, which"):
        unpack(wrapped.SerializeToString())


def test_a_flight_message_is_no_flight_sql_command() -> None:
    with pytest.raises(Unsupported, match=r"arrow\.flight\.protocol\.Ticket"):
        unpack(pack(Flight_pb2.Ticket()))


def test_a_hostile_type_name_is_clipped_and_escaped() -> None:
    wrapped = Any(type_url="x/" + "evil\n" * 1000)
    with pytest.raises(Unsupported) as raised:
        unpack(wrapped.SerializeToString())
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 400


def test_the_error_calls_the_input_what_the_caller_calls_it() -> None:
    with pytest.raises(InvalidRequest, match="the ticket is not"):
        unpack(b"\xff", what="ticket")


def test_another_message_than_the_expected_is_invalid() -> None:
    with pytest.raises(
        InvalidRequest, match=r"a CommandStatementQuery, but a CommandGetTables belongs here"
    ):
        unpack_as(pack(QUERY), FlightSql_pb2.CommandGetTables)


def test_the_expected_message_is_given() -> None:
    assert unpack_as(pack(QUERY), FlightSql_pb2.CommandStatementQuery).query == "SELECT 1"


def test_a_bare_message_is_parsed() -> None:
    request = Flight_pb2.SetSessionOptionsRequest()
    request.session_options["catalog"].string_value = "lake"
    assert parse(request.SerializeToString(), Flight_pb2.SetSessionOptionsRequest) == request


def test_a_truncated_bare_message_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="not a whole CancelFlightInfoRequest"):
        parse(b"\x0a\x05ab", Flight_pb2.CancelFlightInfoRequest)

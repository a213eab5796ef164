"""Arbitrary bytes never get further than the decoder."""

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.errors import InvalidRequest, Unsupported
from flightlake.flightsql.messages import MESSAGES, pack, parse, unpack

TABLES = FlightSql_pb2.CommandGetTables(
    catalog="lake", table_name_filter_pattern="%", table_types=["TABLE"], include_schema=True
)


def _unpacked(data: bytes) -> Message | str:
    """What becomes of *data*: a message, or the error's text."""
    try:
        return unpack(data)
    except (InvalidRequest, Unsupported) as error:
        return error.message


@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_a_clear_error(data: bytes) -> None:
    result = _unpacked(data)
    assert type(result) in MESSAGES.values() or (isinstance(result, str) and result.isprintable())


@given(name=st.sampled_from(sorted(MESSAGES)), value=st.binary(max_size=100))
def test_arbitrary_bytes_in_a_known_type_are_it_or_a_clear_error(name: str, value: bytes) -> None:
    result = _unpacked(Any(type_url="x/" + name, value=value).SerializeToString())
    kind = MESSAGES[name]
    assert type(result) is kind or (isinstance(result, str) and kind.__name__ in result)


@given(cut=st.integers(0, len(pack(TABLES)) - 1))
def test_every_truncation_of_a_command_is_refused(cut: int) -> None:
    result = _unpacked(pack(TABLES)[:cut])
    # A cut between the type's name and the value leaves a whole message without fields.
    assert isinstance(result, str) or result == FlightSql_pb2.CommandGetTables()


@given(data=st.binary(max_size=100))
def test_arbitrary_bytes_as_a_bare_message_are_it_or_a_clear_error(data: bytes) -> None:
    try:
        result: Message | str = parse(data, Flight_pb2.SetSessionOptionsRequest)
    except InvalidRequest as error:
        result = error.message
    assert isinstance(result, Flight_pb2.SetSessionOptionsRequest) or (
        isinstance(result, str) and "SetSessionOptionsRequest" in result
    )

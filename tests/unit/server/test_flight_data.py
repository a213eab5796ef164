"""FlightData bytes, against the protobuf runtime as the reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake._proto import Flight_pb2
from flightlake.errors import InvalidRequest
from flightlake.server.flight_data import parse, serialize, varint


@given(header=st.binary(max_size=300), body=st.lists(st.binary(max_size=300), max_size=4))
def test_protobuf_reads_what_we_write(header, body):
    whole = b"".join(body)
    message = Flight_pb2.FlightData.FromString(serialize(header, body, len(whole)))
    assert (message.data_header, message.data_body) == (header, whole)


@given(
    header=st.binary(max_size=300),
    body=st.binary(max_size=300),
    metadata=st.binary(max_size=10),
    path=st.text(max_size=10),
)
def test_we_read_what_protobuf_writes(header, body, metadata, path):
    descriptor = Flight_pb2.FlightDescriptor(path=[path])
    message = Flight_pb2.FlightData(
        flight_descriptor=descriptor, data_header=header, app_metadata=metadata, data_body=body
    )
    found = parse(message.SerializeToString())
    assert (found.header, found.body, found.app_metadata) == (header, body, metadata)
    assert found.descriptor == descriptor.SerializeToString()


@given(value=st.integers(0, 2**63))
def test_a_varint_has_seven_bits_to_a_byte(value):
    encoded = varint(value)
    assert sum((byte & 127) << 7 * place for place, byte in enumerate(encoded)) == value
    assert all(byte >= 128 for byte in encoded[:-1])
    assert encoded[-1] < 128


@given(garbage=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(garbage):
    try:
        found = parse(garbage)
    except InvalidRequest:
        return
    assert len(found.header) + len(found.body) <= len(garbage)


@pytest.mark.parametrize("cut", [1, 2, 5, 50])
def test_a_truncated_message_is_refused(cut):
    whole = serialize(b"h" * 40, [b"b" * 40], 40)
    with pytest.raises(InvalidRequest, match="not a whole FlightData"):
        parse(whole[:-cut])


def test_fields_of_later_releases_are_skipped():
    later = (
        varint(7 << 3 | 2) + b"\x03abc" + varint(8 << 3) + b"\x05" + varint(9 << 3 | 5) + b"1234"
    )
    later += varint(10 << 3 | 1) + b"12345678"
    assert parse(later + serialize(b"header")).header == b"header"


@pytest.mark.parametrize(
    "broken",
    [varint(2 << 3) + b"\x05", varint(2 << 3 | 3), varint(2) + b"\x00", b"\xff" * 20],
    ids=["header as a number", "a group", "field 0", "an endless varint"],
)
def test_what_protobuf_would_not_take_is_refused(broken):
    with pytest.raises(InvalidRequest):
        parse(broken)


def test_fields_are_views_not_copies():
    message = serialize(b"header", [b"body"], 4)
    assert parse(message).body.obj is message

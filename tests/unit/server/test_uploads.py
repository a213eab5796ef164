"""What clients upload, well-formed or not."""

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.clock import SystemClock
from flightlake.errors import Cancelled, InvalidRequest
from flightlake.server.codec import encode_stream
from flightlake.server.flight_data import parse, serialize
from flightlake.server.uploads import open_upload, read_upload

TABLE = pa.table({"n": [1, 2, 3], "s": ["a", None, "c"]})
DESCRIPTOR = b"\x0a\x01d"


def messages_of(table: pa.Table) -> list[bytes]:
    return list(encode_stream(table.schema, table.to_batches(), SystemClock()))


def read(messages):
    iterator = iter(messages)
    schema, batches = read_upload(open_upload(iterator), iterator)
    return schema, list(batches)


def test_the_descriptor_and_the_batches_are_read():
    first, *rest = messages_of(TABLE)
    opened = open_upload(iter([DESCRIPTOR + first]))
    assert opened.descriptor == b"d"
    schema, batches = read_upload(opened, iter(rest))
    assert pa.Table.from_batches(batches, schema).equals(TABLE)


def test_the_descriptor_may_come_before_the_schema():
    schema, batches = read([DESCRIPTOR, *messages_of(TABLE)])
    assert pa.Table.from_batches(batches, schema).equals(TABLE)


def test_a_descriptor_alone_is_an_upload_without_schema():
    assert read([DESCRIPTOR]) == (None, [])


def test_a_schema_without_fields_and_without_batches_is_read():
    schema, batches = read([DESCRIPTOR + messages_of(pa.table({}))[0]])
    assert (len(schema), batches) == (0, [])


def test_application_metadata_between_batches_is_skipped():
    first, batch = messages_of(TABLE)
    metadata = b"\x1a\x03abc"
    schema, batches = read([DESCRIPTOR + first, metadata, batch, metadata])
    assert pa.Table.from_batches(batches, schema).equals(TABLE)


def test_batches_are_read_one_by_one():
    first, *_ = messages_of(TABLE)
    one = messages_of(TABLE)[1]
    taken = []

    def messages():
        yield DESCRIPTOR + first
        for number in range(3):
            taken.append(number)
            yield one

    iterator = messages()
    _, batches = read_upload(open_upload(iterator), iterator)
    assert taken == []
    next(batches)
    assert taken == [0]


def test_an_error_of_the_connection_comes_through():
    first, batch = messages_of(TABLE)

    def messages():
        yield DESCRIPTOR + first
        yield batch
        raise Cancelled("gone")

    iterator = messages()
    _, batches = read_upload(open_upload(iterator), iterator)
    next(batches)
    with pytest.raises(Cancelled, match="gone"):
        next(batches)


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([], "holds no message"),
        ([messages_of(TABLE)[0]], "must hold a FlightDescriptor"),
        ([DESCRIPTOR + serialize(b"garbage!")], "not a whole Arrow IPC stream"),
        ([DESCRIPTOR + messages_of(TABLE)[1]], "not a whole Arrow IPC stream"),
        ([b"\xff"], "not a whole FlightData message"),
    ],
    ids=["nothing", "no descriptor", "garbage", "no schema", "no protobuf"],
)
def test_a_stream_that_begins_wrongly_is_refused(messages, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        read(messages)


def test_a_body_shorter_than_said_is_refused_and_not_filled_from_the_next_message():
    first, batch = messages_of(TABLE)
    with pytest.raises(InvalidRequest, match="not a whole Arrow IPC stream"):
        read([DESCRIPTOR + first, _with_shorter_body(batch), batch])


def _with_shorter_body(message: bytes) -> bytes:
    found = parse(message)
    return serialize(found.header, [found.body[:-8]], len(found.body) - 8)


def test_offsets_that_point_outside_are_refused():
    first, batch = messages_of(pa.table({"s": ["hello", "x" * 995]}))
    five, far = (5).to_bytes(4, "little"), (2_000_000).to_bytes(4, "little")
    offsets = (0).to_bytes(4, "little") + five + (1000).to_bytes(4, "little")
    assert offsets in batch
    damaged = batch.replace(offsets, offsets.replace(five, far))
    with pytest.raises(InvalidRequest, match="not a whole Arrow IPC stream"):
        read([DESCRIPTOR + first, damaged])


@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
@settings(deadline=None, max_examples=200)
def test_a_damaged_stream_is_read_or_refused_and_never_worse(seed, count):
    dice = random.Random(seed)  # noqa: S311
    messages = [bytearray(message) for message in messages_of(TABLE)]
    for _ in range(count):
        message = dice.choice(messages)
        message[dice.randrange(len(message))] = dice.randrange(256)
    try:
        _, batches = read([DESCRIPTOR + bytes(messages[0]), bytes(messages[1])])
    except InvalidRequest:
        return
    for batch in batches:
        batch.validate(full=True)

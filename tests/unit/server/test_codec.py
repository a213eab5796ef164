"""Record batches to FlightData and back; pyarrow's own Flight client reads them in conformance."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.clock import ManualClock, SystemClock
from flightlake.server.codec import DEFAULT, Encoding, encode_stream
from flightlake.server.flight_data import parse, serialize
from flightlake.server.slicing import LARGEST_MESSAGE
from flightlake.server.uploads import open_upload, read_upload

START = datetime(2026, 1, 1, tzinfo=UTC)


def encoded(table: pa.Table, encoding: Encoding = DEFAULT) -> list[bytes]:
    return list(encode_stream(table.schema, table.to_batches(), SystemClock(), encoding))


def decoded(messages: list[bytes]) -> pa.Table:
    opened = open_upload(iter([b"\x0a\x01d" + messages[0]]))
    schema, batches = read_upload(opened, iter(messages[1:]))
    return pa.Table.from_batches(batches, schema)


def round_trip(table: pa.Table, encoding: Encoding = DEFAULT) -> pa.Table:
    return decoded(encoded(table, encoding))


dense_union = pa.UnionArray.from_dense(
    pa.array([0, 1, 0, 1], pa.int8()),
    pa.array([0, 0, 1, 1], pa.int32()),
    [pa.array(["a", "b"]), pa.array([1, 2])],
)
sparse_union = pa.UnionArray.from_sparse(
    pa.array([0, 1, 0], pa.int8()), [pa.array(["a", "", "c"]), pa.array([0, 2, 0])]
)
COLUMNS = {
    "integers": pa.array([1, None, 3]),
    "booleans": pa.array([True, None, False] * 7),
    "texts": pa.array(["a", None, "ü" * 100]),
    "large texts": pa.array(["a", None], pa.large_string()),
    "nulls": pa.nulls(5),
    "decimals": pa.array([1, None], pa.decimal128(38, 10)),
    "timestamps": pa.array([START, None], pa.timestamp("us", "UTC")),
    "intervals": pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
    "lists": pa.array([[1, None], None, []]),
    "structs": pa.array([{"a": 1, "b": ["x"]}, None]),
    "maps": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "dense union": dense_union,
    "sparse union": sparse_union,
    "run-end encoded": pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), ["a", None]),
    "dictionary": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "dictionary in a list": pa.ListArray.from_arrays(
        [0, 2, 3], pa.array(["a", "b", "a"]).dictionary_encode()
    ),
    "fixed-size binary": pa.array([b"abcd", None], pa.binary(4)),
}


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("name", COLUMNS)
def test_every_type_comes_back_as_it_was(name, compression):
    table = pa.table({"c": COLUMNS[name], "n": pa.array(range(len(COLUMNS[name])))})
    for part in (table, table.slice(1), table.slice(0, 0)):
        back = round_trip(part, Encoding(compression=compression))
        back.validate(full=True)
        assert back.schema.equals(part.schema)
        assert back.to_pylist() == part.to_pylist()


@pytest.mark.parametrize("rows", [0, 1])
def test_the_schema_comes_first_and_one_batch_always(rows):
    schema, batch = encoded(pa.table({"n": [1, 2]}).slice(0, rows))
    assert not parse(schema).body
    assert parse(batch).header


def test_a_union_without_rows_is_a_stream_with_one_empty_batch():
    assert len(encoded(pa.table({"c": dense_union}).slice(0, 0))) == 2


def test_the_schema_leaves_before_the_first_batch_is_asked_for():
    asked = []

    def batches() -> Iterator[pa.RecordBatch]:
        asked.append(1)
        yield pa.record_batch({"n": [1]})

    stream = encode_stream(pa.schema([("n", pa.int64())]), batches(), SystemClock())
    next(stream)
    assert asked == []


def test_the_first_batch_leaves_before_the_second_is_asked_for():
    asked = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(3):
            asked.append(number)
            yield pa.record_batch({"n": [number]})

    stream = encode_stream(pa.schema([("n", pa.int64())]), batches(), SystemClock())
    next(stream), next(stream)
    assert asked == [0]


@pytest.mark.parametrize(("pause", "messages"), [(0.0, 3), (0.5, 11)], ids=["quick", "slow"])
def test_small_batches_are_joined_only_while_they_come_quickly(pause, messages):
    clock = ManualClock(START)

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(10):
            clock.advance(timedelta(seconds=pause))
            yield pa.record_batch({"n": [number]})

    sent = list(encode_stream(pa.schema([("n", pa.int64())]), batches(), clock))
    assert len(sent) == messages  # the schema; the first batch; the rest
    assert decoded(sent).column("n").to_pylist() == list(range(10))


def test_empty_batches_between_others_are_left_out():
    batches = [pa.record_batch({"n": pa.array(rows, pa.int64())}) for rows in ([], [1], [], [2])]
    sent = list(encode_stream(batches[0].schema, batches, ManualClock(START)))
    assert decoded(sent).column("n").to_pylist() == [1, 2]
    assert len(sent) == 3


def test_messages_are_near_two_mebibytes_and_never_over_four():
    skewed = ["x"] * 50_000 + ["y" * 3_000_000] * 3 + ["z" * 100] * 50_000
    sizes = [len(message) for message in encoded(pa.table({"s": skewed}))]
    assert max(sizes) <= LARGEST_MESSAGE
    even = [len(message) for message in encoded(pa.table({"n": range(2_000_000)}))]
    assert max(even) < 3.1 * 2**20
    assert len(even) < 12


def test_the_size_of_messages_can_be_chosen():
    sizes = [len(m) for m in encoded(pa.table({"n": range(100_000)}), Encoding(64 * 1024))]
    assert max(sizes) < 110_000
    assert len(sizes) > 8


def test_a_row_larger_than_a_message_is_sent_alone():
    table = pa.table({"s": ["a", "b" * 6_000_000, "c"]})
    messages = encoded(table)
    assert decoded(messages).equals(table)
    assert sum(len(message) > LARGEST_MESSAGE for message in messages) == 1


def test_a_slice_does_not_drag_its_whole_buffers_along():
    table = pa.table(
        {
            "s": ["x" * 100] * 50_000,
            "l": [["y" * 50]] * 50_000,
            "v": pa.array(["z" * 100] * 50_000, pa.string_view()),
        }
    )
    sent = sum(len(message) for message in encoded(table.slice(20_000, 100)))
    assert sent / 100 < 320


def test_a_dictionary_that_changes_is_replaced():
    column_type = pa.dictionary(pa.int8(), pa.string())
    batches = [
        pa.record_batch({"d": pa.array(values, pa.string()).dictionary_encode().cast(column_type)})
        for values in (["a", "b"], ["a", "b", "c"], ["z"], ["z"], ["b", None])
    ]
    table = pa.Table.from_batches(batches)
    back = decoded(list(encode_stream(table.schema, batches, SystemClock())))
    assert back.column("d").to_pylist() == ["a", "b", "a", "b", "c", "z", "z", "b", None]


def test_dictionaries_that_would_not_fit_together_are_not_joined():
    column_type = pa.dictionary(pa.int8(), pa.string())
    values = [[f"{part}-{number}" for number in range(100)] for part in range(5)]
    batches = [
        pa.record_batch({"d": pa.array(part).dictionary_encode().cast(column_type)})
        for part in values
    ]
    back = decoded(list(encode_stream(batches[0].schema, batches, ManualClock(START))))
    assert back.column("d").to_pylist() == [value for part in values for value in part]


def test_a_dictionary_that_stays_is_sent_once():
    column = pa.array(["a" * 1000, "b" * 1000] * 100).dictionary_encode()
    batches = pa.table({"d": column}).to_batches(max_chunksize=10)
    sent = b"".join(encode_stream(batches[0].schema, batches, SystemClock()))
    assert sent.count(b"a" * 1000) == 1


def test_dictionary_deltas_of_a_client_are_understood():
    sink = pa.BufferOutputStream()
    growing = ["a"], ["a", "b"], ["a", "b", "c"]
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    batches = [
        pa.record_batch({"d": pa.DictionaryArray.from_arrays([len(v) - 1], pa.array(v))})
        for v in growing
    ]
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
        assert writer.stats.num_dictionary_deltas == 2
    messages = []
    for message in pa.ipc.MessageReader.open_stream(sink.getvalue()):
        body = message.body or b""
        messages.append(serialize(memoryview(message.metadata), [memoryview(body)], len(body)))
    assert decoded(messages).column("d").to_pylist() == ["a", "b", "c"]


types = st.sampled_from(
    [
        (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
        (pa.float64(), st.floats(allow_nan=False)),
        (pa.string(), st.text(max_size=20)),
        (pa.string_view(), st.text(max_size=20)),
        (pa.list_(pa.string_view()), st.lists(st.text(max_size=15), max_size=3)),
        (pa.binary(), st.binary(max_size=20)),
        (pa.bool_(), st.booleans()),
        (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "bb", "ccc"])),
        (
            pa.struct([("a", pa.int8()), ("b", pa.binary_view())]),
            st.fixed_dictionaries({"a": st.integers(-128, 127), "b": st.binary(max_size=15)}),
        ),
        (pa.null(), st.none()),
    ]
)


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 60))
    columns = []
    for _ in range(draw(st.integers(1, 4))):
        data_type, values = draw(types)
        cells = st.lists(st.none() | values, min_size=rows, max_size=rows)
        columns.append(pa.array(draw(cells), data_type))
    table = pa.table(columns, names=[f"c{place}" for place in range(len(columns))])
    table = pa.Table.from_batches(
        table.to_batches(max_chunksize=draw(st.integers(1, 60))), table.schema
    )
    start = draw(st.integers(0, rows))
    return table.slice(start, draw(st.integers(0, rows)))


@given(table=tables(), size=st.sampled_from([1, 200, 5000, 2**21]))
@settings(deadline=None, max_examples=150)
def test_any_table_comes_back(table, size):
    back = round_trip(table, Encoding(message_bytes=size))
    back.validate(full=True)
    assert back.to_pylist() == table.to_pylist()

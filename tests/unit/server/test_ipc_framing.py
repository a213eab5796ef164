"""The IPC stream of pyarrow cut into messages."""

import pyarrow as pa

from flightlake.server.ipc_framing import IpcSink, body_length, schema_message

TABLE = pa.table({"n": [1, 2, 3], "d": pa.array(["a", "b", "a"]).dictionary_encode()})


def messages_of(table):
    sink = IpcSink()
    writer = pa.ipc.new_stream(pa.PythonFile(sink, "w"), table.schema)
    for batch in table.to_batches():
        writer.write_batch(batch)
    return sink.take()


def test_each_ipc_message_comes_out_with_its_body():
    schema, dictionary, batch = messages_of(TABLE)
    assert schema.body_length == 0
    for message in (dictionary, batch):
        assert sum(len(piece) for piece in message.body) == message.body_length > 0
        assert body_length(message.metadata) == message.body_length


def test_the_messages_are_those_that_pyarrow_reads():
    batch = messages_of(TABLE.select(["n"]))[1]
    length = len(batch.metadata).to_bytes(4, "little")
    encapsulated = b"".join([b"\xff\xff\xff\xff", length, batch.metadata, *batch.body])
    assert pa.ipc.read_record_batch(encapsulated, TABLE.select(["n"]).schema).to_pydict() == {
        "n": [1, 2, 3]
    }


def test_our_schema_message_is_that_of_the_writer():
    assert bytes(schema_message(TABLE.schema).metadata) == bytes(messages_of(TABLE)[0].metadata)


def test_a_message_is_taken_once():
    sink = IpcSink()
    writer = pa.ipc.new_stream(pa.PythonFile(sink, "w"), TABLE.schema)
    writer.write_batch(TABLE.to_batches()[0])
    assert len(sink.take()) == 3
    assert sink.take() == []


def test_the_body_of_a_column_is_not_copied():
    values = pa.array(range(10_000), pa.int64())
    batch = messages_of(pa.table({"n": values}))[1]
    address = values.buffers()[1].address
    assert address in {pa.py_buffer(piece).address for piece in batch.body}

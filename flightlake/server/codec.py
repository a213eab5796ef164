"""Record batches as the ``FlightData`` messages of a DoGet stream, on top of pyarrow's IPC.

Source: Flight.proto, ``FlightData``; https://arrow.apache.org/docs/format/Flight.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from flightlake.clock import Clock
from flightlake.flightsql.wire_types import holds_dictionary, to_wire, wire_schema
from flightlake.server.ipc_framing import IpcSink, schema_message
from flightlake.server.slicing import Coalescer, slices, with_small_dictionaries

_QUICK = 0.01  # seconds between batches under which a source is not worth flushing for


@dataclass(frozen=True, slots=True)
class Encoding:
    """How results are encoded.

    ``message_bytes`` is the size that messages aim at; ``compression`` of the buffers costs both
    ends four times the CPU and is for slow networks.
    """

    message_bytes: int = 2 * 2**20
    compression: Literal["lz4", "zstd"] | None = None


DEFAULT = Encoding()


class Encoder:
    """Encodes batches of one schema, one stream; not thread-safe.

    The schema comes first, also where no batch follows: pyarrow's own writer would wait for the
    first batch with it.
    """

    def __init__(self, schema: pa.Schema, encoding: Encoding = DEFAULT) -> None:
        self.schema = wire_schema(schema)
        self._target = encoding.message_bytes
        self._sink = IpcSink()
        self._writer = pa.ipc.new_stream(
            pa.PythonFile(self._sink, "w"),
            self.schema,
            # No dictionary deltas: not every client reads them, and all read a replacement.
            options=pa.ipc.IpcWriteOptions(compression=encoding.compression),
        )
        self._skip_schema = True

    def start(self) -> bytes:
        """Return the schema message."""
        return schema_message(self.schema).flight_data()

    def encode(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Yield the messages of *batch*: dictionaries that are new, then the rows in slices."""
        for whole in with_small_dictionaries(to_wire(batch, self.schema), self._target):
            for piece in slices(whole, self._target):
                yield from self._write(piece)

    def _write(self, piece: pa.RecordBatch) -> Iterator[bytes]:
        self._writer.write_batch(piece)
        messages = self._sink.take()
        if self._skip_schema:
            self._skip_schema = False
            del messages[0]
        for message in messages:
            yield message.flight_data()


def encode_stream(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    clock: Clock,
    encoding: Encoding = DEFAULT,
) -> Iterator[bytes]:
    """Yield the messages of a whole stream.

    The schema message leaves before the first batch is asked for, and the first batch as soon
    as it is there; later ones are joined while they come quickly.  A stream without any batch
    gets an empty one: ADBC takes a stream of a schema alone for a broken one.
    """
    encoder = Encoder(schema, encoding)
    yield encoder.start()
    joinable = not any(holds_dictionary(field.type) for field in encoder.schema)
    coalescer = Coalescer(encoding.message_bytes)
    asked, sent = clock.monotonic(), False
    for batch in batches:
        quick = clock.monotonic() - asked < _QUICK
        if batch.num_rows:
            plain = to_wire(batch, encoder.schema)
            for full in coalescer.add(plain, quick and sent and joinable):
                yield from encoder.encode(full)
            sent = True
        asked = clock.monotonic()
    for rest in coalescer.flush():
        yield from encoder.encode(rest)
    if not sent:
        yield from encoder.encode(_empty(encoder.schema))


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([_no_values(field.type) for field in schema], schema=schema)


def _no_values(data_type: pa.DataType) -> pa.Array:
    if not pa.types.is_union(data_type):
        return pa.schema([pa.field("", data_type)]).empty_table().column(0).combine_chunks()
    # pyarrow cannot build unions from values, not even from none.
    children = [_no_values(data_type.field(index).type) for index in range(data_type.num_fields)]
    buffers = [None, pa.py_buffer(b"")]
    if data_type.mode == "dense":
        buffers.append(pa.py_buffer(b""))
    return pa.Array.from_buffers(data_type, 0, buffers, children=children)

"""The ``FlightData`` messages of a DoPut stream as a descriptor, a schema and record batches.

Clients differ: ADBC sends a statement's descriptor with no schema at all, or with a schema of
no fields; others send the schema in the first message or in the second.  All are understood.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from flightlake.errors import InvalidRequest
from flightlake.server.flight_data import parse

_OPTIONS = pa.ipc.IpcReadOptions(ensure_alignment=pa.ipc.Alignment.DataTypeSpecific)
_BROKEN = "the uploaded stream is not a whole Arrow IPC stream: send its schema, then its batches"


@dataclass(frozen=True, slots=True)
class Opened:
    """An upload whose first message has been read: the serialised ``FlightDescriptor``."""

    descriptor: bytes
    first: bytes


def open_upload(messages: Iterator[bytes]) -> Opened:
    """Read the first of *messages*; what it uploads to is known before the data is looked at.

    Raises:
        InvalidRequest: No message, or no descriptor in the first.
    """
    first = next(messages, None)
    if first is None:
        raise InvalidRequest(
            "the upload holds no message: send at least the descriptor and the schema"
        )
    descriptor = bytes(parse(first).descriptor)
    if not descriptor:
        raise InvalidRequest("the first message of an upload must hold a FlightDescriptor")
    return Opened(descriptor, first)


def read_upload(
    opened: Opened, messages: Iterator[bytes]
) -> tuple[pa.Schema | None, Iterator[pa.RecordBatch]]:
    """Return the schema (None if the client sends none) and the batches of *opened*.

    Takes as many of *messages* as are needed to know the schema.  The batches are read on from
    there, one by one; their iterator raises ``InvalidRequest`` for what is not Arrow, and
    whatever *messages* raises.

    Raises:
        InvalidRequest: The stream does not begin with a schema.
    """
    source = _IpcSource(opened.first, messages)
    if not source.peek():
        return None, iter(())
    with _as_invalid_request():
        reader = pa.ipc.open_stream(pa.PythonFile(source, "r"), options=_OPTIONS)
    return reader.schema, _batches(reader)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        with _as_invalid_request():
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            # Offsets and texts come from outside: kernels trust them, so nothing else may.
            batch.validate(full=True)
        yield batch


class _as_invalid_request:  # noqa: N801 - used as a keyword
    """Turns pyarrow's complaints about what was uploaded into ``InvalidRequest``."""

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind and issubclass(kind, pa.ArrowException | OSError | MemoryError | ValueError):
            raise InvalidRequest(_BROKEN) from None


class _IpcSource:
    """A file for pyarrow to read: each message behind the prefix that a file would have.

    A read never crosses a border between messages, so a body that is shorter than its metadata
    says is met as a short read, and not filled up from the next message.
    """

    mode = "rb"
    closed = False

    def __init__(self, first: bytes, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._pieces: deque[memoryview] = deque()
        self._position = 0
        self._add(first)

    def read(self, size: int = -1) -> memoryview | bytes:
        """Return up to *size* bytes; none only at the end of the upload."""
        if not self.peek():
            return b""
        piece = self._pieces.popleft()
        if 0 <= size < len(piece):
            self._pieces.appendleft(piece[size:])
            piece = piece[:size]
        self._position += len(piece)
        return piece

    def peek(self) -> bool:
        """Fetch messages until there is something to read; return False at the end."""
        while not self._pieces:
            message = next(self._messages, None)
            if message is None:
                return False
            self._add(message)
        return True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def _add(self, message: bytes) -> None:
        data = parse(message)
        if not data.header:
            return  # only a descriptor, or application metadata
        padding = -len(data.header) % 8
        length = (len(data.header) + padding).to_bytes(4, "little")
        self._pieces.append(memoryview(b"\xff\xff\xff\xff"))
        self._pieces.append(memoryview(length))
        header = bytes(data.header) + bytes(padding) if padding else data.header
        self._pieces.append(memoryview(header))
        if data.body:
            self._pieces.append(data.body)

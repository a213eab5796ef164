"""The IPC stream that pyarrow writes, cut into the messages that FlightData carries.

An IPC stream is a row of encapsulated messages: ``FFFFFFFF``, the length of the metadata, the
metadata (a flatbuffer), the body.  FlightData carries metadata and body separately.

Source: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flightlake.server.flight_data import Bytes, serialize

_PREFIX = 8  # continuation marker and metadata length, four bytes each
_VTABLE_BODY_LENGTH = 4 + 2 * 3  # bodyLength is the fourth field of the Message table


@dataclass(frozen=True, slots=True)
class IpcMessage:
    """One IPC message: metadata flatbuffer, and the pieces of its body in order."""

    metadata: Bytes
    body: tuple[Bytes, ...]
    body_length: int

    def flight_data(self) -> bytes:
        return serialize(self.metadata, self.body, self.body_length)


class IpcSink:
    """What pyarrow's stream writer writes to: keeps the pieces, without copying them."""

    mode = "wb"
    closed = False

    def __init__(self) -> None:
        self._pieces: list[Bytes] = []
        self._written = 0

    def write(self, piece: Any) -> int:
        # A memoryview of the buffer keeps the column's memory alive until it is joined.
        view = piece if isinstance(piece, bytes) else memoryview(piece)
        self._pieces.append(view)
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing to do: pyarrow asks."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def take(self) -> list[IpcMessage]:
        """Return the whole messages written since the last call."""
        pieces, self._pieces = self._pieces, []
        return list(_messages(iter(pieces)))


def schema_message(schema: pa.Schema) -> IpcMessage:
    """Return the IPC message that begins a stream of *schema*."""
    encapsulated = memoryview(schema.serialize())
    (length,) = struct.unpack_from("<i", encapsulated, 4)
    return IpcMessage(bytes(encapsulated[_PREFIX : _PREFIX + length]), (), 0)


def body_length(metadata: Bytes) -> int:
    """Return ``Message.bodyLength`` of the flatbuffer *metadata*, in bytes."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    (to_vtable,) = struct.unpack_from("<i", metadata, root)
    vtable = root - to_vtable
    (vtable_size,) = struct.unpack_from("<H", metadata, vtable)
    if vtable_size < _VTABLE_BODY_LENGTH + 2:
        return 0  # a field left out has its default
    (offset,) = struct.unpack_from("<H", metadata, vtable + _VTABLE_BODY_LENGTH)
    if not offset:
        return 0
    (length,) = struct.unpack_from("<q", metadata, root + offset)
    return int(length)


def _messages(pieces: Iterator[Bytes]) -> Iterator[IpcMessage]:
    for piece in pieces:
        start = _at_least(_PREFIX, piece, pieces)
        (length,) = struct.unpack_from("<i", start, 4)
        metadata = _at_least(length, start[_PREFIX:], pieces)
        wanted = body_length(metadata)
        body: list[Bytes] = []
        got = 0
        while got < wanted:
            part = next(pieces)
            body.append(part)
            got += len(part)
        yield IpcMessage(metadata, tuple(body), wanted)


def _at_least(length: int, start: Bytes, pieces: Iterator[Bytes]) -> Bytes:
    while len(start) < length:
        start = b"".join((start, next(pieces)))
    return start

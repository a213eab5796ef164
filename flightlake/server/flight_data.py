"""``FlightData`` bytes, written and read without a protobuf object per record batch.

Bodies are megabytes: the protobuf runtime would copy them twice.  Only the four fields of
``FlightData`` (Flight.proto) are known here; others are skipped, as protobuf would.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flightlake.errors import InvalidRequest, Overloaded

_DESCRIPTOR, _HEADER, _APP_METADATA, _BODY = 1, 2, 3, 1000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGEST_MESSAGE = 2**31 - 1  # gRPC cannot carry more in one message

Bytes = bytes | memoryview


@dataclass(frozen=True, slots=True)
class FlightData:
    """One message of a DoGet or DoPut stream; absent fields are empty.

    ``header`` is the IPC message's flatbuffer, without the length prefix of the file format.
    """

    descriptor: memoryview
    header: memoryview
    app_metadata: memoryview
    body: memoryview


def varint(value: int) -> bytes:
    """Return *value* (not negative) as a protobuf varint."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _tag(field: int) -> bytes:
    return varint(field << 3 | _BYTES)


_HEADER_TAG, _APP_METADATA_TAG, _BODY_TAG = _tag(_HEADER), _tag(_APP_METADATA), _tag(_BODY)


def serialize(header: Bytes, body: Iterable[Bytes] = (), body_length: int = 0) -> bytes:
    """Return a ``FlightData`` message; *body* is copied once, here.

    Raises:
        Overloaded: The message would be larger than gRPC can carry (2 GiB).
    """
    if body_length + len(header) + 32 > _LARGEST_MESSAGE:
        raise Overloaded("one row of the result is larger than 2 GiB: select fewer columns")
    start = (_HEADER_TAG, varint(len(header)), header, _BODY_TAG, varint(body_length))
    return b"".join((*start, *body))


def parse(message: Bytes) -> FlightData:
    """Return the fields of a ``FlightData`` message, as views into it.

    Raises:
        InvalidRequest: It is not a protobuf message, or is cut off.
    """
    view = memoryview(message)
    fields = {_DESCRIPTOR: view[:0], _HEADER: view[:0], _APP_METADATA: view[:0], _BODY: view[:0]}
    position = 0
    while position < len(view):
        key, position = _read_varint(view, position)
        kind, field = key & 7, key >> 3
        start = position
        if kind == _VARINT:
            _, position = _read_varint(view, position)
        elif kind == _BYTES:
            length, start = _read_varint(view, position)
            position = start + length
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        else:
            raise _broken()
        if position > len(view) or field == 0:
            raise _broken()
        if field in fields:
            if kind != _BYTES:
                raise _broken()
            fields[field] = view[start:position]
    return FlightData(fields[_DESCRIPTOR], fields[_HEADER], fields[_APP_METADATA], fields[_BODY])


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(view) and shift < 64:
        byte = view[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise _broken()


def _broken() -> InvalidRequest:
    return InvalidRequest("the stream holds a message that is not a whole FlightData message")

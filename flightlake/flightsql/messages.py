"""Flight SQL messages as bytes, and back.

Commands, tickets and the bodies of Flight SQL actions travel inside ``google.protobuf.Any``;
the bodies of Flight's own actions (CancelFlightInfo, sessions, …) and ``PutResult`` metadata
are bare messages (Flight SQL specification, "Commands" and "Actions").
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from flightlake._proto import FlightSql_pb2
from flightlake.errors import InvalidRequest, Unsupported

_PACKAGE = FlightSql_pb2.DESCRIPTOR.package
_TYPE_NAME_SHOWN = 100
"""Characters of a client's type name that an error message repeats."""

M = TypeVar("M", bound=Message)

MESSAGES: Mapping[str, type[Message]] = MappingProxyType(
    {
        descriptor.full_name: GetMessageClass(descriptor)
        for descriptor in FlightSql_pb2.DESCRIPTOR.message_types_by_name.values()
    }
)
"""Every Flight SQL message type by its full name."""


def pack(message: Message) -> bytes:
    """Return *message* inside an ``Any``, serialised."""
    wrapped = Any()
    wrapped.Pack(message)
    return wrapped.SerializeToString()


def unpack(data: bytes, what: str = "command") -> Message:
    """Return the Flight SQL message in the serialised ``Any`` *data*.

    *what* is the word for it in error messages: ``command``, ``ticket``, ``action body``.

    Raises:
        InvalidRequest: *data* is empty, truncated, or not a message in an ``Any``.
        Unsupported: The ``Any`` holds a type that Flight SQL does not have.
    """
    wrapped = _parse(Any, data, f"the {what} is not a Flight SQL message (google.protobuf.Any)")
    _, slash, name = wrapped.type_url.rpartition("/")
    if not slash or not name:
        raise InvalidRequest(
            f"the {what} is not a Flight SQL message: it names no message type; "
            "send a Flight SQL message inside google.protobuf.Any"
        )
    message_type = MESSAGES.get(name)
    if message_type is None:
        raise Unsupported(
            f"the {what} has the type {_shown(name)}, which Flight SQL does not have; "
            f"send a message of the package {_PACKAGE}"
        )
    return _parse(message_type, wrapped.value, f"the {what} is not a whole {message_type.__name__}")


def unpack_as(data: bytes, message_type: type[M], what: str = "action body") -> M:
    """Return the *message_type* in the serialised ``Any`` *data*.

    Raises:
        InvalidRequest: As ``unpack``, or the ``Any`` holds another Flight SQL message.
        Unsupported: As ``unpack``.
    """
    message = unpack(data, what)
    if not isinstance(message, message_type):
        raise InvalidRequest(
            f"the {what} is a {type(message).__name__}, but a {message_type.__name__} belongs here"
        )
    return message


def parse(data: bytes, message_type: type[M], what: str = "action body") -> M:
    """Return the bare *message_type* in *data* (Flight's own messages).

    Raises:
        InvalidRequest: *data* is truncated or something else.
    """
    return _parse(message_type, data, f"the {what} is not a whole {message_type.__name__}")


def _parse(message_type: type[M], data: bytes, complaint: str) -> M:
    message = message_type()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise InvalidRequest(f"{complaint}; its bytes cannot be decoded") from None
    return message


def _shown(name: str) -> str:
    clipped = name if len(name) <= _TYPE_NAME_SHOWN else name[:_TYPE_NAME_SHOWN] + "…"
    return ascii(clipped) if not clipped.isprintable() else clipped

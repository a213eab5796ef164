"""The only place where an error becomes a gRPC status.

Nothing else of an unexpected error reaches the client than a reference, with which the
operator finds the traceback in the log.
"""

import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from flightlake.errors import Code, FlightlakeError
from flightlake.telemetry import InternalFailure, Observer

_STATUS = {code.value[0]: code for code in grpc.StatusCode}
_LONGEST_MESSAGE = 3000
"""Bytes of the ``grpc-message`` header; clients refuse headers of 8 KiB altogether."""

_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("%")}


@dataclass(frozen=True, slots=True)
class Status:
    """How an RPC ends; ``message`` is one line, ready for a header."""

    code: grpc.StatusCode
    message: str


def new_reference() -> str:
    """Return a short random name for one failure."""
    return secrets.token_hex(6)


def status_of(
    error: BaseException,
    where: str,
    observer: Observer,
    reference: Callable[[], str] = new_reference,
) -> Status:
    """Return the status for *error*, raised in the RPC *where*.

    A ``FlightlakeError`` keeps its code and message.  Everything else, and ``InternalError``, is
    a defect: it is INTERNAL, and an ``InternalFailure`` tells the observer all about it.
    """
    if isinstance(error, FlightlakeError) and error.code is not Code.INTERNAL:
        return Status(_STATUS[error.code], header_text(error.message))
    name = reference()
    detail = "".join(traceback.format_exception(error))
    observer.observe(InternalFailure(where, None, f"reference {name}\n{detail}"))
    return Status(
        grpc.StatusCode.INTERNAL,
        f"internal error: the server's log has the details under reference {name}",
    )


def header_text(message: str, longest: int = _LONGEST_MESSAGE) -> str:
    """Return *message* as one line of valid Unicode that is at most *longest* bytes in a header.

    gRPC percent-encodes what is not printable ASCII: such a byte takes three.
    """
    text = message.encode("utf-8", "replace").decode("utf-8")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    used = 0
    for position, character in enumerate(line):
        used += sum(1 if byte in _PLAIN else 3 for byte in character.encode())
        if used > longest - 9:  # room for the ellipsis
            return line[:position] + "…"
    return line

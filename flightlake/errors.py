"""Every error a client can see, each with its gRPC status code.

Layers raise these across their borders and nothing else; ``server/boundary.py`` is the only
place that turns them into a gRPC status.  A message is written for the client: it names the
input that was wrong and what to change, and never holds a path, a traceback, a secret or the
SQL of somebody else.
"""

from enum import IntEnum
from typing import ClassVar


class Code(IntEnum):
    """The gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html)."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class FlightlakeError(Exception):
    """The base of all errors that cross a layer; ``message`` is shown to the client."""

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(FlightlakeError):
    """The client's message cannot be understood: a broken protobuf, a wrong argument."""

    code = Code.INVALID_ARGUMENT


class InvalidSql(FlightlakeError):
    """The statement is wrong: syntax, types, an unknown column or function."""

    code = Code.INVALID_ARGUMENT


class NotFound(FlightlakeError):
    """A named thing does not exist: a table, a schema, a catalog, a used ticket."""

    code = Code.NOT_FOUND


class AlreadyExists(FlightlakeError):
    """The thing to create is there already."""

    code = Code.ALREADY_EXISTS


class NotAuthenticated(FlightlakeError):
    """No credentials, or credentials that do not hold."""

    code = Code.UNAUTHENTICATED


class NotPermitted(FlightlakeError):
    """The identity is known and may not do this."""

    code = Code.PERMISSION_DENIED


class Unsupported(FlightlakeError):
    """Not implemented here; the message says what to do instead."""

    code = Code.UNIMPLEMENTED


class Overloaded(FlightlakeError):
    """A limit of this server is reached: memory, queue length, message size."""

    code = Code.RESOURCE_EXHAUSTED


class NotReady(FlightlakeError):
    """Try again later or elsewhere: draining, or a catalog or store that does not answer."""

    code = Code.UNAVAILABLE


class PreconditionFailed(FlightlakeError):
    """The state does not allow it, for instance Get/CloseSession without a session."""

    code = Code.FAILED_PRECONDITION


class NotInitialized(PreconditionFailed):
    """A materialized view is read whose rows have not been made yet."""


class Conflict(FlightlakeError):
    """Somebody else changed the same thing first."""

    code = Code.ABORTED


class TimedOut(FlightlakeError):
    """The statement took longer than its limit or the client's deadline."""

    code = Code.DEADLINE_EXCEEDED


class Cancelled(FlightlakeError):
    """The client cancelled, or went away."""

    code = Code.CANCELLED


class DamagedData(FlightlakeError):
    """Data that should be there is missing or broken: a lost file, a bad Parquet footer."""

    code = Code.DATA_LOSS


class InternalError(FlightlakeError):
    """A defect of flightlake; the message carries no detail, the log does."""

    code = Code.INTERNAL

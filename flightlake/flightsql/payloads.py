"""What a statement ticket and a prepared handle hold, before sealing (proto/handles.proto)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from google.protobuf.message import DecodeError

from flightlake._proto import handles_pb2
from flightlake.errors import NotFound
from flightlake.names import TableIdentifier

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STATEMENT_TICKET = "statement ticket"
PREPARED_STATEMENT = "prepared statement handle"
"""The purposes to seal for; also the words in error messages."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The state of a table that a statement reads.

    ``snapshot_id`` is None if the table had no snapshot, so is empty; ``schema_id`` is the
    schema the statement was planned with, None for the table's current one.  ``uuid`` is the
    table's own; a table made anew under the same name has another.
    """

    snapshot_id: int | None
    schema_id: int | None = None
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement to run, with all that decides its result.

    ``id`` tells two executions of the same text apart; ``catalog`` and ``db_schema`` are the
    session's defaults (``""`` for none); ``pins`` says what to read of each table; ``parameters``
    is an Arrow IPC stream with the bound rows; ``moment`` what it takes for the current time;
    ``branch`` the branch it reads of the tables that have it (``""`` for none).  ``own_token`` is
    the caller's, for catalogs that are read with it, and ``roles`` are those he has now; no
    handle holds them.
    """

    id: str
    sql: str
    catalog: str = ""
    db_schema: str = ""
    subject: str = ""
    session_id: str = ""
    pins: Mapping[TableIdentifier, Pin] = field(default_factory=dict)
    parameters: bytes | None = None
    moment: datetime = EPOCH
    branch: str = ""
    own_token: str | None = field(default=None, repr=False, compare=False)
    roles: frozenset[str] = field(default=frozenset(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement and the types of its parameters, in order."""

    statement: Statement
    parameter_schema: pa.Schema


def encode_statement(statement: Statement) -> bytes:
    """Return *statement* as bytes to seal."""
    return _statement_message(statement).SerializeToString()


def decode_statement(payload: bytes) -> Statement:
    """Return the statement in *payload*, which a ``Sealer`` opened.

    Raises:
        NotFound: Made by a release whose handles this one cannot read.
    """
    message = handles_pb2.Statement()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        raise _unreadable(STATEMENT_TICKET) from None
    return _statement_value(message)


def encode_prepared(prepared: PreparedStatement) -> bytes:
    """Return *prepared* as bytes to seal."""
    return handles_pb2.PreparedStatement(
        statement=_statement_message(prepared.statement),
        parameter_schema=prepared.parameter_schema.serialize().to_pybytes(),
    ).SerializeToString()


def decode_prepared(payload: bytes) -> PreparedStatement:
    """Return the prepared statement in *payload*, which a ``Sealer`` opened.

    Raises:
        NotFound: Made by a release whose handles this one cannot read.
    """
    message = handles_pb2.PreparedStatement()
    try:
        message.ParseFromString(payload)
        schema = pa.ipc.read_schema(pa.py_buffer(message.parameter_schema))
    except (DecodeError, pa.ArrowException, OSError):
        raise _unreadable(PREPARED_STATEMENT) from None
    return PreparedStatement(_statement_value(message.statement), schema)


def _statement_message(statement: Statement) -> handles_pb2.Statement:
    return handles_pb2.Statement(
        id=statement.id,
        sql=statement.sql,
        catalog=statement.catalog,
        db_schema=statement.db_schema,
        subject=statement.subject,
        session_id=statement.session_id,
        pins=[
            handles_pb2.Pin(
                catalog=table.catalog,
                db_schema=table.db_schema,
                table=table.table,
                snapshot_id=pin.snapshot_id,
                schema_id=pin.schema_id,
                uuid=pin.uuid,
            )
            for table, pin in statement.pins.items()
        ],
        parameters=statement.parameters,
        moment_us=(statement.moment - EPOCH) // timedelta(microseconds=1),
        branch=statement.branch,
    )


def _statement_value(message: handles_pb2.Statement) -> Statement:
    return Statement(
        id=message.id,
        sql=message.sql,
        catalog=message.catalog,
        db_schema=message.db_schema,
        subject=message.subject,
        session_id=message.session_id,
        pins={
            TableIdentifier(pin.catalog, pin.db_schema, pin.table): Pin(
                pin.snapshot_id if pin.HasField("snapshot_id") else None,
                pin.schema_id if pin.HasField("schema_id") else None,
                pin.uuid,
            )
            for pin in message.pins
        },
        parameters=message.parameters if message.HasField("parameters") else None,
        moment=EPOCH + timedelta(microseconds=message.moment_us),
        branch=message.branch,
    )


def _unreadable(purpose: str) -> NotFound:
    return NotFound(f"the {purpose} was made by another release; run the statement again")

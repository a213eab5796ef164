"""Tickets and prepared handles: statements, sealed for the client to carry."""

from dataclasses import replace
from datetime import datetime, timedelta

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.auth import Identity
from flightlake.errors import NotFound, Unsupported
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.payloads import (
    PREPARED_STATEMENT,
    STATEMENT_TICKET,
    PreparedStatement,
    Statement,
    decode_prepared,
    decode_statement,
    encode_prepared,
    encode_statement,
)

PREPARED_LIFETIME = timedelta(days=1)
"""How long a prepared statement can be executed."""


def ticket(statement: Statement, sealer: Sealer, expires_at: datetime) -> pb.TicketStatementQuery:
    """Return the ticket for *statement*, good until *expires_at*."""
    sealed = sealer.seal(STATEMENT_TICKET, encode_statement(statement), expires_at)
    return pb.TicketStatementQuery(statement_handle=sealed)


def statement_in(message: pb.TicketStatementQuery, sealer: Sealer) -> Statement:
    """Return the statement of a ticket.

    Raises:
        NotFound: It was not made by this server, was changed, or has expired.
    """
    return decode_statement(sealer.open(STATEMENT_TICKET, message.statement_handle))


def prepared_handle(prepared: PreparedStatement, sealer: Sealer, now: datetime) -> bytes:
    """Return the handle for *prepared*."""
    payload = encode_prepared(prepared)
    return sealer.seal(PREPARED_STATEMENT, payload, now + PREPARED_LIFETIME)


def prepared_in(handle: bytes, sealer: Sealer, identity: Identity) -> PreparedStatement:
    """Return the prepared statement of a handle.

    Raises:
        NotFound: It was not made by this server for *identity*, was changed, or has expired.
    """
    prepared = decode_prepared(sealer.open(PREPARED_STATEMENT, handle))
    if prepared.statement.subject != identity.subject:
        raise NotFound("the prepared statement is not one that was made for you")
    statement = replace(prepared.statement, own_token=identity.own_token, roles=identity.roles)
    return replace(prepared, statement=statement)


def refuse_transaction(transaction_id: bytes) -> None:
    """Raise ``Unsupported`` if a command names a transaction: there are none to name."""
    if transaction_id:
        raise Unsupported(
            "transactions come in a later release; leave transaction_id out (use autocommit)"
        )

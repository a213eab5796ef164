"""A statement as text: planned, its ticket read once, and by nobody else."""

from datetime import timedelta

import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.errors import InvalidSql, NotFound, Unsupported
from tests.fix_sessions import Desk, desk, query_services

__all__ = ["desk", "query_services"]


def test_ticket_gives_the_rows_that_were_described(desk: Desk) -> None:
    described = desk.query("SELECT id, name FROM few ORDER BY id LIMIT 2")
    assert described.schema.names == ["id", "name"]
    assert described.expires_at_seconds == pytest.approx(desk.clock.now().timestamp() + 600)
    table = desk.read(described.ticket)
    assert table.schema.equals(described.schema, check_metadata=True)
    assert table.column("id").to_pylist() == [0, 1]


def test_ticket_is_used_up_and_another_of_the_same_text_is_not(desk: Desk) -> None:
    first, second = desk.query("SELECT 1"), desk.query("SELECT 1")
    desk.read(first.ticket)
    with pytest.raises(NotFound, match="has been read"):
        desk.read(first.ticket)
    assert desk.read(second.ticket).num_rows == 1


def test_ticket_of_another_identity_is_refused(desk: Desk) -> None:
    described = desk.query("SELECT 1", desk.call("alice"))
    with pytest.raises(NotFound, match="not one that was issued to you"):
        desk.read(described.ticket, desk.call("mallory"))
    assert desk.read(described.ticket, desk.call("alice")).num_rows == 1


def test_ticket_expires(desk: Desk) -> None:
    described = desk.query("SELECT 1")
    desk.clock.advance(timedelta(minutes=11))
    with pytest.raises(NotFound, match="expired"):
        desk.read(described.ticket)


def test_changed_ticket_is_refused(desk: Desk) -> None:
    ticket = desk.query("SELECT 1").ticket
    for place in (0, 20, -1):
        sealed = bytearray(ticket.statement_handle)  # type: ignore[attr-defined]
        sealed[place] ^= 1
        with pytest.raises(NotFound):
            desk.read(pb.TicketStatementQuery(statement_handle=bytes(sealed)))


def test_wrong_statement_and_transaction_are_refused_when_described(desk: Desk) -> None:
    with pytest.raises(InvalidSql):
        desk.query("SELECT nope FROM few")
    with pytest.raises(Unsupported, match="leave transaction_id out"):
        desk.describe(pb.CommandStatementQuery(query="SELECT 1", transaction_id=b"1"))


def test_session_options_say_where_names_are_looked_up(desk: Desk) -> None:
    call = desk.call(options={"catalog": desk.catalog, "schema": "elsewhere"})
    with pytest.raises(NotFound, match="schema 'elsewhere' does not exist"):
        desk.query("SELECT * FROM few", call)
    assert desk.query(f"SELECT * FROM {desk.db_schema}.few", call).schema.names == ["id", "name"]

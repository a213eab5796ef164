"""Statements are cancelled, and tickets renewed, by whom they were issued to."""

from datetime import timedelta

import pytest

from flightlake._proto import Flight_pb2
from flightlake._proto import FlightSql_pb2 as pb
from flightlake.errors import InvalidRequest, NotFound
from flightlake.flightsql.messages import pack, unpack, unpack_as
from tests.fix_sessions import Desk, desk, query_services

__all__ = ["desk", "query_services"]

CANCELLED, NOT_CANCELLABLE = (
    Flight_pb2.CANCEL_STATUS_CANCELLED,
    Flight_pb2.CANCEL_STATUS_NOT_CANCELLABLE,
)


def info(desk: Desk, sql: str = "SELECT 1") -> Flight_pb2.FlightInfo:
    ticket = Flight_pb2.Ticket(ticket=pack(desk.query(sql).ticket))
    return Flight_pb2.FlightInfo(endpoint=[Flight_pb2.FlightEndpoint(ticket=ticket)])


def cancel(desk: Desk, what: Flight_pb2.FlightInfo, subject: str = "alice") -> int:
    request = Flight_pb2.CancelFlightInfoRequest(info=what)
    [body] = desk.act("CancelFlightInfo", request, desk.call(subject))
    return Flight_pb2.CancelFlightInfoResult.FromString(body).status


def test_cancelled_statement_cannot_be_read_nor_cancelled_again(desk: Desk) -> None:
    what = info(desk)
    assert cancel(desk, what) == CANCELLED
    with pytest.raises(NotFound, match="was cancelled"):
        desk.read(unpack(what.endpoint[0].ticket.ticket, "ticket"))
    assert cancel(desk, what) == NOT_CANCELLABLE


def test_superseded_action_does_the_same(desk: Desk) -> None:
    request = pb.ActionCancelQueryRequest(info=info(desk).SerializeToString())
    for expected in ("CANCEL_RESULT_CANCELLED", "CANCEL_RESULT_NOT_CANCELLABLE"):
        [body] = desk.act("CancelQuery", request)
        result = unpack_as(body, pb.ActionCancelQueryResult).result
        assert pb.ActionCancelQueryResult.CancelResult.Name(result) == expected


def test_statement_of_another_is_neither_cancelled_nor_renewed(desk: Desk) -> None:
    what = info(desk)
    with pytest.raises(NotFound):
        cancel(desk, what, "mallory")
    renewal = Flight_pb2.RenewFlightEndpointRequest(endpoint=what.endpoint[0])
    with pytest.raises(NotFound):
        desk.act("RenewFlightEndpoint", renewal, desk.call("mallory"))
    assert cancel(desk, what) == CANCELLED


def test_info_without_endpoint_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="no endpoint"):
        cancel(desk, Flight_pb2.FlightInfo())


def test_renewed_ticket_holds_longer_and_is_of_the_same_statement(desk: Desk) -> None:
    endpoint = info(desk, "SELECT count(*) FROM few").endpoint[0]
    desk.clock.advance(timedelta(minutes=8))
    request = Flight_pb2.RenewFlightEndpointRequest(endpoint=endpoint)
    [body] = desk.act("RenewFlightEndpoint", request)
    renewed = Flight_pb2.FlightEndpoint.FromString(body)
    desk.clock.advance(timedelta(minutes=8))
    with pytest.raises(NotFound, match="expired"):
        desk.read(unpack(endpoint.ticket.ticket, "ticket"))
    assert desk.read(unpack(renewed.ticket.ticket, "ticket")).column(0).to_pylist() == [6]
    with pytest.raises(NotFound, match="has been read"):
        desk.read(unpack(renewed.ticket.ticket, "ticket"))

"""CancelFlightInfo, and CancelQuery, which it superseded; RenewFlightEndpoint."""

from collections.abc import Iterable

from flightlake._proto import Flight_pb2
from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import Action, Call
from flightlake.errors import InvalidRequest
from flightlake.flightsql.messages import pack, parse, unpack, unpack_as
from flightlake.query.tickets import statement_in, ticket


def cancel_flight_info(body: bytes, call: Call) -> Iterable[bytes]:
    """Cancel the statement of a FlightInfo, running or not yet read."""
    request = parse(body, Flight_pb2.CancelFlightInfoRequest)
    cancelled = _cancel(request.info, call)
    status = (
        Flight_pb2.CANCEL_STATUS_CANCELLED
        if cancelled
        else Flight_pb2.CANCEL_STATUS_NOT_CANCELLABLE
    )
    yield Flight_pb2.CancelFlightInfoResult(status=status).SerializeToString()


def cancel_query(body: bytes, call: Call) -> Iterable[bytes]:
    """Cancel the statement of a serialised FlightInfo."""
    request = unpack_as(body, pb.ActionCancelQueryRequest)
    cancelled = _cancel(parse(request.info, Flight_pb2.FlightInfo, "info"), call)
    results = pb.ActionCancelQueryResult
    yield pack(
        results(
            result=results.CANCEL_RESULT_CANCELLED
            if cancelled
            else results.CANCEL_RESULT_NOT_CANCELLABLE
        )
    )


def renew(body: bytes, call: Call) -> Iterable[bytes]:
    """Give a ticket that holds longer for an endpoint whose ticket has not expired.

    A ticket without expiration (of metadata) is given back as it is.
    """
    request = parse(body, Flight_pb2.RenewFlightEndpointRequest)
    endpoint = request.endpoint
    message = unpack(endpoint.ticket.ticket, "ticket")
    if isinstance(message, pb.TicketStatementQuery):
        services = call.services
        statement = statement_in(message, services.sealer)
        expires_at = services.query.extended(statement, call.identity)
        endpoint.ticket.ticket = pack(ticket(statement, services.sealer, expires_at))
        endpoint.expiration_time.FromMicroseconds(round(expires_at.timestamp() * 1_000_000))
    yield endpoint.SerializeToString()


def _cancel(info: Flight_pb2.FlightInfo, call: Call) -> bool:
    if not info.endpoint:
        raise InvalidRequest("the FlightInfo to cancel has no endpoint")
    cancelled = False
    for endpoint in info.endpoint:
        message = unpack(endpoint.ticket.ticket, "ticket")
        if isinstance(message, pb.TicketStatementQuery):
            statement = statement_in(message, call.services.sealer)
            cancelled |= call.services.query.cancel(statement, call.identity)
    return cancelled


ACTIONS = (
    Action(
        "CancelFlightInfo",
        "Cancel a statement. Body: CancelFlightInfoRequest; result: CancelFlightInfoResult.",
        cancel_flight_info,
    ),
    Action(
        "CancelQuery",
        "Superseded by CancelFlightInfo. Body: ActionCancelQueryRequest;"
        " result: ActionCancelQueryResult.",
        cancel_query,
    ),
    Action(
        "RenewFlightEndpoint",
        "Extend the time a ticket can be used. Body: RenewFlightEndpointRequest;"
        " result: FlightEndpoint.",
        renew,
    ),
)

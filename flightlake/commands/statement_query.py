"""CommandStatementQuery: a statement as text; and its ticket."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described, planned
from flightlake.query.tickets import refuse_transaction, statement_in


def describe(command: pb.CommandStatementQuery, call: Call) -> Described:
    """Plan the statement on the current snapshots; its ticket reads exactly these.

    A statement about materialized views is run by its ticket, and not before.
    """
    refuse_transaction(command.transaction_id)
    statement = call.services.query.new_statement(command.query, call.identity, call.session)
    return planned(statement, call)


def read(message: pb.TicketStatementQuery, call: Call) -> BatchStream:
    """Execute the statement of a ticket.

    A stream that broke can be read anew with the same ticket; one that was read to its end
    cannot.
    """
    services = call.services
    statement = statement_in(message, services.sealer)
    if services.views is not None and services.views.knows(statement):
        return services.views.execute(statement, call.identity, call.cancellation, call.trace_id)
    return services.query.execute(statement, call.identity, call.cancellation, call.trace_id)


COMMAND = Command(pb.CommandStatementQuery, describe, None)
TICKET = Command(pb.TicketStatementQuery, None, read)

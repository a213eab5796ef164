"""CommandGetSqlInfo: what the server can do; no code asks for all of them."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.flightsql.schemas import SQL_INFO
from flightlake.flightsql.sql_info import sql_info
from flightlake.flightsql.table_stream import TableStream


def describe(command: pb.CommandGetSqlInfo, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(SQL_INFO, command)


def read(command: pb.CommandGetSqlInfo, call: Call) -> BatchStream:
    """Return one row for each code asked for that this release knows."""
    return TableStream(sql_info(call.services.sql_info, command.info))


COMMAND = Command(pb.CommandGetSqlInfo, describe, read)

"""CommandGetXdbcTypeInfo: the SQL types, ordered by type number and name."""

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.flightsql.schemas import XDBC_TYPE_INFO
from flightlake.flightsql.table_stream import TableStream
from flightlake.flightsql.xdbc_types import xdbc_type_info


def describe(command: pb.CommandGetXdbcTypeInfo, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(XDBC_TYPE_INFO, command)


def read(command: pb.CommandGetXdbcTypeInfo, call: Call) -> BatchStream:
    """Return all types, or those with the number asked for."""
    return TableStream(xdbc_type_info(command.data_type if command.HasField("data_type") else None))


COMMAND = Command(pb.CommandGetXdbcTypeInfo, describe, read)

"""CommandGetTableTypes: the kinds of tables there are."""

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.flightsql.schemas import TABLE_TYPES
from flightlake.flightsql.table_stream import TableStream

_TYPES = ["MATERIALIZED VIEW", "SYSTEM TABLE", "TABLE", "VIEW"]


def describe(command: pb.CommandGetTableTypes, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(TABLE_TYPES, command)


def read(command: pb.CommandGetTableTypes, call: Call) -> BatchStream:
    """Return one row for each type that GetTables reports."""
    return TableStream(pa.table([_TYPES], schema=TABLE_TYPES))


COMMAND = Command(pb.CommandGetTableTypes, describe, read)

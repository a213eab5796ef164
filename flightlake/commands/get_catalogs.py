"""CommandGetCatalogs: the configured catalogs, ordered by name; asks none of them."""

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.flightsql.schemas import CATALOGS
from flightlake.flightsql.table_stream import TableStream


def describe(command: pb.CommandGetCatalogs, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(CATALOGS, command)


def read(command: pb.CommandGetCatalogs, call: Call) -> BatchStream:
    """Return one row for each catalog."""
    return TableStream(pa.table([sorted(call.services.catalogs)], schema=CATALOGS))


COMMAND = Command(pb.CommandGetCatalogs, describe, read)

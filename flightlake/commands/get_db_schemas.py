"""CommandGetDbSchemas: the schemas, ordered by catalog and name (FlightSql.proto)."""

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.flightsql.incomplete import incomplete
from flightlake.flightsql.patterns import matcher
from flightlake.flightsql.schemas import DB_SCHEMAS
from flightlake.flightsql.table_stream import TableStream
from flightlake.lake.listing import db_schemas


def describe(command: pb.CommandGetDbSchemas, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(DB_SCHEMAS, command)


def read(command: pb.CommandGetDbSchemas, call: Call) -> BatchStream:
    """Return one row for each schema that the filters let pass.

    A catalog that does not answer is left out, and named in a header, unless it is the one
    asked for (``lake.listing``).

    Raises:
        NotReady: The catalog asked for does not answer, or none does.
    """
    found = db_schemas(
        call.catalogs,
        command.catalog if command.HasField("catalog") else None,
        matcher(
            command.db_schema_filter_pattern
            if command.HasField("db_schema_filter_pattern")
            else None
        ),
    )
    call.response_headers.extend(incomplete(found.unreachable))
    return TableStream(
        pa.table(
            [[catalog for catalog, _ in found.items], [schema for _, schema in found.items]],
            schema=DB_SCHEMAS,
        )
    )


COMMAND = Command(pb.CommandGetDbSchemas, describe, read)

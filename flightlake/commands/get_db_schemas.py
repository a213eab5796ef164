"""CommandGetDbSchemas: the schemas, ordered by catalog and name (FlightSql.proto)."""

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.engine.system_tables import SYSTEM
from flightlake.flightsql.incomplete import incomplete
from flightlake.flightsql.patterns import matcher
from flightlake.flightsql.schemas import DB_SCHEMAS
from flightlake.flightsql.table_stream import TableStream
from flightlake.lake.listing import catalog_names, db_schemas


def describe(command: pb.CommandGetDbSchemas, call: Call) -> Described:
    """Return the schema; the ticket is the command."""
    return Described(DB_SCHEMAS, command)


def read(command: pb.CommandGetDbSchemas, call: Call) -> BatchStream:
    """Return one row for each schema that the filters let pass, that of the system tables too.

    A catalog that does not answer is left out, and named in a header, unless it is the one
    asked for (``lake.listing``).

    Raises:
        NotReady: The catalog asked for does not answer, or none does.
    """
    matches = matcher(
        command.db_schema_filter_pattern if command.HasField("db_schema_filter_pattern") else None
    )
    requested = command.catalog if command.HasField("catalog") else None
    found = db_schemas(
        call.catalogs,
        requested,
        lambda name: name != SYSTEM and matches(name),
    )
    call.response_headers.extend(incomplete(found.unreachable))
    items = list(found.items)
    if call.services.system_tables and matches(SYSTEM):
        names = catalog_names(call.catalogs, requested)
        items += [(name, SYSTEM) for name in names if name not in found.unreachable]
        items.sort()
    return TableStream(
        pa.table(
            [[catalog for catalog, _ in items], [schema for _, schema in items]],
            schema=DB_SCHEMAS,
        )
    )


COMMAND = Command(pb.CommandGetDbSchemas, describe, read)

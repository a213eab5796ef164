"""The four key commands.  Iceberg tables have no keys, so all answers are empty.

Iceberg's identifier fields are not reported as a primary key: nothing enforces them, and tools
that trust a primary key would drop rows that look like duplicates.
"""

import pyarrow as pa
from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.errors import InvalidRequest
from flightlake.flightsql.schemas import FOREIGN_KEYS, PRIMARY_KEYS
from flightlake.flightsql.table_stream import TableStream

_TABLE_FIELDS = ("table", "pk_table", "fk_table")


def _without_rows(message: type[Message], schema: pa.Schema) -> Command:
    def describe(command: Message, call: Call) -> Described:
        _check_tables(command)
        return Described(schema, command)

    def read(command: Message, call: Call) -> BatchStream:
        _check_tables(command)
        return TableStream(schema.empty_table())

    return Command(message, describe, read)


def _check_tables(command: Message) -> None:
    """Refuse a command without the table it is about.

    Raises:
        InvalidRequest: A required table name is empty.
    """
    for name in _TABLE_FIELDS:
        if name in command.DESCRIPTOR.fields_by_name and not getattr(command, name):
            raise InvalidRequest(
                f"the {type(command).__name__} names no table; set its field '{name}'"
            )


COMMANDS: tuple[Command, ...] = (
    _without_rows(pb.CommandGetPrimaryKeys, PRIMARY_KEYS),
    _without_rows(pb.CommandGetExportedKeys, FOREIGN_KEYS),
    _without_rows(pb.CommandGetImportedKeys, FOREIGN_KEYS),
    _without_rows(pb.CommandGetCrossReference, FOREIGN_KEYS),
)

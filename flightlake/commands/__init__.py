"""All that the server answers, and what it refuses and why: four tables.

A new command is a module of its own with a row here.  What is in none of the tables does not
exist in Flight SQL; ``tests/conformance/test_commands_are_complete.py`` holds the tables against
the specification.
"""

from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands import (
    cancel,
    get_catalogs,
    get_db_schemas,
    get_sql_info,
    get_table_types,
    get_tables,
    get_xdbc_type_info,
    keys,
    prepared_statement,
    session_options,
    statement_query,
    statement_update,
)
from flightlake.commands.command import Action, Command, Upload

_COMMANDS: tuple[Command, ...] = (
    statement_query.COMMAND,
    statement_query.TICKET,
    prepared_statement.COMMAND,
    get_catalogs.COMMAND,
    get_db_schemas.COMMAND,
    get_tables.COMMAND,
    get_table_types.COMMAND,
    get_sql_info.COMMAND,
    get_xdbc_type_info.COMMAND,
    *keys.COMMANDS,
)

_UPLOADS: tuple[Upload, ...] = (prepared_statement.UPLOAD, *statement_update.UPLOADS)

_ACTIONS: tuple[Action, ...] = (
    prepared_statement.CREATE,
    prepared_statement.CLOSE,
    *cancel.ACTIONS,
    *session_options.ACTIONS,
)

COMMANDS: Mapping[type[Message], Command] = MappingProxyType(
    {command.message: command for command in _COMMANDS}
)
"""What a FlightDescriptor or a ticket may hold."""

UPLOADS: Mapping[type[Message], Upload] = MappingProxyType(
    {upload.message: upload for upload in _UPLOADS}
)
"""What the descriptor of a DoPut may hold."""

ACTIONS: Mapping[str, Action] = MappingProxyType({action.type: action for action in _ACTIONS})
"""What DoAction runs, by the action's type; ListActions lists these."""

_NO_INGESTION = (
    "bulk ingestion comes in a later release; "
    "until then write to the table with another Iceberg engine"
)
_NO_SUBSTRAIT = "Substrait plans come in a later release; send the query as SQL text"
_NO_TRANSACTIONS = (
    "transactions come in a later release; use autocommit, "
    "every statement reads one snapshot of each table"
)
_NO_SAVEPOINTS = "savepoints come in a later release, with transactions; use autocommit"

REFUSED: Mapping[type[Message] | str, str] = MappingProxyType(
    {
        pb.CommandStatementIngest: _NO_INGESTION,
        pb.CommandStatementSubstraitPlan: _NO_SUBSTRAIT,
        "CreatePreparedSubstraitPlan": _NO_SUBSTRAIT,
        "BeginTransaction": _NO_TRANSACTIONS,
        "EndTransaction": _NO_TRANSACTIONS,
        "BeginSavepoint": _NO_SAVEPOINTS,
        "EndSavepoint": _NO_SAVEPOINTS,
    }
)
"""What Flight SQL has and this release has not: why, and what to do instead.

Keys are the message type of a command, and the type of an action.
"""

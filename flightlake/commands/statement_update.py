"""Statements as updates: those that change materialized views, as text or prepared.

Flight SQL answers an update with a number of rows: here those that the views hold then.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import Call, Upload
from flightlake.errors import InvalidRequest, Unsupported
from flightlake.flightsql.payloads import Statement
from flightlake.query.tickets import prepared_in, refuse_transaction

_NO_UPDATES = (
    "this release only reads tables: change a table with another Iceberg engine, and send"
    " statements that read as queries"
)


def put_text(
    command: pb.CommandStatementUpdate,
    schema: pa.Schema | None,
    batches: Iterator[pa.RecordBatch],
    call: Call,
) -> Iterable[bytes]:
    """Run a statement that is sent as text."""
    refuse_transaction(command.transaction_id)
    statement = call.services.query.new_statement(command.query, call.identity, call.session)
    return _run(statement, schema, batches, call)


def put_prepared(
    command: pb.CommandPreparedStatementUpdate,
    schema: pa.Schema | None,
    batches: Iterator[pa.RecordBatch],
    call: Call,
) -> Iterable[bytes]:
    """Run a statement that was prepared."""
    handle = command.prepared_statement_handle
    prepared = prepared_in(handle, call.services.sealer, call.identity)
    return _run(prepared.statement, schema, batches, call)


def _run(
    statement: Statement,
    schema: pa.Schema | None,
    batches: Iterator[pa.RecordBatch],
    call: Call,
) -> Iterable[bytes]:
    views = call.services.views
    if views is None or not views.knows(statement):
        raise Unsupported(_NO_UPDATES)
    if schema is not None and len(schema):
        raise InvalidRequest("the statement has no parameters, and some are bound")
    for _ in batches:  # to the end, behind which the client wants the statement to be run
        pass
    rows = views.update(statement, call.identity, call.cancellation, call.trace_id)
    yield pb.DoPutUpdateResult(record_count=rows).SerializeToString()


UPLOADS = (
    Upload(pb.CommandStatementUpdate, put_text, lasting=True),
    Upload(pb.CommandPreparedStatementUpdate, put_prepared, lasting=True),
)

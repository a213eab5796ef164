"""Prepared statements: created, bound, executed and closed, all in the handle.

The handle holds the text and, once bound, the parameters; binding answers with a new handle
(``DoPutPreparedStatementResult``), so two executions of one statement cannot mix their
parameters, and any process can serve them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import Action, Call, Command, Described, Upload, planned
from flightlake.engine.parameters import bind
from flightlake.errors import InvalidRequest, Overloaded
from flightlake.flightsql.messages import pack, unpack_as
from flightlake.flightsql.payloads import PreparedStatement
from flightlake.flightsql.wire_types import wire_schema
from flightlake.query.parameters import decode_rows, encode_rows
from flightlake.query.tickets import prepared_handle, prepared_in, refuse_transaction

_MAX_BOUND_BYTES = 1 << 20
"""Bound parameters travel in every handle and ticket; larger ones belong into a table."""


def create(body: bytes, call: Call) -> Iterable[bytes]:
    """Plan a statement, and answer with its handle and schemas; nothing is executed."""
    request = unpack_as(body, pb.ActionCreatePreparedStatementRequest)
    refuse_transaction(request.transaction_id)
    services = call.services
    statement = services.query.new_statement(request.query, call.identity, call.session)
    if services.views is not None and services.views.knows(statement):
        outline = services.views.prepare(statement)
    else:
        outline = services.query.prepare(statement, call.cancellation, call.trace_id)
    prepared = PreparedStatement(statement, outline.parameters)
    result = pb.ActionCreatePreparedStatementResult(
        prepared_statement_handle=prepared_handle(prepared, services.sealer, services.clock.now()),
        dataset_schema=wire_schema(outline.schema).serialize().to_pybytes(),
        parameter_schema=wire_schema(outline.parameters).serialize().to_pybytes(),
        is_update=False,
    )
    yield pack(result)


def close(body: bytes, call: Call) -> Iterable[bytes]:
    """Do nothing: there is nothing to let go of.

    Raises:
        NotFound: The handle is not one of ours.
    """
    request = unpack_as(body, pb.ActionClosePreparedStatementRequest)
    prepared_in(request.prepared_statement_handle, call.services.sealer, call.identity)
    return ()


def put(
    command: pb.CommandPreparedStatementQuery,
    schema: pa.Schema | None,
    batches: Iterator[pa.RecordBatch],
    call: Call,
) -> Iterable[bytes]:
    """Bind parameters: each row is one execution, all rows together one result.

    Raises:
        InvalidRequest: The number or the types of the columns do not fit.
        Overloaded: The parameters are too large to travel in a handle.
    """
    services = call.services
    prepared = prepared_in(command.prepared_statement_handle, services.sealer, call.identity)
    expected = prepared.parameter_schema
    if schema is None:
        schema = pa.schema([])
    if len(schema) != len(expected):
        raise InvalidRequest(
            f"the statement has {len(expected)} parameters and {len(schema)} are bound"
        )
    kept, size = [], 0
    for batch in batches:
        size += batch.nbytes
        if size > _MAX_BOUND_BYTES:
            raise Overloaded(
                f"more than {_MAX_BOUND_BYTES} bytes of parameters are bound; put them into a"
                " table and join it"
            )
        kept.append(batch)
    parameters = encode_rows(schema, kept) if len(schema) else None
    if parameters is not None:
        for row in decode_rows(parameters):
            bind(row, expected)
    bound = replace(prepared, statement=replace(prepared.statement, parameters=parameters))
    handle = prepared_handle(bound, services.sealer, services.clock.now())
    yield pb.DoPutPreparedStatementResult(prepared_statement_handle=handle).SerializeToString()


def describe(command: pb.CommandPreparedStatementQuery, call: Call) -> Described:
    """Plan the statement with what is bound; the same as for a statement as text."""
    sealer = call.services.sealer
    prepared = prepared_in(command.prepared_statement_handle, sealer, call.identity)
    return planned(prepared.statement, call)


COMMAND = Command(pb.CommandPreparedStatementQuery, describe, None)
UPLOAD = Upload(pb.CommandPreparedStatementQuery, put)
CREATE = Action(
    "CreatePreparedStatement",
    "Plan a statement for repeated execution. Body: ActionCreatePreparedStatementRequest;"
    " result: ActionCreatePreparedStatementResult.",
    create,
)
CLOSE = Action(
    "ClosePreparedStatement",
    "Let go of a prepared statement. Body: ActionClosePreparedStatementRequest; no result.",
    close,
)

"""Results, uploads and actions that a test decides about: the tests' own command tables.

A ``CommandStatementQuery``'s text names a ``Result``; what happens while it is planned and read
is the test's affair.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flightlake._proto import FlightSql_pb2
from flightlake.commands.command import Action, Call, Command, Described, Upload
from flightlake.errors import NotFound
from flightlake.flightsql.messages import pack, unpack_as
from flightlake.flightsql.table_stream import TableStream
from flightlake.server.dispatch import Tables

NUMBERS = pa.table({"n": pa.array(range(1000)), "text": [f"row {n}" for n in range(1000)]})


class Stream:
    """Batches from *batches*; ``closed`` is set by ``close``."""

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.schema = schema
        self.closed = threading.Event()
        self.pulled = 0
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            if self.closed.is_set():
                return
            self.pulled += 1
            yield batch

    def close(self) -> None:
        self.closed.set()


@dataclass
class Result:
    """What a query gives: ``open`` makes the stream, ``plan`` runs first, in GetFlightInfo."""

    schema: pa.Schema
    open: Callable[[Call], Any]
    plan: Callable[[Call], None] = lambda call: None
    expires_at_seconds: float | None = None
    total_records: int = -1


def result_of(table: pa.Table, **details: Any) -> Result:
    return Result(table.schema, lambda call: TableStream(table), **details)


def failing(error: BaseException, after: pa.Table | None = None) -> Result:
    """A result that raises *error* while it is read, after the rows of *after*."""
    table = after if after is not None else NUMBERS.slice(0, 0)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches()
        raise error

    return Result(table.schema, lambda call: Stream(table.schema, batches()))


def tables(
    results: Mapping[str, Result], calls: list[Call], uploads: list[pa.Table | None]
) -> Tables:
    def found(name: str, call: Call) -> Result:
        calls.append(call)
        if name not in results:
            raise NotFound(f"there is no result {name!r}")
        return results[name]

    def describe(message: FlightSql_pb2.CommandStatementQuery, call: Call) -> Described:
        result = found(message.query, call)
        result.plan(call)
        handle = FlightSql_pb2.TicketStatementQuery(statement_handle=message.query.encode())
        return Described(result.schema, handle, result.expires_at_seconds, result.total_records)

    def read(message: FlightSql_pb2.TicketStatementQuery, call: Call) -> Any:
        return found(message.statement_handle.decode(), call).open(call)

    def put(
        message: FlightSql_pb2.CommandStatementUpdate,
        schema: pa.Schema | None,
        batches: Iterator[pa.RecordBatch],
        call: Call,
    ) -> Iterator[bytes]:
        calls.append(call)
        table = None if schema is None else pa.Table.from_batches(batches, schema)
        uploads.append(table)
        count = -1 if table is None else table.num_rows
        yield FlightSql_pb2.DoPutUpdateResult(record_count=count).SerializeToString()

    def echo(body: bytes, call: Call) -> Iterator[bytes]:
        calls.append(call)
        call.response_headers.append(("x-session", "new"))
        yield body
        yield body

    def prepare(body: bytes, call: Call) -> Iterator[bytes]:
        request = unpack_as(body, FlightSql_pb2.ActionCreatePreparedStatementRequest)
        yield pack(
            FlightSql_pb2.ActionCreatePreparedStatementResult(
                prepared_statement_handle=request.query.encode()
            )
        )

    query, handle = FlightSql_pb2.CommandStatementQuery, FlightSql_pb2.TicketStatementQuery
    update = FlightSql_pb2.CommandStatementUpdate
    return Tables(
        commands={query: Command(query, describe, None), handle: Command(handle, None, read)},
        uploads={update: Upload(update, put, lasting=True)},
        actions={
            row.type: row
            for row in (
                Action("Echo", "answers twice with the body", echo),
                Action("CreatePreparedStatement", "prepares", prepare),
                Action("ClosePreparedStatement", "closes", lambda body, call: iter(())),
            )
        },
        refused={
            FlightSql_pb2.CommandStatementSubstraitPlan: "Substrait plans are not run: send SQL",
            FlightSql_pb2.CommandStatementIngest: "uploads are not stored yet: use another tool",
            "BeginTransaction": "there are no transactions: leave autocommit on",
        },
    )

"""A small Flight SQL server of another make, for the client's own logic.

Its statements are looked up in a table of answers; it speaks just enough for an ADBC client.
"""

import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.flight as flight
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as sql_pb2

Cancelled = Callable[[], bool]
Answer = tuple[pa.Schema, Callable[[Cancelled], Iterator[pa.RecordBatch]]]


class PlainFlightSqlServer(flight.FlightServerBase):  # type: ignore[misc]
    """Answers the statements in *answers*; any other is an error ``no such statement``."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self._answers = answers
        self.released = threading.Event()  # a result has ended, or was given up

    @property
    def uri(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def do_action(self, context: object, action: flight.Action) -> Iterator[bytes]:
        if action.type == "CreatePreparedStatement":
            request = sql_pb2.ActionCreatePreparedStatementRequest()
            _unpack(action.body.to_pybytes(), request)
            schema, _ = self._answer(request.query)
            yield _pack(
                sql_pb2.ActionCreatePreparedStatementResult(
                    prepared_statement_handle=request.query.encode(),
                    dataset_schema=schema.serialize().to_pybytes(),
                )
            )

    def get_flight_info(
        self, context: object, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        query = sql_pb2.CommandPreparedStatementQuery()
        _unpack(descriptor.command, query)
        schema, _ = self._answer(query.prepared_statement_handle.decode())
        endpoint = flight.FlightEndpoint(query.prepared_statement_handle, [])
        return flight.FlightInfo(schema, descriptor, [endpoint], -1, -1)

    def do_get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.GeneratorStream:
        schema, batches = self._answer(ticket.ticket.decode())

        def watched() -> Iterator[pa.RecordBatch]:
            try:
                yield from batches(context.is_cancelled)
            finally:
                self.released.set()

        return flight.GeneratorStream(schema, watched())

    def _answer(self, sql: str) -> Answer:
        if sql not in self._answers:
            raise flight.FlightUnavailableError("no such statement\nhere")
        return self._answers[sql]


def endless(row: pa.RecordBatch) -> Answer:
    """Answer with *row*, and then nothing until the client goes away."""

    def batches(cancelled: Cancelled) -> Iterator[pa.RecordBatch]:
        yield row
        waiting = threading.Event()
        while not cancelled():
            waiting.wait(0.01)

    return row.schema, batches


def of_table(table: pa.Table, batch_rows: int | None = None) -> Answer:
    """Answer with the rows of *table*."""
    return table.schema, lambda cancelled: iter(table.to_batches(max_chunksize=batch_rows))


def broken_after(row: pa.RecordBatch) -> Answer:
    """Answer with *row* and then an error."""

    def batches(cancelled: Cancelled) -> Iterator[pa.RecordBatch]:
        yield row
        raise flight.FlightInternalError("the disk is gone")

    return row.schema, batches


def _pack(message: Message) -> bytes:
    packed = AnyMessage()
    packed.Pack(message)
    return packed.SerializeToString()


def _unpack(data: bytes, message: Message) -> None:
    packed = AnyMessage()
    packed.ParseFromString(data)
    if not packed.Unpack(message):
        raise NotImplementedError(f"cannot answer {packed.type_url}")

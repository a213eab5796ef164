"""The least a Flight SQL server can do: ``python -m bench.plain_flight [ARROW_FILE]``.

pyarrow.flight streams one table that is in memory from the start, whatever is asked.  It shows
what the wire, the client and this machine allow.
"""

import sys
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.flight as flight

from flightlake._proto import FlightSql_pb2
from flightlake.flightsql.messages import pack

_TICKET = b"the one table"


class PlainFlightServer(flight.FlightServerBase):
    """Streams *table*: to ADBC, which prepares first, and to pyarrow's own client."""

    def __init__(self, table: pa.Table) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self._table = table

    def get_flight_info(
        self, context: flight.ServerCallContext, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        if b"StatementQuery" not in descriptor.command:
            raise NotImplementedError("only statements")  # ADBC asks about the server first
        endpoint = flight.FlightEndpoint(_TICKET, [])
        return flight.FlightInfo(self._table.schema, descriptor, [endpoint], -1, -1)

    def do_get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.RecordBatchStream:
        return flight.RecordBatchStream(self._table)

    def do_action(
        self, context: flight.ServerCallContext, action: flight.Action
    ) -> Iterator[flight.Result]:
        if action.type == "CreatePreparedStatement":
            schema = self._table.schema.serialize().to_pybytes()
            prepared = FlightSql_pb2.ActionCreatePreparedStatementResult(
                prepared_statement_handle=_TICKET, dataset_schema=schema
            )
            yield flight.Result(pack(prepared))
        elif action.type != "ClosePreparedStatement":
            raise NotImplementedError(action.type)


def main(arguments: list[str]) -> None:
    table = pa.table({"1": pa.array([1], pa.int64())})
    if arguments:
        with pa.OSFile(arguments[0]) as file:
            table = pa.ipc.open_file(file).read_all()
    server = PlainFlightServer(table)
    print(f"ready grpc://127.0.0.1:{server.port}", flush=True)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])

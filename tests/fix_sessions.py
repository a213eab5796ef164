"""Calls of several identities on one server with real tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.auth import Grant, Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.commands import ACTIONS, COMMANDS, UPLOADS
from flightlake.commands.command import Call, Described, Services
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.messages import pack, unpack_as
from tests.fix_engine import MOMENT, small_lake
from tests.fix_engine import services as query_services
from tests.fix_keys import Ring

__all__ = ["desk", "query_services"]


@dataclass
class RecordingGate:
    """Keeps the sessions that were given out."""

    sessions: list[Session] = field(default_factory=list)

    def with_session(self, grant: Grant, session: Session) -> tuple[tuple[str, str], ...]:
        self.sessions.append(session)
        return (("authorization", f"Bearer for {session.id}"),)


@dataclass
class Desk:
    """The commands of a server, called without a wire."""

    services: Services
    clock: ManualClock
    gate: RecordingGate
    catalog: str
    db_schema: str

    def call(self, subject: str = "alice", options: dict[str, Any] | None = None) -> Call:
        session = Session(f"session of {subject}", options or {})
        return Call(Grant(Identity(subject), session), self.services, Cancellation())

    def act(self, type_: str, message: Message, call: Call | None = None) -> list[bytes]:
        action = ACTIONS[type_]
        plain = type(message).DESCRIPTOR.full_name.startswith("arrow.flight.protocol.sql.")
        body = pack(message) if plain else message.SerializeToString()
        return list(action.run(body, call or self.call()))

    def describe(self, message: Message, call: Call | None = None) -> Described:
        command = COMMANDS[type(message)]
        assert command.describe is not None
        return command.describe(message, call or self.call())

    def read(self, ticket: Message, call: Call | None = None) -> pa.Table:
        command = COMMANDS[type(ticket)]
        assert command.read is not None
        stream = command.read(ticket, call or self.call())
        try:
            return pa.Table.from_batches(list(stream), stream.schema)
        finally:
            stream.close()

    def query(self, sql: str, call: Call | None = None) -> Described:
        return self.describe(pb.CommandStatementQuery(query=sql), call)

    def prepare(self, sql: str, call: Call | None = None) -> pb.ActionCreatePreparedStatementResult:
        request = pb.ActionCreatePreparedStatementRequest(query=sql)
        [body] = self.act("CreatePreparedStatement", request, call)
        return unpack_as(body, pb.ActionCreatePreparedStatementResult)

    def bind(self, handle: bytes, table: pa.Table | None, call: Call | None = None) -> bytes:
        """Bind the rows of *table*; return the new handle."""
        command = pb.CommandPreparedStatementQuery(prepared_statement_handle=handle)
        upload = UPLOADS[type(command)]
        schema = None if table is None else table.schema
        batches = iter([] if table is None else table.to_batches())
        [metadata] = upload.put(command, schema, batches, call or self.call())
        result = pb.DoPutPreparedStatementResult.FromString(metadata)
        return result.prepared_statement_handle

    def execute(self, handle: bytes, call: Call | None = None) -> pa.Table:
        command = pb.CommandPreparedStatementQuery(prepared_statement_handle=handle)
        return self.read(self.describe(command, call).ticket, call)


@pytest.fixture
def desk(query_services: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A server with ``big``, ``few`` and ``nothing``, on a clock of the test's own."""
    folder: Path = tmp_path_factory.mktemp("desk")
    lake = small_lake(folder)
    clock, gate = ManualClock(MOMENT), RecordingGate()
    served = query_services(lake, clock=clock)
    services = Services(
        catalogs={lake.name: lake.open()},
        query=served.service,
        sealer=Sealer(Ring(), clock),
        gate=gate,  # type: ignore[arg-type]
        clock=clock,
        sql_info={},
    )
    return Desk(services, clock, gate, lake.name, lake.root)

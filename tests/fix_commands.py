"""A call of somebody known, for commands that run no statement."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from google.protobuf.message import Message

from flightlake.auth import Grant, Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.commands import COMMANDS
from flightlake.commands.command import Call, Services
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.server_info import server_info
from flightlake.lake.catalogs import Catalog
from tests.fix_keys import Ring

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def call_on(
    catalogs: Iterable[Catalog] = (),
    *,
    query: Any = None,
    gate: Any = None,
    system: Mapping[str, pa.Schema] | None = None,
) -> Call:
    """Return a call on a server with *catalogs*."""
    services = Services(
        catalogs={catalog.name: catalog for catalog in catalogs},
        query=query,
        sealer=Sealer(Ring(), CLOCK),
        gate=gate,
        clock=CLOCK,
        sql_info=server_info(
            version="1.2.3",
            arrow_version=pa.__version__,
            keywords=["SELECT"],
            numeric_functions=["abs"],
            string_functions=["lower"],
            system_functions=["version"],
            datetime_functions=["now"],
            statement_bytes=1_000_000,
            prepared_lifetime=timedelta(hours=1),
        ),
        system_tables=system or {},
    )
    return Call(Grant(Identity("alice"), Session("session-1")), services, Cancellation())


def answer(message: Message, call: Call) -> pa.Table:
    """Return what a client gets that asks for *message* and redeems the ticket.

    Checks on the way that the stream has the schema that was announced.
    """
    command = COMMANDS[type(message)]
    assert command.describe is not None
    described = command.describe(message, call)
    redeemed = COMMANDS[type(described.ticket)]
    assert redeemed.read is not None
    stream = redeemed.read(described.ticket, call)
    try:
        batches = list(stream)
    finally:
        stream.close()
    assert batches, "a metadata stream has at least one batch"
    assert stream.schema.equals(described.schema, check_metadata=True)
    return pa.Table.from_batches(batches, schema=described.schema)

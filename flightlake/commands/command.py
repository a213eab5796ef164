"""What a Flight SQL command, action or upload is to the server: a row of a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
from google.protobuf.message import Message

from flightlake.auth import Gate, Grant, Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.payloads import Statement
from flightlake.flightsql.sql_info import SqlInfoValue
from flightlake.lake.catalogs import Catalogs
from flightlake.query.planning import CatalogsOf
from flightlake.query.service import QueryService
from flightlake.query.tickets import ticket
from flightlake.query.view_statements import ViewStatements


class BatchStream(Protocol):
    """Record batches of one schema, closed by whoever opened it.

    Iterating may raise any ``FlightlakeError``, also after the first batch.  ``close`` is
    idempotent and may be called from any thread.
    """

    schema: pa.Schema

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def close(self) -> None:
        """Stop producing and free what the stream holds."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What commands may use; built once by ``app``.

    ``sql_info`` is what GetSqlInfo answers (``flightsql.server_info``).  ``catalogs_of`` says what
    a caller with this token of his own sees; None: ``catalogs``, as everybody.  ``views`` runs the
    statements about materialized views; None: there are none.  ``system_tables`` are listed in each
    catalog, by name.
    """

    catalogs: Catalogs
    query: QueryService
    sealer: Sealer
    gate: Gate
    clock: Clock
    sql_info: Mapping[int, SqlInfoValue]
    catalogs_of: CatalogsOf | None = None
    views: ViewStatements | None = None
    system_tables: Mapping[str, pa.Schema] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One RPC: who calls, and when it is no longer wanted.

    ``response_headers`` may be added to until the first message of the answer.
    """

    grant: Grant
    services: Services
    cancellation: Cancellation
    peer: str = ""
    trace_id: str | None = None
    response_headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        return self.grant.identity

    @property
    def catalogs(self) -> Catalogs:
        """The catalogs as the caller sees them."""
        services = self.services
        if services.catalogs_of is None:
            return services.catalogs
        return services.catalogs_of(self.identity.own_token)

    @property
    def session(self) -> Session:
        return self.grant.session


@dataclass(frozen=True, slots=True)
class Described:
    """The answer to GetFlightInfo and GetSchema.

    ``ticket`` is what DoGet will be called with (packed into an ``Any`` by the server).
    ``expires_at_seconds`` is a Unix time, or None where the ticket does not expire;
    ``total_records`` is -1 where the number of rows is not known beforehand.
    """

    schema: pa.Schema
    ticket: Message
    expires_at_seconds: float | None = None
    total_records: int = -1


def planned(statement: Statement, call: Call) -> Described:
    """Plan *statement*, and return its result's schema with a ticket for it."""
    services = call.services
    if services.views is not None and services.views.knows(statement):
        described = services.views.describe(statement)
    else:
        described = services.query.describe(statement, call.cancellation, call.trace_id)
    return Described(
        described.schema,
        ticket(described.statement, services.sealer, described.expires_at),
        expires_at_seconds=described.expires_at.timestamp(),
    )


@dataclass(frozen=True, slots=True)
class Command:
    """A command in a FlightDescriptor or a ticket: how it is described and read.

    ``describe`` is None for a message that only a ticket may hold, ``read`` for one that only
    a descriptor may hold.
    """

    message: type[Message]
    describe: Callable[[Any, Call], Described] | None
    read: Callable[[Any, Call], BatchStream] | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A command for DoPut: consumes batches, answers with ``PutResult.app_metadata`` bytes.

    ``put`` gets the command, the uploaded schema (None if the client sent none), and the
    batches, whose iterator raises ``Cancelled`` if the client went away: nothing may be kept
    unless it ends normally.  ``lasting`` says that something is kept: then the end of the stream
    is doubted for a moment, because gRPC may show a cancelled upload as a finished one first.
    """

    message: type[Message]
    put: Callable[[Any, pa.Schema | None, Iterator[pa.RecordBatch], Call], Iterable[bytes]]
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """An action for DoAction; ``run`` gets ``Action.body`` and yields ``Result.body`` bytes."""

    type: str
    description: str
    run: Callable[[bytes, Call], Iterable[bytes]]

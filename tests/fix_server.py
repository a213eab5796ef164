"""A Flight server over a few in-memory results, for tests of the wire.

Its command tables are those of ``fix_results``: a test decides what happens while a result is
planned and read.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.flight as flight
import pytest

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.auth import Grant, Identity, Peer, Session
from flightlake.clock import SystemClock
from flightlake.commands.command import Call
from flightlake.errors import NotAuthenticated
from flightlake.flightsql.messages import pack
from flightlake.server.codec import DEFAULT, Encoding
from flightlake.server.drain import Traffic
from flightlake.server.flight_server import FlightServer, Listening
from flightlake.server.service import FlightService
from flightlake.telemetry import Fact
from tests.fix_results import NUMBERS, Result, result_of, tables

BEARER = "Bearer good"
DEADLINE = 60.0
"""Seconds after which a condition that a test waits for is taken to have failed."""


@dataclass
class InMemoryGate:
    """Knows one user, ``ada`` with the password ``lovelace``, and one token, ``good``."""

    peers: list[Peer] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    granted: tuple[tuple[str, str], ...] = ()

    def handshake(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        grant = self.authenticate(headers, peer)
        return Grant(grant.identity, grant.session, (("authorization", BEARER),))

    def authenticate(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        self.peers.append(peer)
        self.headers.append(headers)
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if (kind, secret) == ("Bearer", "good") or (kind == "Basic" and _is_ada(secret)):
            return Grant(Identity("ada"), Session("s"), self.granted)
        raise NotAuthenticated("wrong user name or password")

    def with_session(self, grant: Grant, session: Session) -> tuple[tuple[str, str], ...]:
        return ()


def _is_ada(secret: str) -> bool:
    try:
        return base64.b64decode(secret + "=" * (-len(secret) % 4)) == b"ada:lovelace"
    except binascii.Error:
        return False


@dataclass
class Recorder:
    """Keeps all facts."""

    facts: list[Fact] = field(default_factory=list)

    def observe(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@dataclass
class Running:
    """A running server and what a test needs to talk to it and to look inside."""

    server: FlightServer
    port: int
    results: dict[str, Result]
    calls: list[Call]
    uploads: list[pa.Table | None]
    gate: InMemoryGate
    traffic: Traffic
    observed: Recorder
    channel: grpc.Channel
    secure: bool = False

    def unary(self, method: str, request: bytes, **options: Any) -> bytes:
        """Call a method that answers with one message; by default as a known caller."""
        return self.method("unary_unary", method)(request, **_known(options))

    def stream(self, method: str, request: bytes, **options: Any) -> Any:
        """Call a method that answers one message with a stream."""
        return self.method("unary_stream", method)(request, **_known(options))

    def duplex(self, method: str, requests: Iterable[bytes], **options: Any) -> Any:
        """Call a method that answers a stream with a stream."""
        return self.method("stream_stream", method)(iter(requests), **_known(options))

    def method(self, kind: str, method: str) -> Any:
        path = f"/arrow.flight.protocol.FlightService/{method}"
        return getattr(self.channel, kind)(path)

    def client(self) -> flight.FlightClient:
        return flight.FlightClient(f"grpc+tcp://127.0.0.1:{self.port}")

    def read(self, query: str) -> pa.Table:
        """Run *query* with pyarrow's own client."""
        options = flight.FlightCallOptions(headers=[(b"authorization", BEARER.encode())])
        with self.client() as client:
            info = client.get_flight_info(
                flight.FlightDescriptor.for_command(command(query)), options
            )
            return client.do_get(info.endpoints[0].ticket, options).read_all()


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": (("authorization", BEARER),), "timeout": DEADLINE, **options}


def command(query: str) -> bytes:
    return pack(FlightSql_pb2.CommandStatementQuery(query=query))


def descriptor(query: str) -> bytes:
    return Flight_pb2.FlightDescriptor(
        type=Flight_pb2.FlightDescriptor.CMD, cmd=command(query)
    ).SerializeToString()


def ticket(query: str) -> bytes:
    handle = FlightSql_pb2.TicketStatementQuery(statement_handle=query.encode())
    return Flight_pb2.Ticket(ticket=pack(handle)).SerializeToString()


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start servers; all are stopped after the test."""
    running: list[Running] = []

    def begin(
        encoding: Encoding = DEFAULT,
        credentials: grpc.ServerCredentials | None = None,
        **listening: Any,
    ) -> Running:
        results: dict[str, Result] = {"numbers": result_of(NUMBERS)}
        calls: list[Call] = []
        uploads: list[pa.Table | None] = []
        gate, traffic, clock, observed = InMemoryGate(), Traffic(), SystemClock(), Recorder()
        services: Any = None  # these commands need none
        service = FlightService(
            tables(results, calls, uploads), services, gate, traffic, clock, encoding
        )
        server = FlightServer(
            service, traffic, observed, clock, Listening(**{"port": 0, **listening}), credentials
        )
        port = server.start()
        channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_send_message_length", -1)]
        )
        one = Running(server, port, results, calls, uploads, gate, traffic, observed, channel)
        running.append(one)
        return one

    yield begin
    for one in running:
        one.channel.close()
        one.server.stop()


@pytest.fixture
def wire(start: Callable[..., Running]) -> Running:
    """A running plaintext server."""
    return start()


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until *condition* holds; fail the test, naming *what*, if it does not."""
    waiting = threading.Event()
    for _ in range(int(DEADLINE / 0.01)):
        if condition():
            return
        waiting.wait(0.01)
    pytest.fail(f"not within {DEADLINE:.0f} s: {what}")


def status(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """Return the status that *call* ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()

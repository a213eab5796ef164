"""Flight SQL spoken by hand: gRPC methods on bytes, and the messages of a stream as they are."""

import base64
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pyarrow as pa
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.flightsql.messages import pack, unpack_as
from tests.fix_processes import DEADLINE, PASSWORD, USER, Server

Metadata = tuple[tuple[str, str], ...]

_NO_LIMITS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own
]


def basic(user: str = USER, password: str = PASSWORD) -> Metadata:
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return (("authorization", f"Basic {text}"),)


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


class RawClient:
    """Calls methods of the Flight service; with the password of ``ada`` unless told otherwise."""

    def __init__(self, server: Server, location: str = "", metadata: Metadata | None = None):
        scheme, _, target = (location or server.location).partition("://")
        if scheme == "grpc":
            self.channel = grpc.insecure_channel(target, options=_NO_LIMITS)
        else:
            roots = (server.state / "self-signed.pem").read_bytes()
            credentials = grpc.ssl_channel_credentials(roots)
            self.channel = grpc.secure_channel(target, credentials, options=_NO_LIMITS)
        self.metadata = basic() if metadata is None else metadata

    def close(self) -> None:
        self.channel.close()

    def unary(self, method: str, request: bytes, **options: Any) -> bytes:
        answer: bytes = self._method("unary_unary", method)(request, **self._with(options))
        return answer

    def stream(self, method: str, request: bytes, **options: Any) -> Any:
        return self._method("unary_stream", method)(request, **self._with(options))

    def duplex(self, method: str, requests: Iterable[bytes], **options: Any) -> Any:
        return self._method("stream_stream", method)(iter(requests), **self._with(options))

    def info(self, command: Message | str, **options: Any) -> Flight_pb2.FlightInfo:
        """Return the FlightInfo for a command, or for a statement."""
        return Flight_pb2.FlightInfo.FromString(
            self.unary("GetFlightInfo", descriptor(command), **options)
        )

    def ticket(self, command: Message | str, **options: Any) -> bytes:
        """Return the request for DoGet that reads a command's result."""
        return self.info(command, **options).endpoint[0].ticket.SerializeToString()

    def get(self, ticket: bytes, **options: Any) -> pa.Table:
        """Redeem a ticket."""
        return table(self.stream("DoGet", ticket, **options))

    def read(self, command: Message | str, **options: Any) -> pa.Table:
        return self.get(self.ticket(command, **options), **options)

    def action(self, kind: str, body: bytes = b"", **options: Any) -> list[bytes]:
        """Run an action; return the bodies of its results."""
        request = Flight_pb2.Action(type=kind, body=body).SerializeToString()
        answers = self.stream("DoAction", request, **options)
        return [Flight_pb2.Result.FromString(answer).body for answer in answers]

    def prepare(self, sql: str) -> FlightSql_pb2.ActionCreatePreparedStatementResult:
        request = FlightSql_pb2.ActionCreatePreparedStatementRequest(query=sql)
        (body,) = self.action("CreatePreparedStatement", pack(request))
        return unpack_as(body, FlightSql_pb2.ActionCreatePreparedStatementResult)

    def bind(self, handle: bytes, rows: pa.Table) -> bytes:
        """Bind *rows* to a prepared statement; return the handle that holds them."""
        command = FlightSql_pb2.CommandPreparedStatementQuery(prepared_statement_handle=handle)
        (answer,) = self.duplex("DoPut", upload(command, rows))
        metadata = Flight_pb2.PutResult.FromString(answer).app_metadata
        bound = FlightSql_pb2.DoPutPreparedStatementResult.FromString(metadata)
        return bound.prepared_statement_handle

    def login(self) -> str:
        """Return the bearer token that a handshake gives for the client's credentials."""
        call = self.duplex("Handshake", [])
        headers = dict(call.initial_metadata())
        list(call)
        return str(headers["authorization"]).removeprefix("Bearer ")

    def health(self) -> str:
        stub = health_pb2_grpc.HealthStub(self.channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    def refused(self, call: Any) -> tuple[grpc.StatusCode, str]:
        """Return the status that *call*, made here, ends with."""
        try:
            call()
        except grpc.RpcError as error:
            return error.code(), error.details() or ""  # type: ignore[attr-defined]
        raise AssertionError("the call succeeded")

    def _method(self, kind: str, method: str) -> Any:
        return getattr(self.channel, kind)(f"/arrow.flight.protocol.FlightService/{method}")

    def _with(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"metadata": self.metadata, "timeout": DEADLINE * 2, **options}


@contextmanager
def raw(server: Server, **options: Any) -> Iterator[RawClient]:
    client = RawClient(server, **options)
    try:
        yield client
    finally:
        client.close()


def descriptor(command: Message | str) -> bytes:
    if isinstance(command, str):
        command = FlightSql_pb2.CommandStatementQuery(query=command)
    return Flight_pb2.FlightDescriptor(
        type=Flight_pb2.FlightDescriptor.CMD, cmd=pack(command)
    ).SerializeToString()


def table(messages: Iterable[bytes]) -> pa.Table:
    """Put the messages of a DoGet together."""
    parts = []
    for message in messages:
        data = Flight_pb2.FlightData.FromString(message)
        header = data.data_header + b"\0" * (-len(data.data_header) % 8)
        parts += [b"\xff\xff\xff\xff", struct.pack("<i", len(header)), header, data.data_body]
    parts.append(b"\xff\xff\xff\xff\0\0\0\0")
    with pa.ipc.open_stream(b"".join(parts)) as reader:
        return reader.read_all()


def upload(command: Message, rows: pa.Table) -> Iterator[bytes]:
    """Yield the messages of a DoPut of *rows* for *command*."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    first = Flight_pb2.FlightDescriptor.FromString(descriptor(command))
    for message in pa.ipc.MessageReader.open_stream(sink.getvalue()):
        yield Flight_pb2.FlightData(
            flight_descriptor=first,
            data_header=message.metadata.to_pybytes(),
            data_body=b"" if message.body is None else message.body.to_pybytes(),
        ).SerializeToString()
        first = None

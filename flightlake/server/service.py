"""The ten RPCs of the Flight service: decode, look up the row of a table, run it, encode.

Source: Flight.proto, ``service FlightService``.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pyarrow as pa
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from flightlake._proto import Flight_pb2
from flightlake.auth import Gate
from flightlake.clock import Clock
from flightlake.commands.command import Call, Described, Services
from flightlake.errors import Unsupported
from flightlake.flightsql.messages import pack, parse, unpack
from flightlake.flightsql.wire_types import wire_schema
from flightlake.server.codec import DEFAULT, Encoding, encode_stream
from flightlake.server.dispatch import Tables, command_in, describe, parse_descriptor
from flightlake.server.drain import Traffic
from flightlake.server.handlers import Handlers
from flightlake.server.rpc import Rpc, check_size, trace_id
from flightlake.server.uploads import open_upload, read_upload

_DOUBT = timedelta(milliseconds=100)
"""How much later than the end of its messages the cancellation of an upload is seen at most."""

NAME = "arrow.flight.protocol.FlightService"

_NEW_STATEMENTS = frozenset(
    {
        "CreatePreparedStatement",
        "CreatePreparedSubstraitPlan",
        "BeginTransaction",
        "BeginSavepoint",
    }
)
"""Actions that begin something; the others end it, and are served while draining."""


class FlightService:
    """Answers the RPCs from the rows of *tables*.  Thread-safe."""

    def __init__(
        self,
        tables: Tables,
        services: Services,
        gate: Gate,
        traffic: Traffic,
        clock: Clock,
        encoding: Encoding = DEFAULT,
        request_bytes: int = 4 * 2**20,
    ) -> None:
        self._tables = tables
        self._services = services
        self._gate = gate
        self._traffic = traffic
        self._clock = clock
        self._encoding = encoding
        self._request_bytes = request_bytes

    def handler(self, handlers: Handlers) -> "grpc.GenericRpcHandler[bytes, bytes]":
        """Return all methods for a gRPC server."""
        rows = {
            "Handshake": handlers.duplex("Handshake", self.handshake),
            "ListFlights": handlers.streaming("ListFlights", self.list_flights),
            "GetFlightInfo": handlers.unary("GetFlightInfo", self.get_flight_info),
            "PollFlightInfo": handlers.unary("PollFlightInfo", self.poll_flight_info),
            "GetSchema": handlers.unary("GetSchema", self.get_schema),
            "DoGet": handlers.streaming("DoGet", self.do_get),
            "DoPut": handlers.duplex("DoPut", self.do_put),
            "DoExchange": handlers.duplex("DoExchange", self.do_exchange),
            "DoAction": handlers.streaming("DoAction", self.do_action),
            "ListActions": handlers.streaming("ListActions", self.list_actions),
        }
        return grpc.method_handlers_generic_handler(NAME, rows)

    def handshake(self, requests: Iterator[bytes], rpc: Rpc) -> Iterator[bytes]:
        """Give a bearer token for the credentials in the headers.

        The token is in the ``authorization`` header of the answer, which has no message: after
        one, ADBC reads no further, takes the call for unfinished, and puts this token over the
        newer one of a session's options when its garbage is collected.  The client's messages
        are not looked at, and not waited for: ADBC sends none and keeps its side open.
        """
        grant = self._gate.handshake(rpc.headers, rpc.peer)
        rpc.send_headers(grant.headers)
        return iter(())

    def list_flights(self, request: bytes, rpc: Rpc) -> Iterator[bytes]:
        """List nothing: Flight SQL has its own commands for what there is."""
        call = self._open(rpc, request)
        _send_headers(call, rpc)
        return iter(())

    def get_flight_info(self, request: bytes, rpc: Rpc) -> bytes:
        """Describe a command's result and give the ticket for it."""
        info, call = self._flight_info(request, rpc)
        _send_headers(call, rpc)
        return info.SerializeToString()

    def poll_flight_info(self, request: bytes, rpc: Rpc) -> bytes:
        """As GetFlightInfo; always complete at once.

        The ticket can be had before the statement has run, so there is nothing to poll for: the
        answer has no descriptor to poll with, and the progress 1.0.
        """
        info, call = self._flight_info(request, rpc)
        answer = Flight_pb2.PollInfo(info=info, progress=1.0)
        if info.endpoint[0].HasField("expiration_time"):
            answer.expiration_time.CopyFrom(info.endpoint[0].expiration_time)
        _send_headers(call, rpc)
        return answer.SerializeToString()

    def get_schema(self, request: bytes, rpc: Rpc) -> bytes:
        """Give the schema of a command's result."""
        _, described, call = self._describe(request, rpc)
        _send_headers(call, rpc)
        return Flight_pb2.SchemaResult(schema=_encapsulated(described.schema)).SerializeToString()

    def do_get(self, request: bytes, rpc: Rpc) -> Iterator[bytes]:
        """Stream the result that a ticket stands for."""
        call = self._open(rpc, request)
        ticket = parse(request, Flight_pb2.Ticket, "ticket").ticket
        self._traffic.redeemed(ticket)
        message = _named(unpack(ticket, "ticket"), rpc)
        read = self._tables.command(message).read
        if read is None:
            raise Unsupported(
                f"a {type(message).__name__} is no ticket: send it to GetFlightInfo, "
                "and DoGet the ticket in the answer"
            )
        stream = read(message, call)
        # The handler may sit in the stream, or in gRPC's sending, when the client goes away.
        forget = call.cancellation.on_cancel(stream.close)
        try:
            for data in encode_stream(stream.schema, stream, self._clock, self._encoding):
                call.cancellation.check()
                _send_headers(call, rpc)
                yield data
        finally:
            forget()
            stream.close()

    def do_put(self, requests: Iterator[bytes], rpc: Rpc) -> Iterator[bytes]:
        """Hand an upload to its command, and its answers to the client."""
        call = self._open(rpc)
        self._traffic.refuse_if_draining()
        opened = open_upload(requests)
        check_size(opened.descriptor, self._request_bytes)
        message = _named(command_in(parse_descriptor(opened.descriptor)), rpc)
        upload = self._tables.upload(message)
        schema, batches = read_upload(opened, requests)
        if upload.lasting:
            batches = self._doubted(batches, call)
        for metadata in upload.put(message, schema, batches, call):
            _send_headers(call, rpc)
            yield Flight_pb2.PutResult(app_metadata=metadata).SerializeToString()
        _send_headers(call, rpc)

    def do_exchange(self, requests: Iterator[bytes], rpc: Rpc) -> Iterator[bytes]:
        """Refuse: Flight SQL gives DoExchange no meaning."""
        self._open(rpc)
        raise Unsupported(
            "DoExchange has no meaning in Flight SQL: use GetFlightInfo and DoGet, or DoPut"
        )

    def do_action(self, request: bytes, rpc: Rpc) -> Iterator[bytes]:
        """Run an action."""
        call = self._open(rpc, request)
        message = parse(request, Flight_pb2.Action, "action")
        rpc.command = message.type if message.type in self._tables.actions else "unknown"
        if message.type in _NEW_STATEMENTS:
            self._traffic.refuse_if_draining()
        for body in self._tables.action(message.type).run(message.body, call):
            _send_headers(call, rpc)
            yield Flight_pb2.Result(body=body).SerializeToString()
        _send_headers(call, rpc)

    def list_actions(self, request: bytes, rpc: Rpc) -> Iterator[bytes]:
        """Name the actions that DoAction runs."""
        call = self._open(rpc, request)
        _send_headers(call, rpc)
        for action in self._tables.actions.values():
            yield Flight_pb2.ActionType(
                type=action.type, description=action.description
            ).SerializeToString()

    def _doubted(self, batches: Iterator[pa.RecordBatch], call: Call) -> Iterator[pa.RecordBatch]:
        """Yield *batches*; then wait whether the client has cancelled after all."""
        yield from batches
        cancelled = threading.Event()
        forget = call.cancellation.on_cancel(cancelled.set)
        self._clock.wait(cancelled, _DOUBT)
        forget()
        call.cancellation.check()

    def _open(self, rpc: Rpc, request: bytes = b"") -> Call:
        grant = self._gate.authenticate(rpc.headers, rpc.peer)
        check_size(request, self._request_bytes)
        return Call(
            grant=grant,
            services=self._services,
            cancellation=rpc.cancellation,
            peer=rpc.peer.address,
            trace_id=trace_id(rpc.headers),
        )

    def _describe(
        self, request: bytes, rpc: Rpc
    ) -> tuple[Flight_pb2.FlightDescriptor, Described, Call]:
        call = self._open(rpc, request)
        self._traffic.refuse_if_draining()
        descriptor = parse_descriptor(request)
        message = _named(command_in(descriptor), rpc)
        described = describe(self._tables.command(message), message, call)
        call.cancellation.check()
        return descriptor, described, call

    def _flight_info(self, request: bytes, rpc: Rpc) -> tuple[Flight_pb2.FlightInfo, Call]:
        descriptor, described, call = self._describe(request, rpc)
        # No location: the ticket is for this server, and ODBC would connect to any other.
        endpoint = Flight_pb2.FlightEndpoint(
            ticket=Flight_pb2.Ticket(ticket=pack(described.ticket))
        )
        if described.expires_at_seconds is not None:
            endpoint.expiration_time.CopyFrom(_timestamp(described.expires_at_seconds))
        info = Flight_pb2.FlightInfo(
            schema=_encapsulated(described.schema),
            flight_descriptor=descriptor,
            endpoint=[endpoint],
            total_records=described.total_records,
            total_bytes=-1,
            ordered=True,
        )
        self._traffic.issued(info.endpoint[0].ticket.ticket, self._clock.monotonic())
        return info, call


def _named(message: Message, rpc: Rpc) -> Message:
    rpc.command = type(message).__name__
    return message


def _send_headers(call: Call, rpc: Rpc) -> None:
    rpc.send_headers((*call.grant.headers, *call.response_headers))


def _encapsulated(schema: pa.Schema) -> bytes:
    return bytes(wire_schema(schema).serialize())


def _timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1_000_000))  # a float holds no more
    return stamp

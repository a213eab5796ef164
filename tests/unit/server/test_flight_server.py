"""Listening, TLS, health, reflection, draining and stopping."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.commands.command import Call
from flightlake.errors import PreconditionFailed
from flightlake.flightsql.messages import pack
from flightlake.server.self_signed import certificate_file, self_signed
from flightlake.server.tls import CertificateFiles
from tests.components.processes import free_port
from tests.fix_results import NUMBERS, Result, Stream
from tests.fix_server import BEARER, Running, descriptor, eventually, status, ticket

NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
KNOWN = (("authorization", BEARER),)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health_of(channel: grpc.Channel, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=120).status


class Held:
    """A result whose second batch waits until the test lets it go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def open(self, call: Call) -> Stream:
        def batches() -> Iterator[pa.RecordBatch]:
            first, second = NUMBERS.to_batches(max_chunksize=500)
            yield first
            assert self.go.wait(120)
            yield second

        return Stream(NUMBERS.schema, batches())


@pytest.mark.parametrize("service", ["", "arrow.flight.protocol.FlightService"])
def test_health_is_serving_without_credentials(wire: Running, service):
    assert health_of(wire.channel, service) == SERVING


def test_health_of_an_unknown_service_is_not_found(wire: Running):
    assert status(lambda: health_of(wire.channel, "x"))[0] is grpc.StatusCode.NOT_FOUND


def test_reflection_describes_the_flight_service(wire: Running):
    database = ProtoReflectionDescriptorDatabase(wire.channel)
    assert "arrow.flight.protocol.FlightService" in database.get_services()
    file = database.FindFileContainingSymbol("arrow.flight.protocol.FlightService")
    methods = {method.name for service in file.service for method in service.method}
    assert {"GetFlightInfo", "PollFlightInfo", "DoGet"} <= methods


def test_every_reflected_method_is_served(wire: Running):
    methods = Flight_pb2.DESCRIPTOR.services_by_name["FlightService"].methods
    for method in methods:
        kind = f"{'stream' if method.client_streaming else 'unary'}_"
        kind += "stream" if method.server_streaming else "unary"
        request = iter(()) if method.client_streaming else b""

        def call(kind=kind, name=method.name, request=request):
            answer = wire.method(kind, name)(request, timeout=120)
            return list(answer) if not isinstance(answer, bytes) else answer

        # Known, and closed to strangers: not UNIMPLEMENTED.
        assert status(call)[0] is grpc.StatusCode.UNAUTHENTICATED, method.name


def test_a_port_that_is_taken_stops_the_start(start: Callable[..., Running], wire: Running):
    with pytest.raises(PreconditionFailed, match=f"cannot listen on 127.0.0.1:{wire.port}"):
        start(port=wire.port)


def test_several_servers_may_share_a_port(start: Callable[..., Running]):
    first = start(reuse_port=True)
    second = start(reuse_port=True, port=first.port)
    assert second.port == first.port


def test_a_message_over_the_limit_is_refused(start: Callable[..., Running]):
    wire = start(receive_bytes=1000)
    code, _ = status(lambda: wire.unary("GetFlightInfo", descriptor("x" * 2000)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert wire.read("numbers").equals(NUMBERS)


def test_a_token_of_thirty_kilobytes_is_read(wire: Running):
    metadata = (*KNOWN, ("cookie", "x" * 30_000))
    wire.unary("GetFlightInfo", descriptor("numbers"), metadata=metadata)
    assert len(wire.gate.headers[0]["cookie"]) == 30_000


def test_draining_refuses_new_statements_and_serves_issued_tickets(wire: Running):
    held = Held()
    wire.results["held"] = Result(NUMBERS.schema, held.open)
    running = wire.stream("DoGet", ticket("held"))
    assert next(running)
    drained: list[bool] = []
    drain = threading.Thread(target=lambda: drained.append(wire.server.drain(600 * SECOND, SECOND)))
    drain.start()
    eventually(lambda: health_of(wire.channel) == NOT_SERVING, "health says NOT_SERVING")

    prepare = pack(FlightSql_pb2.ActionCreatePreparedStatementRequest(query="numbers"))
    refused = [
        lambda: wire.unary("GetFlightInfo", descriptor("numbers")),
        lambda: wire.unary("PollFlightInfo", descriptor("numbers")),
        lambda: wire.unary("GetSchema", descriptor("numbers")),
        lambda: list(wire.stream("DoAction", _action("CreatePreparedStatement", prepare))),
        lambda: list(wire.duplex("DoPut", [])),
    ]
    for call in refused:
        code, message = status(call)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert "shutting down" in message
    assert list(wire.stream("DoAction", _action("ClosePreparedStatement"))) == []
    assert len(list(wire.stream("DoGet", ticket("numbers")))) == 2
    assert drained == []

    held.go.set()
    assert len(list(running)) == 2
    drain.join(120)
    assert drained == [True]


def _action(kind: str, body: bytes = b"") -> bytes:
    return Flight_pb2.Action(type=kind, body=body).SerializeToString()


def test_a_drain_ends_at_its_timeout_and_stopping_ends_the_stream(wire: Running):
    held = Held()
    wire.results["held"] = Result(NUMBERS.schema, held.open)
    running = wire.stream("DoGet", ticket("held"))
    assert next(running)
    assert wire.server.drain(timedelta(milliseconds=100)) is False
    stopping = threading.Thread(target=lambda: wire.server.stop(timedelta(milliseconds=100)))
    stopping.start()
    code, _ = status(lambda: list(running))
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    held.go.set()
    stopping.join(120)
    assert not stopping.is_alive()


def test_a_second_signal_cuts_the_drain_short(wire: Running):
    held = Held()
    wire.results["held"] = Result(NUMBERS.schema, held.open)
    running = wire.stream("DoGet", ticket("held"))
    assert next(running)
    drained: list[bool] = []
    drain = threading.Thread(target=lambda: drained.append(wire.server.drain(600 * SECOND)))
    drain.start()
    wire.server.force()
    drain.join(120)
    assert drained == [False]
    held.go.set()
    running.cancel()


def test_a_watcher_of_health_does_not_hold_up_the_stop(start: Callable[..., Running]):
    wire = start()
    stub = health_pb2_grpc.HealthStub(wire.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == SERVING
    assert wire.server.drain(60 * SECOND, timedelta(0))
    assert next(watch).status == NOT_SERVING
    wire.server.stop(timedelta(milliseconds=100))
    code, _ = status(lambda: list(watch))
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def test_stopping_twice_is_stopping_once(start: Callable[..., Running]):
    wire = start(port=free_port())
    wire.server.stop()
    wire.server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", wire.port), timeout=120)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with ``server.crt`` and ``server.key``."""
    folder = tmp_path / "tls"
    folder.mkdir()
    use(folder, tmp_path / "first")
    return folder


def use(folder: Path, made_in: Path) -> bytes:
    """Put a new key pair into *folder*; return its certificate."""
    pair = self_signed(made_in, NOW).current
    for name, content in (("server.key", pair.key), ("server.crt", pair.certificates)):
        (folder / f"{name}.new").write_bytes(content)
        os.replace(folder / f"{name}.new", folder / name)
    return pair.certificates


def schema_over_tls(port: int, certificate: bytes) -> bytes:
    credentials = grpc.ssl_channel_credentials(certificate)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        method = channel.unary_unary("/arrow.flight.protocol.FlightService/GetSchema")
        return method(descriptor("numbers"), metadata=KNOWN, timeout=120)


def served(port: int) -> bytes:
    """The certificate that a TLS handshake shows."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=120)
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.PEM)


def test_a_certificate_that_changes_is_served_without_a_restart(
    start: Callable[..., Running], keys: Path, tmp_path: Path
):
    files = CertificateFiles(keys / "server.crt", keys / "server.key")
    wire = start(credentials=files.credentials())
    first = files.current.certificates
    assert schema_over_tls(wire.port, first)
    assert served(wire.port) == first
    second = use(keys, tmp_path / "second")
    assert second != first
    assert served(wire.port) == second
    assert schema_over_tls(wire.port, second)
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        schema_over_tls(wire.port, first)


def test_a_peer_over_tls_is_secure(start: Callable[..., Running], tmp_path: Path):
    wire = start(credentials=self_signed(tmp_path / "state", NOW).credentials())
    assert schema_over_tls(wire.port, certificate_file(tmp_path / "state").read_bytes())
    assert wire.gate.peers[0].secure


def test_plaintext_to_a_tls_port_is_refused(start: Callable[..., Running], tmp_path: Path):
    wire = start(credentials=self_signed(tmp_path / "state", NOW).credentials())
    assert status(lambda: wire.unary("GetSchema", descriptor("numbers")))[0] is (
        grpc.StatusCode.UNAVAILABLE
    )

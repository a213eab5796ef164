"""The gRPC server: listens, serves Flight, health and reflection on one port, drains, stops."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from flightlake.clock import Clock
from flightlake.errors import PreconditionFailed
from flightlake.server.drain import Traffic
from flightlake.server.handlers import Handlers
from flightlake.server.rpc import Disconnects
from flightlake.server.service import NAME, FlightService
from flightlake.telemetry import Observer

_SWITCH_INTERVAL = 0.0005
"""Seconds a thread keeps the interpreter; with Python's 5 ms, one busy thread makes every short
answer wait several times that."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how the server listens.

    ``port`` 0 is any free port.  ``reuse_port`` lets several processes share one (SO_REUSEPORT).
    ``receive_bytes`` bounds one incoming message, ``concurrent_rpcs`` the RPCs at once (more are
    refused with RESOURCE_EXHAUSTED), and ``threads`` what serves them; threads start as they are
    needed, and a client that reads slowly holds one.
    """

    host: str = "127.0.0.1"
    port: int = 31337
    reuse_port: bool = False
    receive_bytes: int = 16 * 2**20
    concurrent_rpcs: int = 1000
    threads: int = 1024


class FlightServer:
    """Serves *service* from ``start`` to ``stop``.

    ``credentials`` is None for plaintext.
    """

    def __init__(
        self,
        service: FlightService,
        traffic: Traffic,
        observer: Observer,
        clock: Clock,
        listening: Listening,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._traffic = traffic
        self._clock = clock
        self._listening = listening
        self._credentials = credentials
        self._disconnects = Disconnects()
        self._force = threading.Event()
        self._health = health.HealthServicer()
        self._grpc = grpc.server(
            ThreadPoolExecutor(listening.threads, thread_name_prefix="flightlake-rpc"),
            options=_options(listening),
            maximum_concurrent_rpcs=listening.concurrent_rpcs,
        )
        handlers = Handlers(traffic, self._disconnects, observer, clock)
        self._grpc.add_generic_rpc_handlers((service.handler(handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        services = (NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(services, self._grpc)

    def start(self) -> int:
        """Listen and serve; return the port.

        Raises:
            PreconditionFailed: The address cannot be listened on.
        """
        sys.setswitchinterval(_SWITCH_INTERVAL)
        port = self._listen()
        self._grpc.start()
        self._set_health(health_pb2.HealthCheckResponse.SERVING)
        return port

    def drain(self, timeout: timedelta, quiet: timedelta = timedelta(milliseconds=500)) -> bool:
        """Refuse new statements, serve issued tickets; return when that is done.

        Health says NOT_SERVING from now on.  Returns True when no RPC has run for *quiet*, False
        if *timeout* passed before or ``force`` was called.
        """
        self._traffic.start_draining()
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        return self._traffic.wait_until_quiet(quiet, timeout, self._clock, self._force)

    def force(self) -> None:
        """Cut ``drain`` short; may be called from a signal handler."""
        self._force.set()

    def stop(self, grace: timedelta = timedelta(seconds=1)) -> None:
        """Refuse everything, cancel what still runs after *grace*, and return when it is gone."""
        self._health.enter_graceful_shutdown()
        self._grpc.stop(grace.total_seconds()).wait()
        self._disconnects.close()

    def _listen(self) -> int:
        host, port = self._listening.host, self._listening.port
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if self._credentials is None:
                bound = self._grpc.add_insecure_port(address)
            else:
                bound = self._grpc.add_secure_port(address, self._credentials)
        except RuntimeError:
            bound = 0
        if not bound:
            raise PreconditionFailed(
                f"cannot listen on {address}: choose another port, or stop what has it"
            )
        return bound

    def _set_health(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in (health.OVERALL_HEALTH, NAME):
            self._health.set(name, status)


def _options(listening: Listening) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", int(listening.reuse_port)),
        ("grpc.max_receive_message_length", listening.receive_bytes),
        ("grpc.max_send_message_length", -1),
        # A token of somebody else's and a session's cookie may be larger than 8 KiB together.
        ("grpc.max_metadata_size", 64 * 2**10),
        ("grpc.absolute_max_metadata_size", 128 * 2**10),
        # Clients behind proxies ping during long silence; the default would cut them off.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 0),
        # The only way to notice a client whose machine is gone.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]

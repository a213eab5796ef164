"""gRPC handlers around the service's functions: what every RPC has in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import grpc

from flightlake.clock import Clock
from flightlake.errors import FlightlakeError
from flightlake.server.boundary import Status, status_of
from flightlake.server.drain import Traffic
from flightlake.server.rpc import Disconnects, Rpc
from flightlake.telemetry import Observer, RpcFinished

Unary = Callable[[bytes, Rpc], bytes]
"""Answers one message with one."""

Streaming = Callable[[bytes, Rpc], Iterator[bytes]]
"""Answers one message with many."""

Duplex = Callable[[Iterator[bytes], Rpc], Iterator[bytes]]
"""Answers many messages with many."""


class Handlers:
    """Makes gRPC handlers, which see raw bytes: decoding is done where errors get a status."""

    def __init__(
        self, traffic: Traffic, disconnects: Disconnects, observer: Observer, clock: Clock
    ) -> None:
        self._traffic = traffic
        self._disconnects = disconnects
        self._observer = observer
        self._clock = clock

    def unary(self, method: str, answer: Unary) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return the handler for a method that takes and gives one message."""

        def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
            with self._guarded(method, context) as rpc:
                return answer(request, rpc)

        return grpc.unary_unary_rpc_method_handler(handle)

    def streaming(self, method: str, answer: Streaming) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return the handler for a method that takes one message and gives a stream."""

        def handle(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            with self._guarded(method, context) as rpc:
                yield from answer(request, rpc)

        return grpc.unary_stream_rpc_method_handler(handle)

    def duplex(self, method: str, answer: Duplex) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return the handler for a method that takes and gives a stream."""

        def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            with self._guarded(method, context) as rpc:
                yield from answer(rpc.incoming(requests), rpc)

        return grpc.stream_stream_rpc_method_handler(handle)

    @contextmanager
    def _guarded(self, method: str, context: grpc.ServicerContext) -> Iterator[Rpc]:
        started = self._clock.monotonic()
        cancellation, finished = self._disconnects.watch(context)
        rpc = Rpc(method, context, cancellation)
        status = grpc.StatusCode.OK
        try:
            with self._traffic.passing():
                yield rpc
        except GeneratorExit:
            status = grpc.StatusCode.CANCELLED  # gRPC dropped the stream: nobody listens
            raise
        except (KeyboardInterrupt, SystemExit):
            status = grpc.StatusCode.CANCELLED
            context.cancel()  # type: ignore[no-untyped-call] # else the client would wait
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of a Rust library is one
            ending = self._ending(error, rpc)
            status = ending.code
            context.abort(ending.code, ending.message)  # raises, for grpcio to catch
        finally:
            finished()
            duration = timedelta(seconds=self._clock.monotonic() - started)
            self._observer.observe(RpcFinished(method, rpc.command, status.name, duration))

    def _ending(self, error: BaseException, rpc: Rpc) -> Status:
        reason = rpc.cancellation.reason
        if reason is not None and not isinstance(error, FlightlakeError):
            error = reason  # a library that lost its input in mid-air says all sorts of things
        status = status_of(error, rpc.method, self._observer)
        # The frames hold the stream, and the reason of a cancellation outlives the call.
        error.__traceback__ = None
        return status

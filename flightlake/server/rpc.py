"""One RPC as the service sees it: its headers, its peer, and whether it is still wanted."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import unquote

import grpc

from flightlake.auth import Peer
from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, InvalidRequest, TimedOut

Headers = Iterable[tuple[str, str]]

_AT_DEADLINE = 0.1
"""Seconds before its deadline from which a call's end is taken for the deadline's doing: the
client's own timer runs a little ahead of the server's, which starts on arrival."""


class Rpc:
    """One RPC.  ``command`` is filled in when it is known, for the facts."""

    def __init__(
        self, method: str, context: grpc.ServicerContext, cancellation: Cancellation
    ) -> None:
        self.method = method
        self.command = ""
        self.cancellation = cancellation
        self.headers = read_headers(context.invocation_metadata() or ())
        self.peer = read_peer(context.peer(), context.auth_context())
        self._context = context
        self._headers_sent = False

    def send_headers(self, headers: Headers) -> None:
        """Send *headers* as the initial metadata; does nothing the second time."""
        if self._headers_sent:
            return
        self._headers_sent = True
        metadata = tuple(headers)
        if not metadata:
            return  # gRPC sends none along with the first message, which saves an operation
        try:
            self._context.send_initial_metadata(metadata)
        except grpc.RpcError:
            raise self._gone() from None

    def incoming(self, messages: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the client's *messages*; ends normally only if the client ended the stream.

        Raises:
            Cancelled, TimedOut: The call is not wanted any more.
            InvalidRequest: gRPC could not read a message.
        """
        try:
            for message in messages:
                self.cancellation.check()
                yield message
        except grpc.RpcError:
            raise self._gone() from None
        self.cancellation.check()
        if not self._context.is_active():
            raise self._gone()

    def _gone(self) -> Exception:
        return self.cancellation.reason or Cancelled("the client went away")


class Disconnects:
    """Cancels what a client that went away has left behind.

    gRPC tells about the end of a call on the thread that serves the whole server, so the
    cancelling is done on a thread of its own, which ``close`` ends.
    """

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="flightlake-disconnects")
        self._thread.daemon = True
        self._thread.start()

    def watch(self, context: grpc.ServicerContext) -> tuple[Cancellation, Callable[[], None]]:
        """Return the signal of the call in *context*, and what to call when it has ended well."""
        cancellation = Cancellation()
        finished = threading.Event()

        def ended() -> None:
            if not finished.is_set():
                deadline_passed = (context.time_remaining() or 0.0) < _AT_DEADLINE
                self._ended.put(lambda: cancellation.cancel(_reason(deadline_passed)))

        if not context.add_callback(ended):
            ended()
        return cancellation, finished.set

    def close(self) -> None:
        """End the thread; calls that end later are not cancelled any more."""
        self._ended.put(None)
        self._thread.join(timeout=5)  # a cancellation that hangs shall not keep the server up

    def _run(self) -> None:
        while (cancel := self._ended.get()) is not None:
            cancel()
            del cancel  # it holds the call


def _reason(deadline_passed: bool) -> Cancelled | TimedOut:
    if deadline_passed:
        return TimedOut("the client's deadline for this call has passed")
    return Cancelled("the client cancelled the call or went away")


def read_headers(metadata: Iterable[tuple[str, str | bytes]]) -> Mapping[str, str]:
    """Return *metadata* as a mapping with lower-case names; binary headers are left out.

    Of several headers of one name the last holds, but cookies are joined (RFC 6265, 5.4; HTTP/2
    lets a client split them).
    """
    headers: dict[str, str] = {}
    for name, value in metadata:
        key = name.lower()
        if isinstance(value, bytes):
            continue
        if key == "cookie" and key in headers:
            value = f"{headers[key]}; {value}"
        headers[key] = value
    return headers


def read_peer(peer: str, auth_context: Mapping[str, object]) -> Peer:
    """Return the other end from gRPC's ``ipv4:1.2.3.4:5``, ``ipv6:[::1]:5`` or ``unix:…``."""
    kind, _, rest = unquote(peer).partition(":")
    if kind == "unix":
        return Peer("unix", secure=True)
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    over_tls = "transport_security_type" in auth_context
    return Peer(host or peer, secure=over_tls or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def trace_id(headers: Mapping[str, str]) -> str | None:
    """Return the trace id of a ``traceparent`` header, or None (W3C Trace Context, 3.2.2)."""
    parts = headers.get("traceparent", "").strip().split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or set(parts[1]) - set("0123456789abcdef"):
        return None
    return parts[1] if set(parts[1]) != {"0"} else None


def check_size(request: bytes, limit: int) -> bytes:
    """Return *request*, if it is no larger than *limit* bytes.

    Raises:
        InvalidRequest: It is larger.
    """
    if len(request) > limit:
        raise InvalidRequest(f"the request has {len(request)} bytes; the limit is {limit}")
    return request

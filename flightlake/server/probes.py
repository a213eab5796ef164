"""The management port: liveness, readiness and metrics over plain HTTP."""

import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from flightlake.errors import PreconditionFailed

Problems = Callable[[], Sequence[str]]
"""Returns what is wrong, one sentence each; nothing if all is well.  Thread-safe, quick."""

Metrics = Callable[[], tuple[bytes, str]]
"""Returns a page of metrics and its content type."""

_CLIENT_TIMEOUT = 10.0
"""Seconds a client may take to send its request, or to take the answer."""

_MOST_CLIENTS = 32
"""Connections served at once; more are closed unread, so that none can pile up threads."""


class ProbeServer:
    """Answers ``/livez``, ``/startupz``, ``/readyz`` and ``/metrics``; GET and HEAD only.

    ``/livez`` is 200 as long as the process can answer at all; ``/startupz`` and ``/readyz``
    are 200 without problems and 503 with them, one per line.
    """

    def __init__(
        self,
        host: str,
        port: int,
        ready: Problems,
        metrics: Metrics,
        started: Problems | None = None,
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._pages: dict[str, Callable[[], tuple[int, bytes, str]]] = {
            "/livez": lambda: _report(()),
            "/startupz": lambda: _report((started or ready)()),
            "/readyz": lambda: _report(ready()),
            "/metrics": lambda: (200, *metrics()),
        }
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listen and answer; return the port.

        Raises:
            PreconditionFailed: The address cannot be listened on.
        """
        try:
            self._server = _Server(self._host, self._wanted_port, self._pages)
        except OSError as error:
            raise PreconditionFailed(
                f"the management port cannot listen on {self._host} port {self._wanted_port} "
                f"({error.strerror or 'no such address'}): choose another"
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="flightlake-probes", args=(0.1,), daemon=True
        )
        self._thread.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop answering; idempotent."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()


def _report(problems: Sequence[str]) -> tuple[int, bytes, str]:
    text = "".join(f"{problem}\n" for problem in problems) or "ok\n"
    return (503 if problems else 200), text.encode("utf-8", "replace"), "text/plain; charset=utf-8"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 2 * _MOST_CLIENTS

    def __init__(
        self, host: str, port: int, pages: dict[str, Callable[[], tuple[int, bytes, str]]]
    ) -> None:
        self.pages = pages
        self._places = threading.BoundedSemaphore(_MOST_CLIENTS)
        self.address_family = socket.AF_INET6 if _is_ipv6(host) else socket.AF_INET
        super().__init__((host, port), _Request)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no event."""


class _Request(BaseHTTPRequestHandler):
    timeout = _CLIENT_TIMEOUT
    server: _Server
    server_version = "flightlake"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            code, body, kind = 404, b"not found\n", "text/plain; charset=utf-8"
        else:
            try:
                code, body, kind = page()
            except Exception:  # noqa: BLE001 - a probe must answer, whatever is broken
                code, body, kind = 500, b"internal error\n", "text/plain; charset=utf-8"
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # The standard page repeats the request; ours says nothing but the status.
        if code == 501:
            code = 405
        self.close_connection = True
        self.send_response(code)
        if code == 405:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Write nothing: probes come every few seconds."""


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False

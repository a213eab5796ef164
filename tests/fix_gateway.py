"""A gateway in front of a REST catalog, which does with changes what gateways do at times."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Gateway:
    """Passes all requests on; to those that change something ``fault`` happens.

    It is a number, which is answered instead of passing the request on; or ``then`` and a number,
    which is answered after it was passed on; ``cut``: passed on, and the connection is closed;
    ``twice``: passed on twice, and the second answer given; ``late``: the connection is closed, and
    the request is passed on by ``arrive``.  ``changes`` are the requests that change something.
    """

    target: str
    uri: str = ""
    fault: str = ""
    changes: list[str] = field(default_factory=list)
    waiting: list[Callable[[], object]] = field(default_factory=list)

    def arrive(self) -> None:
        """Pass on what is late."""
        for send in self.waiting:
            send()
        self.waiting.clear()


@contextmanager
def gateway(target: str) -> Iterator[Gateway]:
    """Yield a gateway to the catalog at *target*."""
    made = Gateway(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Passing", (_Passing,), {"of": made}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made.uri = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Passing(BaseHTTPRequestHandler):
    of: Gateway

    def do_GET(self) -> None:
        self._answer(*self._passed(b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path.endswith("/tables"):  # which prepares, and changes nothing
            self._answer(*self._passed(body))
            return
        self.of.changes.append(f"{self.command} {self.path}")
        kind, _, status = self.of.fault.partition(" ")
        if kind.isdigit():
            self._answer(int(kind), b"{}")
            return
        if kind == "late":
            self.of.waiting.append(lambda: self._passed(body))
            return
        answer = self._passed(body)
        if kind == "twice":
            answer = self._passed(body)
        if kind == "then":
            self._answer(int(status), b"")
        elif kind != "cut":
            self._answer(*answer)

    do_DELETE = do_POST  # noqa: N815 - http.server's name

    def _passed(self, body: bytes) -> tuple[int, bytes]:
        to = urlsplit(self.of.target)
        onward = http.client.HTTPConnection(to.hostname or "", to.port, timeout=120)
        headers = {"Content-Type": "application/json"}
        onward.request(self.command, to.path + self.path, body, headers)
        found = onward.getresponse()
        answer = found.status, found.read()
        onward.close()
        return answer

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.of.target + self.path)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

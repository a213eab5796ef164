"""A proxy before an S3 server, which lets requests go wrong."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STORMS = ("500", "503", "cut", "lost", "stalled")
"""What a request ends in.  What is *lost* is done, and the answer never comes."""
_STALL = 2.0
"""Seconds for which nothing comes; more than the lake's files are waited for."""
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Storm:
    """Which requests go wrong: of those since ``begin``, number ``at``, or all from there on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.end()

    def begin(self, at: int = -1, what: str = "", lasting: bool = False) -> None:
        with self._lock:
            self.at, self.what, self.lasting = at, what, lasting
            self.seen: list[str] = []
            self.struck = 0
        self.over.clear()

    def end(self) -> None:
        """Let all requests pass, and those that are stalled end."""
        self.over.set()
        with self._lock:
            self.at, self.what, self.lasting, self.seen, self.struck = -1, "", False, [], 0

    def meets(self, request: str) -> str:
        """Return what *request* ends in, ``""`` if it is answered."""
        with self._lock:
            number = len(self.seen)
            self.seen.append(request)
            hit = self.at >= 0 and (number == self.at or (self.lasting and number > self.at))
            self.struck += hit
            return self.what if hit else ""


@contextmanager
def proxied(port: int, storm: Storm) -> Iterator[str]:
    """Yield the endpoint of a proxy before the server at *port*."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self._body()
            what = storm.meets(f"{self.command} {self.path}")
            if what in ("500", "503"):
                return self._answer(int(what), [], b"")
            if what == "stalled":
                storm.over.wait(_STALL)
            if what in ("cut", "stalled"):
                return self._cut()
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                server.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect", "transfer-encoding"):
                        server.putheader(name, value)
                if "Content-Length" not in self.headers and body:
                    server.putheader("Content-Length", str(len(body)))
                server.endheaders(body)
                answer = server.getresponse()
                content = answer.read()
            finally:
                server.close()
            if what == "lost":
                return self._cut()
            size = answer.getheader("Content-Length", "0")
            return self._answer(answer.status, answer.getheaders(), content, size)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815 - as is asked for

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content

        def _answer(self, status: int, headers: Any, content: bytes, size: str = "0") -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            # The answer to HEAD tells the size of what it does not send.
            self.send_header("Content-Length", str(len(content)) if content else size)
            self.end_headers()
            self.wfile.write(content)

        def _cut(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # the client went away

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        storm.end()
        server.shutdown()
        thread.join()
        server.server_close()

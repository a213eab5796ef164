"""An OAuth2 token endpoint with short-lived tokens, and a door that opens to them alone.

No catalog that can be had as a package lets tokens expire, so this stands in front of a real one:
it forwards what comes with a token that holds, and answers 401 to all else (RFC 6749, 4.4; RFC
6750, 3).
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import requests

_HOP = ("connection", "transfer-encoding", "content-encoding", "content-length", "host")


@dataclass
class Door:
    """What the endpoint gives out, and what the door has seen.

    ``lives`` is how many seconds a token holds; ``says`` what the endpoint says of that (None:
    nothing).  ``tokens`` are those given out with the moment each ends; ``holds`` decides about
    tokens of others, ``may`` what a token may see (the path, not decoded); ``seen`` are the tokens
    that came with requests.
    """

    target: str
    lives: float = 3600.0
    says: float | None = 3600.0
    down: bool = False
    tokens: dict[str, float] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    refused: int = 0
    holds: Callable[[str], bool] = lambda token: False
    may: Callable[[str, str], bool] = lambda token, path: True
    uri: str = ""

    @property
    def token_uri(self) -> str:
        return f"{self.uri}/tokens"

    def give(self) -> str:
        token = uuid.uuid4().hex
        self.tokens[token] = time.monotonic() + self.lives
        return token

    def opens_to(self, token: str) -> bool:
        return time.monotonic() < self.tokens.get(token, 0.0) or self.holds(token)

    def forget(self) -> None:
        """Let no token hold any longer, before its time."""
        for token in self.tokens:
            self.tokens[token] = 0.0


@contextmanager
def door(target: str) -> Iterator[Door]:
    """Yield a door in front of the catalog at *target*; the client is ``me`` with ``secret``."""
    made = Door(target)

    class Handler(_Handler):
        opened = made

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.uri = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    opened: Door

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/tokens":
            self._give(body)
            return
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        self.opened.seen.append(token)
        if scheme != "Bearer" or not self.opened.opens_to(token):
            self.opened.refused += 1
            self._send(401, b'{"error": {"message": "no", "type": "NoLogin", "code": 401}}')
            return
        if not self.opened.may(token, self.path):
            self._send(403, b'{"error": {"message": "no", "type": "Forbidden", "code": 403}}')
            return
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
        found = requests.request(
            self.command, self.opened.target + self.path, data=body, headers=headers, timeout=120
        )
        self._send(found.status_code, found.content)

    def _give(self, body: bytes) -> None:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        self.opened.forms.append(form)
        if self.opened.down:
            self._send(503, b"{}")
        elif (form.get("client_id"), form.get("client_secret")) != ("me", "secret"):
            self._send(401, b'{"error": "invalid_client"}')
        else:
            says = self.opened.says
            more = "" if says is None else f', "expires_in": {says}'
            token = self.opened.give()
            text = f'{{"access_token": "{token}", "token_type": "bearer"{more}}}'
            self._send(200, text.encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

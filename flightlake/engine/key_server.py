"""Keys that end, for the engine's stores: told over HTTP, to this process alone.

The engine's S3 store is built with keys, or with the address of a service that hands out keys for
a while, as containers on AWS have it; from there it asks again before they end, also in the
middle of a scan.  This is such a service, on a port of loopback, behind a secret that is as
private as its file.

Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
"""

import json
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from flightlake.errors import FlightlakeError
from flightlake.lake.vending import VendedKeys

_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105 - a variable's name
_BEFORE_IT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
"""What the engine would rather take than ask."""


class KeyServer:
    """Hands out keys to the engine of this process.  Thread-safe; listens from the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, VendedKeys] = {}
        self._server: ThreadingHTTPServer | None = None
        self._secret = secrets.token_urlsafe(32)
        self._secret_file = Path()

    def serve(self, keys: VendedKeys) -> None:
        """Hand out *keys* from now on under their name."""
        with self._lock:
            self._keys[keys.name] = keys
            if self._server is None:
                self._begin()

    def forget(self, name: str) -> None:
        """Hand out the keys of that name no longer."""
        with self._lock:
            self._keys.pop(name, None)

    @contextmanager
    def told(self, keys: VendedKeys) -> Iterator[None]:
        """While entered, a store that is made in this process asks here for *keys*.

        Only one thread may be in here, and what runs meanwhile sees the environment changed.
        """
        assert self._server is not None  # noqa: S101 - served before
        address = f"http://127.0.0.1:{self._server.server_port}/{keys.name}"
        hidden = {name: os.environ.pop(name) for name in _BEFORE_IT if name in os.environ}
        before = {name: os.environ.get(name) for name in (_URI, _TOKEN_FILE)}
        os.environ[_URI], os.environ[_TOKEN_FILE] = address, str(self._secret_file)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            os.environ.update(hidden)

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            shutil.rmtree(self._secret_file.parent, ignore_errors=True)

    def answer(self, path: str, shown: str | None) -> tuple[int, Mapping[str, str]]:
        """Return the status and body for a request for *path* with the secret *shown*.

        A failure is one that the engine does not try again for minutes.
        """
        if not secrets.compare_digest((shown or "").encode(), self._secret.encode()):
            return 403, {}
        with self._lock:
            keys = self._keys.get(path.removeprefix("/"))
        try:
            if keys is None:
                return 404, {}
            current = keys.current()
        except FlightlakeError:
            return 403, {}
        ends = current.ends_at.astimezone(UTC)
        return 200, {
            "AccessKeyId": current.access_key_id,
            "SecretAccessKey": current.secret_access_key,
            "Token": current.session_token,
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _begin(self) -> None:
        # Made with the first keys: most engines have none.
        self._secret_file = Path(tempfile.mkdtemp(prefix="flightlake-keys-"), "secret")
        self._secret_file.touch(0o600)
        self._secret_file.write_text(self._secret)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="keys", daemon=True)
        thread.start()
        self._server = server


def _handler(keys: KeyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = keys.answer(self.path, self.headers.get("Authorization"))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass  # the addresses are nobody's business

    return Handler

"""An S3 server whose session tokens end, and a REST catalog that hands them out.

versitygw knows no session tokens.  So what stands here in front of it holds each request against
its signature, of which the token is a part, refuses tokens that have ended as AWS does, and signs
the others anew without them.
"""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import SimpleNamespace
from typing import IO, Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import CommitTableRequest

from flightlake.clock import Clock
from tests.components import s3
from tests.fix_catalogs import Lake

_EXPIRED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"""

_BADLY_SIGNED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SignatureDoesNotMatch</Code><Message>It is not signed as it says.</Message></Error>"""

_DENIED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""


@dataclass
class Vended:
    """A store whose tokens each live for ``lives`` seconds, and the catalog in front of *lake*.

    ``asked`` are the tokens with the moment each ends, by ``clock``; ``used`` those that came
    with requests for files.  ``broken`` makes the catalog fail; ``tells`` lets it say when tokens
    end; ``bearers`` are the logins that loads came with.  ``read_only`` tokens let nobody write.
    """

    lake: Lake
    target: s3.Server
    clock: Clock
    lives: float = 3600.0
    tells: bool = True
    broken: bool = False
    read_only: bool = False
    asked: dict[str, float] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)
    refused: int = 0
    store_uri: str = ""
    uri: str = ""

    def give(self) -> dict[str, str]:
        """Return the properties of a store with a new token."""
        token = f"token-{len(self.asked)}"
        self.asked[token] = self.clock.monotonic() + self.lives
        more = {}
        if self.tells:
            ends = int((self.clock.now().timestamp() + self.lives) * 1000)
            more["s3.session-token-expires-at-ms"] = str(ends)
        return {
            "s3.endpoint": self.store_uri,
            "s3.region": "us-east-1",
            "s3.access-key-id": self.target.access_key,
            "s3.secret-access-key": self.target.secret_key,
            "s3.session-token": token,
            **more,
        }

    def holds(self, token: str) -> bool:
        return self.clock.monotonic() < self.asked.get(token, 0.0)

    def table(self, name: str) -> bytes | None:
        """Return the ``LoadTableResult`` of a table of the lake, with a new token."""
        try:
            table = self.lake.writer.load_table((self.lake.root, name))
        except NoSuchTableError:
            return None
        with table.io.new_input(table.metadata_location).open() as opened:
            metadata = json.loads(opened.read())
        return self._result(metadata, table.metadata_location)

    def staged(self, body: bytes) -> bytes:
        """Return the ``LoadTableResult`` of a table that is only prepared, with a new token."""
        asked = CreateTableRequest.model_validate({"location": None, **json.loads(body)})
        assert asked.stage_create
        assert asked.partition_spec is not None
        staged = self.lake.writer._create_staged_table(  # type: ignore[attr-defined]
            (self.lake.root, asked.name),
            asked.table_schema,
            asked.location,
            asked.partition_spec,
            properties=asked.properties,
        )
        return self._result(json.loads(staged.metadata.model_dump_json()), None)

    def committed(self, name: str, body: bytes) -> bytes:
        """Return the ``CommitTableResponse`` to the request *body*."""
        asked = CommitTableRequest.model_validate_json(body)
        table = SimpleNamespace(name=lambda: (self.lake.root, name))
        made = self.lake.writer.commit_table(table, asked.requirements, asked.updates)  # type: ignore[arg-type]
        return made.model_dump_json().encode()

    def _result(self, metadata: Any, location: str | None) -> bytes:
        credentials = [{"prefix": "s3://", "config": self.give()}]
        result = {"metadata-location": location, "metadata": metadata}
        return json.dumps({**result, "config": {}, "storage-credentials": credentials}).encode()


@contextmanager
def vended(lake: Lake, target: s3.Server, clock: Clock) -> Iterator[Vended]:
    """Yield a catalog with the tables of *lake*, whose files are in *target*."""
    made = Vended(lake, target, clock)
    with ExitStack() as stack:
        made.store_uri = stack.enter_context(_serving(type("Store", (_Store,), {"of": made})))
        made.uri = stack.enter_context(_serving(type("Catalog", (_Catalog,), {"of": made})))
        yield made


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Vended

    def reply(self, status: int, body: bytes, headers: Any = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length")
        known = length if self.command == "HEAD" and length else str(len(body))
        self.send_header("Content-Length", known)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    headers: list[tuple[str, str]]


def _signed(asked: BaseHTTPRequestHandler, target: s3.Server, token: str) -> bool:
    """Whether the request was signed with the keys of *target* and with *token*."""
    shown = re.search(r"SignedHeaders=([^,]+), ?Signature=(\w+)", asked.headers["Authorization"])
    if shown is None:
        return False
    wanted = {name: asked.headers[name] or "" for name in shown.group(1).split(";")}
    request = AWSRequest(asked.command, f"http://{asked.headers['Host']}{asked.path}", wanted)
    request.context["timestamp"] = asked.headers["x-amz-date"]
    signer = _signer(target, token)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return bool(signer.signature(text, request) == shown.group(2))


def _fetched(asked: BaseHTTPRequestHandler, target: s3.Server, body: bytes) -> _Answer:
    """Return what *target* answers, which is asked without a token."""
    ours = {"Host": f"127.0.0.1:{target.port}", "Content-Length": str(len(body))}
    for name in ("Range", "If-Match", "If-None-Match"):
        if asked.headers[name]:
            ours[name] = asked.headers[name]
    request = AWSRequest(asked.command, f"{target.endpoint}{asked.path}", ours, data=body)
    _signer(target, None).add_auth(request)
    onward = http.client.HTTPConnection("127.0.0.1", target.port, timeout=120)
    onward.putrequest(asked.command, asked.path, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        onward.putheader(name, value)
    onward.endheaders(body)
    found = onward.getresponse()
    answer = _Answer(found.status, found.read(), found.getheaders())
    onward.close()
    return answer


def _signer(target: s3.Server, token: str | None) -> S3SigV4Auth:
    return S3SigV4Auth(Credentials(target.access_key, target.secret_key, token), "s3", "us-east-1")


def _body(asked: BaseHTTPRequestHandler) -> bytes:
    """Return what was sent, without the chunks it came in."""
    if asked.headers["transfer-encoding"] == "chunked":
        body = b"".join(_chunks(asked.rfile))
        asked.rfile.readline()
    else:
        body = asked.rfile.read(int(asked.headers["content-length"] or 0))
    if asked.headers["content-encoding"] == "aws-chunked":
        return b"".join(_chunks(BytesIO(body)))
    return body


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while size := int(stream.readline().partition(b";")[0], 16):
        yield stream.read(size)
        stream.readline()


class _Store(_Quiet):
    def do_GET(self) -> None:
        body = _body(self)
        token = self.headers.get("x-amz-security-token") or ""
        self.of.used.append(token)
        if not self.of.holds(token):
            self.of.refused += 1
            self.reply(403, _EXPIRED, [("Content-Type", "application/xml")])
            return
        if not _signed(self, self.of.target, token):
            self.of.refused += 1
            self.reply(403, _BADLY_SIGNED, [("Content-Type", "application/xml")])
            return
        if self.of.read_only and self.command not in ("GET", "HEAD"):
            self.reply(403, _DENIED, [("Content-Type", "application/xml")])
            return
        found = _fetched(self, self.of.target, body)
        self.reply(found.status, found.body, found.headers)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names


class _Catalog(_Quiet):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/v1/config":
            self.reply(200, b'{"defaults": {}, "overrides": {}}')
        elif self.of.broken or "/tables/" not in path:
            self.reply(500, b'{"error": {"message": "broken", "type": "Broken", "code": 500}}')
        else:
            self.of.bearers.append(self.headers.get("Authorization") or "")
            found = self.of.table(path.rpartition("/")[2])
            if found is None:
                self.reply(404, b'{"error": {"message": "no", "type": "NoTable", "code": 404}}')
            else:
                self.reply(200, found)

    def do_POST(self) -> None:
        body = _body(self)
        if self.path.endswith("/tables"):
            self.reply(200, self.of.staged(body))
        else:
            self.reply(200, self.of.committed(self.path.rpartition("/")[2], body))

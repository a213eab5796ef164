"""Clients that speak no Flight, catalogs that do not answer, statements made to hurt."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import grpc
import pytest

from tests.e2e.conftest import Shop
from tests.fix_processes import DEADLINE, Server, configure
from tests.fix_raw_client import RawClient, basic, raw
from tests.fix_served_lake import catalogs

NOISE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500,
    b"\x16\x03\x01\xff\xff" + b"\0" * 300,
    b"\0",
)


def say(port: int, data: bytes, tls: bool = False, patience: float = 2) -> bytes:
    """Send *data* and return what comes back before the other side hangs up or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            with context.wrap_socket(connection) as secured:
                return _exchange(secured, data, patience)
        return _exchange(connection, data, patience)


def _exchange(connection: socket.socket, data: bytes, patience: float) -> bytes:
    with suppress(OSError):  # who does not like it may hang up before all was sent
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    connection.settimeout(patience)
    try:
        return connection.recv(4096)
    except OSError:
        return b""


def works(client: RawClient) -> None:
    assert client.read("SELECT 1 AS x").to_pydict() == {"x": [1]}


def test_noise_on_either_port_ends_nothing(shop: Shop, client: RawClient):
    for data in (*NOISE, os.urandom(3000)):
        say(shop.server.port, data)
        say(shop.server.port, data, tls=True)
        answer = say(shop.server.management, data)
        assert b"canary" not in answer
        assert b"Traceback" not in answer
        works(client)
    assert shop.server.probe("/livez")[0] == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"POST /metrics", b"405"),
        (b"GET /../../etc/passwd", b"404"),
        (b"GET /" + b"x" * 70_000, b"414"),
        (b"GET /metrics?name=x", b"200"),
        (b"HEAD /livez", b"200"),
    ],
    ids=lambda value: value[:20].decode(),
)
def test_the_management_port_answers_only_for_its_pages(shop: Shop, request_line, status):
    answer = say(shop.server.management, request_line + b" HTTP/1.0\r\n\r\n", patience=DEADLINE)
    assert answer.split()[1] == status


def test_connections_that_say_nothing_hold_nobody_up(shop: Shop, client: RawClient):
    silent = [socket.create_connection(("127.0.0.1", shop.server.port)) for _ in range(200)]
    try:
        works(client)
        with raw(shop.server) as late:
            works(late)
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.parametrize("size", [30_000, 100_000, 300_000])
def test_credentials_of_any_length_are_refused(client: RawClient, size: int):
    metadata = (("authorization", f"Basic {'A' * size}"),)
    code, message = client.refused(lambda: client.read("SELECT 1", metadata=metadata))
    assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED), message
    works(client)


def test_a_method_that_is_not_there_is_unimplemented(client: RawClient):
    for path in ("/arrow.flight.protocol.FlightService/Nope", "/no.Service/Method"):
        call = client.channel.unary_unary(path)
        code, _ = client.refused(lambda c=call: c(b"", metadata=client.metadata, timeout=10))
        assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT * FROM (" * 200 + "SELECT 1" + ")" * 200,
        "SELECT " + "CASE WHEN true THEN " * 300 + "1" + " END" * 300,
        "SELECT " + "+".join(["1"] * 20_000),
        "SELECT 1 IN (" + ",".join(["2"] * 200_000) + ")",
        "SELECT " + "-" * 1000 + "1",
        "SELECT '\0'",
        'SELECT 1 AS "\0"',
        "/*" * 10_000 + "SELECT 1",
        "SELECT 'x" + "'" * 10_000,
        "SELECT arrow_cast(1, '" + "List(" * 500 + "Int8" + ")" * 500 + "')",
        "SELECT $999999999",
        "SELECT * FROM " + ".".join(["a"] * 100),
    ],
    ids=lambda sql: repr(sql[:24]),
)
def test_statements_made_to_hurt_are_refused_and_hurt_nobody(shop: Shop, client, sql):
    before = cpu_seconds(shop.server)
    code, message = client.refused(lambda: client.read(sql))
    assert cpu_seconds(shop.server) - before < 20
    assert code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.NOT_FOUND,
    ), message
    assert "\n" not in message
    works(client)


def cpu_seconds(server: Server) -> float:
    """Return how long *server* has computed, however many others do at the same time."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def silent_catalog(**settings: str) -> Iterator[dict[str, object]]:
    """Yield the settings of a catalog that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield {"type": "rest", "uri": address, **settings}


def test_a_catalog_that_never_answers_holds_up_only_those_who_ask_for_it(shop: Shop, folder):
    with silent_catalog(timeout="10m") as hung, silent_catalog(timeout="2s") as brief:
        config = configure(
            folder, catalogs(shop.annex, hung=hung, brief=brief), {"limits": {"running": 4}}
        )
        with Server(config) as server, raw(server) as client:
            ended: list[tuple[grpc.StatusCode, str]] = []

            def ask(asking: RawClient, catalog: str) -> None:
                call = lambda: asking.read(f"SELECT * FROM {catalog}.a.b", timeout=600)  # noqa: E731
                ended.append(asking.refused(call))

            @contextmanager
            def three(asking: RawClient, catalog: str) -> Iterator[None]:
                threads = [Thread(target=ask, args=(asking, catalog)) for _ in range(3)]
                for thread in threads:
                    thread.start()
                yield
                for thread in threads:
                    thread.join()

            with raw(server) as other, three(other, "hung"):
                server.wait_for_running(3)
                assert client.read("SELECT count(*) AS n FROM annex.shop.orders").num_rows == 1
                assert ended == []
                other.close()  # who goes away leaves at once
            server.wait_for_running(0)
            assert [code for code, _ in ended] == [grpc.StatusCode.CANCELLED] * 3
            ended.clear()
            with three(client, "brief"):
                pass
            assert [code for code, _ in ended] == [grpc.StatusCode.UNAVAILABLE] * 3
            assert {message for _, message in ended} == {"catalog 'brief' does not answer"}
            # One who does not wait leaves at once.
            code, _ = client.refused(
                lambda: client.read("SELECT * FROM hung.a.b", metadata=basic(), timeout=0.5)
            )
            assert code is grpc.StatusCode.DEADLINE_EXCEEDED
            server.wait_for_running(0)

"""The management port, over real HTTP."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from flightlake.errors import PreconditionFailed
from flightlake.server.probes import ProbeServer
from tests.components.processes import free_port


class Process:
    """What the probes ask: problems, and metrics that may break."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.starting: list[str] = []
        self.page = b"flightlake_up 1\n"

    def metrics(self) -> tuple[bytes, str]:
        if not self.page:
            raise ZeroDivisionError("/secret")
        return self.page, "text/plain; version=0.0.4"


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def port(process: Process) -> Iterator[int]:
    server = ProbeServer(
        "127.0.0.1", 0, lambda: process.problems, process.metrics, lambda: process.starting
    )
    yield server.start()
    server.stop()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Type", "")
    finally:
        connection.close()


def test_a_process_that_answers_is_alive_whatever_its_problems(port, process):
    process.problems = ["the catalog does not answer"]
    assert ask(port, "/livez")[0] == 200


@pytest.mark.parametrize(("path", "name"), [("/readyz", "problems"), ("/startupz", "starting")])
def test_problems_make_it_unready_and_are_listed(port, process, path, name):
    assert ask(port, path)[:2] == (200, b"ok\n")
    setattr(process, name, ["the catalog 'lake' does not answer", "draining"])
    assert ask(port, path)[:2] == (503, b"the catalog 'lake' does not answer\ndraining\n")


def test_metrics_come_with_their_content_type(port):
    assert ask(port, "/metrics") == (200, b"flightlake_up 1\n", "text/plain; version=0.0.4")


def test_a_query_string_does_not_matter(port):
    assert ask(port, "/livez?verbose=1")[0] == 200


def test_head_has_no_body(port):
    assert ask(port, "/metrics", "HEAD")[:2] == (200, b"")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../etc/passwd", "/readyz%00"])
def test_other_paths_are_not_found(port, path):
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_refused(port, method):
    assert ask(port, "/livez", method)[0] == 405


def test_a_page_that_fails_says_nothing_of_why(port, process):
    process.page = b""
    status, body, _ = ask(port, "/metrics")
    assert (status, body) == (500, b"internal error\n")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"\x00" * 70000,
    ],
    ids=["a TLS hello", "no path", "a later HTTP", "an endless line"],
)
def test_garbage_is_answered_or_dropped_and_the_next_client_served(port, garbage):
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        with suppress(OSError):  # it may hang up before all was sent
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:
            answer = b""
        assert b"Traceback" not in answer
    assert ask(port, "/livez")[0] == 200


def test_clients_that_say_nothing_do_not_keep_others_waiting(port):
    silent = [socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(10)]
    assert ask(port, "/livez")[0] == 200
    for connection in silent:
        connection.close()


def test_more_clients_than_places_are_turned_away(port):
    silent = [socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(32)]
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(port, "/livez")
    for connection in silent:
        connection.close()


def test_a_port_that_is_taken_stops_the_start(port, process):
    with pytest.raises(PreconditionFailed, match=f"127.0.0.1 port {port}"):
        ProbeServer("127.0.0.1", port, list, process.metrics).start()


def test_stopping_twice_is_stopping_once(process):
    server = ProbeServer("127.0.0.1", free_port(), list, process.metrics)
    port = server.start()
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/livez")


def test_it_listens_on_ipv6_too(process):
    server = ProbeServer("::1", 0, list, process.metrics)
    try:
        port = server.start()
    except PreconditionFailed:
        pytest.skip("this machine has no IPv6")
    with socket.create_connection(("::1", port), timeout=120):
        server.stop()

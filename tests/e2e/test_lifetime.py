"""From the ready line to the last client: starting, draining, being killed."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from tests.e2e.conftest import Shop
from tests.fix_adbc import adbc, rows
from tests.fix_catalogs import Lake
from tests.fix_processes import Server, configure, settled
from tests.fix_raw_client import raw
from tests.fix_served_lake import NUMBERS, catalogs

ENDLESS = "SELECT a.n, b.noise FROM shop.numbers a CROSS JOIN shop.numbers b"
DOWN = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def config(folder: Path, lakes: tuple[Lake, Lake]) -> Path:
    return configure(folder, catalogs(lakes[0]), {"session": {"catalog": "lake"}})


def test_one_line_says_that_it_is_ready_and_the_probes_agree(config: Path):
    with Server(config) as server, raw(server) as client:
        for page in ("/livez", "/readyz", "/startupz"):
            assert server.probe(page)[0] == 200
        assert "flightlake_build_info" in server.probe("/metrics")[1]
        assert client.health() == "SERVING"
        assert client.read("SELECT 1 AS x").to_pydict() == {"x": [1]}
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert re.fullmatch(r"ready grpc\+tls://127\.0\.0\.1:\d+\n", server.output)


LONG = {"FLIGHTLAKE__SERVER__DRAIN_TIMEOUT": "10m"}
"""A drain that no test waits for."""


def test_sigterm_serves_what_was_promised_and_refuses_what_is_new(config: Path):
    with Server(config, LONG) as server, raw(server) as client:
        tickets = [client.ticket("SELECT count(*) AS n FROM shop.numbers") for _ in range(2)]
        prepared = client.prepare("SELECT 1").prepared_statement_handle
        stream = client.stream("DoGet", client.ticket("SELECT n, noise FROM shop.numbers"))
        next(stream)
        server.signal(signal.SIGTERM)
        settled(lambda: client.health() == "NOT_SERVING", "health says NOT_SERVING")
        status, said = server.probe("/readyz")
        assert (status, "draining" in said) == (503, True)
        assert server.probe("/livez")[0] == 200
        for refused in (
            lambda: client.info("SELECT 1"),
            lambda: client.prepare("SELECT 1"),
            lambda: client.bind(prepared, _no_rows()),
        ):
            code, message = client.refused(refused)
            assert (code, "shutting down" in message) == (DOWN, True)
        for ticket in tickets:
            assert client.get(ticket)["n"].to_pylist() == [NUMBERS]
        assert len(list(stream)) > 2
        assert server.wait() == 0
        assert server.output.count("\n") == 1


def test_a_ticket_is_waited_for_when_nothing_else_happens(config: Path):
    for _ in range(20):
        with Server(config) as server, raw(server) as client:
            began = time.monotonic()
            ticket = client.ticket("SELECT 1 AS x")
            server.signal(signal.SIGTERM)
            # Longer than a quiet server needs to end, and within the promise of five seconds.
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(1.5)
            with suppress(grpc.RpcError):
                assert client.get(ticket).to_pydict() == {"x": [1]}
                assert server.wait() == 0
                return
            # On a busy machine the five seconds may be over before the client comes.
            assert time.monotonic() - began > 5
    raise AssertionError("no ticket of twenty was waited for")


def test_a_second_signal_ends_at_once(config: Path):
    with Server(config, LONG) as server, raw(server) as client:
        stream = client.stream("DoGet", client.ticket(ENDLESS))
        next(stream)
        server.signal(signal.SIGTERM)
        settled(lambda: client.health() == "NOT_SERVING", "health says NOT_SERVING")
        assert server.process.poll() is None
        server.signal(signal.SIGTERM)
        assert server.wait() == 1  # long before the drain would end
        code, _ = client.refused(lambda: list(stream))
        assert code in (DOWN, grpc.StatusCode.CANCELLED)


def test_the_drain_ends_after_its_time(folder: Path, lakes: tuple[Lake, Lake]):
    config = configure(folder, catalogs(lakes[0]), {"server": {"drain_timeout": "1s"}})
    with Server(config) as server, raw(server) as client:
        stream = client.stream("DoGet", client.ticket(ENDLESS.replace("shop", "lake.shop")))
        next(stream)
        server.signal(signal.SIGTERM)
        assert server.wait() == 1
        assert server.events("internal failure") == []


def test_a_signal_that_comes_with_the_ready_line_is_not_lost(config: Path):
    with Server(config) as server:
        server.signal(signal.SIGINT)
        assert server.wait() == 0


def test_a_killed_server_leaves_nothing_to_repair(config: Path):
    """SIGKILL while it starts, while it runs statements that spill, and while it idles."""
    for seconds in (0.3, 0.9, 1.5):
        with Server(config, ready=False) as server:
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(seconds)
            server.process.kill()
    small = {"FLIGHTLAKE__LIMITS__MEMORY": "48MiB"}
    token = None
    for _ in range(2):
        with Server(config, small) as server, raw(server) as client:
            if token is not None:  # its key has survived
                with adbc(server, username="token", password=token) as connection:
                    assert rows(connection, "SELECT 1") == [(1,)]
            token = client.login()
            assert client.read("SELECT 1 AS x").to_pydict() == {"x": [1]}
            ticket = client.ticket("SELECT * FROM shop.many ORDER BY noise")
            stream = client.stream("DoGet", ticket)  # which nobody reads
            settled(lambda: _spilled(server), "it spills")
            server.process.kill()
            assert client.refused(lambda s=stream: list(s))[0] is DOWN
    with Server(config) as server, raw(server) as client:
        (only,) = (server.state / "spill").iterdir()
        assert [path.name for path in only.iterdir()] == ["lock"]
        assert client.read("SELECT count(*) AS n FROM shop.numbers")["n"].to_pylist() == [NUMBERS]
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert list((server.state / "spill").iterdir()) == []


def _spilled(server: Server) -> bool:
    return any(
        path.is_file() and path.name != "lock" for path in (server.state / "spill").rglob("*")
    )


def test_an_address_in_use_is_told_in_one_line(config: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Server(config, {"FLIGHTLAKE__SERVER__PORT": str(port)}, ready=False) as server:
            assert server.wait() == 1
            assert server.output == ""
            assert re.fullmatch(rf"flightlake: .*127\.0\.0\.1:{port}.*\n", server.said())


def test_a_wrong_setting_stops_the_start_with_all_problems(config: Path):
    text = config.read_text() + '\n["limit"]\n"running" = 1\n'
    config.write_text(text.replace('"port" = 0', '"prot" = 0'))
    with Server(config, ready=False) as server:
        assert server.wait() == 2
        assert server.output == ""
        lines = server.said().splitlines()
        assert len(lines) == 2
        assert all(line.startswith("flightlake: ") for line in lines)
        assert "limits" in server.said()
        assert "prot" in server.said()
    checked = subprocess.run(
        [sys.executable, "-m", "flightlake", "check-config", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr.splitlines()) == (2, lines)


def test_the_log_is_one_line_of_json_for_each_statement(config: Path):
    trace = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    with Server(config) as server, raw(server) as client:
        client.read("SELECT count(*) AS n FROM shop.orders", metadata=(*client.metadata, trace))
        client.refused(lambda: client.read("SELECT nope", metadata=(*client.metadata, trace)))
        client.refused(lambda: client.read("SELECT * FROM shop.missing_file"))
        settled(lambda: len(server.events("statement")) == 3, "three lines")
        good, wrong, damaged = server.events("statement")
        assert {
            name: good[name] for name in ("user", "kind", "status", "rows", "level", "trace_id")
        } == {
            "user": "ada",
            "kind": "select",
            "status": "OK",
            "rows": 1,
            "level": "INFO",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        }
        for field in (
            "time",
            "session",
            "query_id",
            "bytes",
            "queue_ms",
            "planning_ms",
            "total_ms",
        ):
            assert good[field] is not None
        assert good["total_ms"] >= good["planning_ms"] >= 0
        assert (wrong["status"], wrong["trace_id"]) == ("INVALID_ARGUMENT", good["trace_id"])
        assert "nope" in wrong["error"]
        assert damaged["status"] == "DATA_LOSS"
        assert "sql" not in json.dumps([good, wrong, damaged])
        assert "SELECT" not in server.said()
        settled(
            lambda: server.metric("queries_total", status="OK", kind="select") == 1, "it is counted"
        )
        settled(lambda: server.metric("rows_sent_total") == 1, "its row is counted")


def test_the_text_of_statements_is_logged_where_it_is_wanted(config: Path):
    with Server(config, {"FLIGHTLAKE__LOGGING__SQL_TEXT": "true"}) as server, raw(server) as client:
        client.read("SELECT 'told'")
        settled(lambda: server.events("statement"), "a line")
        assert server.events("statement")[0]["sql"] == "SELECT 'told'"


def test_a_state_directory_that_cannot_be_used_is_told_in_one_line(config: Path, shop: Shop):
    state = config.with_name("state")
    state.write_text("a file")
    with Server(config, ready=False) as server:
        assert server.wait() == 2
        assert len(server.said().splitlines()) == 1
        assert "state" in server.said()


def _no_rows():
    import pyarrow as pa

    return pa.table({"a": [1]})

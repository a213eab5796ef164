"""What a server gives to statements at most, and that it gets all of it back."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.fix_catalogs import Lake
from tests.fix_processes import Server, configure, settled
from tests.fix_raw_client import RawClient, descriptor, raw
from tests.fix_served_lake import MANY, catalogs

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
LATE = grpc.StatusCode.DEADLINE_EXCEEDED
PAIRS = "shop.numbers a CROSS JOIN shop.numbers b"
ENDLESS = f"SELECT a.n, b.noise FROM {PAIRS}"
SILENT = f"SELECT count(*) FROM {PAIRS} WHERE a.n * b.n = -1"
"""Runs for minutes before its first row."""


class Busy:
    """A statement that has a slot, and keeps it until it is told to end.

    Rows are read as they come: one who does not read would let others run after two seconds.
    """

    def __init__(self, client: RawClient, sql: str = SILENT) -> None:
        self.stream = client.stream("DoGet", client.ticket(sql), timeout=600)
        next(self.stream)  # the schema
        self._reader = threading.Thread(target=self._read)
        if sql == ENDLESS:
            next(self.stream)
            self._reader.start()

    def _read(self) -> None:
        with suppress(grpc.RpcError):
            for _ in self.stream:
                pass

    def end(self) -> None:
        self.stream.cancel()
        self.ended()

    def ended(self) -> None:
        """Wait until nobody reads any more."""
        if self._reader.ident is not None:
            self._reader.join()


def limited(
    lakes: tuple[Lake, Lake], temporary: pytest.TempPathFactory, **limits: object
) -> Iterator[Server]:
    settings = {"session": {"catalog": "lake"}, "limits": {"running": 1, "threads": 2, **limits}}
    with Server(configure(temporary.mktemp("canary"), catalogs(lakes[0]), settings)) as server:
        yield server
        assert server.events("internal failure") == []
        settled(lambda: server.metric("queries_running") == 0, "all slots are free")


@pytest.fixture(scope="module")
def narrow(lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one slot, one place to wait, and little memory."""
    limits = {"queued": 1, "queue_timeout": "5m", "statement_bytes": 2000, "memory": "64MiB"}
    yield from limited(lakes, tmp_path_factory, **limits)


@pytest.fixture(scope="module")
def impatient(
    lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with one slot, for which nobody waits longer than a second."""
    yield from limited(lakes, tmp_path_factory, queue_timeout="1s")


@pytest.fixture(scope="module")
def roomy(lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one slot, and places to wait for all that a test begins."""
    yield from limited(lakes, tmp_path_factory, queued=8, queue_timeout="5m")


@pytest.fixture(scope="module")
def hasty(lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one slot and two seconds for each statement."""
    yield from limited(lakes, tmp_path_factory, statement_timeout="2s")


@pytest.fixture
def client(narrow: Server) -> Iterator[RawClient]:
    with raw(narrow) as made:
        yield made
    narrow.wait_for_running(0)


def works(client: RawClient) -> None:
    assert client.read("SELECT 1 AS x").to_pydict() == {"x": [1]}


def test_one_runs_one_waits_the_third_is_refused(narrow: Server, client: RawClient):
    ticket = client.ticket("SELECT 2 AS x")
    busy = Busy(client)
    with ThreadPoolExecutor() as threads:
        second = threads.submit(client.get, ticket)
        settled(lambda: narrow.metric("queries_queued") == 1, "one waits")
        code, message = client.refused(lambda: client.info("SELECT 3"))
        assert (code, "1 statements are running and 1 waiting" in message) == (EXHAUSTED, True)
        busy.end()
        assert second.result().to_pydict() == {"x": [2]}
    works(client)


def test_who_waits_too_long_is_refused(impatient: Server):
    with raw(impatient) as client:
        busy = Busy(client)
        code, message = client.refused(lambda: client.info("SELECT 1"))
        assert (code, "within 1 s" in message) == (EXHAUSTED, True)
        busy.end()
        impatient.wait_for_running(0)
        works(client)


def test_who_leaves_the_queue_leaves_no_trace(narrow: Server, client: RawClient):
    busy = Busy(client)
    code, _ = client.refused(lambda: client.info("SELECT 1", timeout=0.3))
    assert code is LATE
    settled(lambda: narrow.metric("queries_queued") == 0, "nobody waits")
    busy.end()
    works(client)


@pytest.mark.parametrize("sql", [ENDLESS, SILENT], ids=["streaming", "silent"])
def test_a_statement_that_takes_too_long_ends_and_frees_its_slot(hasty: Server, sql):
    with raw(hasty) as client:
        code, message = client.refused(lambda: client.get(client.ticket(sql)))
        assert (code, "limits.statement_timeout" in message) == (LATE, True)
        hasty.wait_for_running(0)
        settled(lambda: in_time(lambda: works(client)), "the slot is free")


def in_time(call: Callable[[], object]) -> bool:
    """Whether *call* had its answer in the two seconds that it has, on a busy machine."""
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() is LATE  # noqa: PT017 - anything else is wrong
        return False
    return True


def test_a_reader_that_stops_is_ended_and_does_not_make_the_server_grow(hasty: Server):
    with raw(hasty) as client:
        tickets: list[bytes] = []
        settled(lambda: in_time(lambda: tickets.append(client.ticket(ENDLESS))), "a ticket")
        ended = hasty.metric("queries_total", status="DEADLINE_EXCEEDED")
        before = memory(hasty)
        stream = client.stream("DoGet", tickets[0])  # which nobody reads
        settled(
            lambda: hasty.metric("queries_total", status="DEADLINE_EXCEEDED") > ended, "its end"
        )
        hasty.wait_for_running(0)
        assert memory(hasty) - before < 200 << 20
        settled(lambda: in_time(lambda: works(client)), "the slot is free")
        stream.cancel()


def test_a_statement_that_is_too_long_is_refused(client: RawClient):
    code, message = client.refused(lambda: client.info(f"SELECT '{'x' * 2000}'"))
    assert (code, "2009 bytes" in message) == (grpc.StatusCode.INVALID_ARGUMENT, True), message
    assert client.read(f"SELECT '{'x' * 1986}' AS x").num_rows == 1


def test_a_sort_beyond_the_memory_spills(narrow: Server, client: RawClient):
    def spilled() -> bool:
        files = (narrow.state / "spill").rglob("*")
        return any(path.is_file() and path.name != "lock" for path in files)

    stream = client.stream("DoGet", client.ticket("SELECT noise FROM shop.many ORDER BY noise"))
    settled(spilled, "it spills")
    stream.cancel()
    settled(lambda: not spilled(), "the spilled files are gone")
    sql = "SELECT noise FROM (SELECT noise FROM shop.many ORDER BY noise LIMIT 2000000)"
    assert client.read(f"SELECT count(*) AS n FROM ({sql})")["n"].to_pylist() == [MANY]


def test_a_join_beyond_the_memory_is_refused(client: RawClient):
    sql = "SELECT count(*) FROM shop.many a JOIN shop.many b ON a.noise = b.noise AND a.n <> b.n"
    code, message = client.refused(lambda: client.read(sql))
    assert (code, "limits.memory" in message) == (EXHAUSTED, True)
    works(client)


def test_an_aggregate_beyond_the_memory_spills(client: RawClient):
    sql = "SELECT count(*) AS n FROM (SELECT DISTINCT n, noise FROM shop.many)"
    assert client.read(sql)["n"].to_pylist() == [MANY]


def test_who_goes_away_while_rows_come_frees_the_slot(narrow: Server, client: RawClient):
    for _ in range(3):
        busy = Busy(client, ENDLESS)
        narrow.wait_for_running(1)
        busy.end()
        narrow.wait_for_running(0)


def test_who_goes_away_before_the_first_row_frees_the_slot(narrow: Server, client: RawClient):
    busy = Busy(client, SILENT)
    narrow.wait_for_running(1)
    busy.end()
    narrow.wait_for_running(0)
    works(client)


def test_a_connection_that_breaks_frees_the_slot(narrow: Server):
    with raw(narrow) as other:
        busy = Busy(other, ENDLESS)
        narrow.wait_for_running(1)
        assert busy.stream.is_active()
    busy.ended()
    narrow.wait_for_running(0)


@pytest.mark.parametrize("how", ["cancel", "deadline"])
def test_who_goes_away_during_planning_frees_the_slot(roomy: Server, how):
    """What was sent may come, and begin, after its client has gone: there is a place for all."""
    joins = " ".join(f"JOIN shop.numbers b{i} ON a.n = b{i}.n" for i in range(25))
    sql = f"SELECT {' + '.join(['a.n'] * 100)} AS x FROM shop.numbers a {joins}"
    with raw(roomy) as client:
        works(client)
        call = client.channel.unary_unary("/arrow.flight.protocol.FlightService/GetFlightInfo")
        for _ in range(3):
            future = call.future(
                descriptor(sql),
                metadata=client.metadata,
                timeout=0.005 if how == "deadline" else 600,
            )
            if how == "cancel":
                future.cancel()
            assert future.code() in (grpc.StatusCode.CANCELLED, LATE, grpc.StatusCode.OK)
        works(client)
        roomy.wait_for_running(0)


def memory(server: Server) -> int:
    """Return the bytes of memory that the process has."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


def test_messages_stay_below_4_mib_however_wide_the_rows_are(shop: Any):
    with raw(shop.server) as client:
        for sql in (
            "SELECT n, noise, noise AS again FROM shop.numbers LIMIT 300000",
            "SELECT repeat(noise, 20000) AS wide FROM shop.numbers LIMIT 30",  # a megabyte each
            "SELECT repeat('x', 3000000) AS wide FROM shop.numbers LIMIT 5",
            "SELECT " + ", ".join(f"n + {i} AS c{i}" for i in range(400)) + " FROM shop.orders, "
            "shop.numbers WHERE n < 2000",
        ):
            sizes = [len(data) for data in client.stream("DoGet", client.ticket(sql))]
            assert max(sizes) <= 4 << 20, sql
            assert len(sizes) > 2


def test_many_clients_at_once_are_all_answered(shop: Any):
    failures: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            with raw(shop.server) as client:
                for _ in range(5):
                    found = client.read(f"SELECT id + {number} AS x FROM shop.orders WHERE id = 1")
                    assert found["x"].to_pylist() == [number + 1]
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

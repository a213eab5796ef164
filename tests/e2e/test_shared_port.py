"""Two processes on one port: what one gave, the other honours."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightlake._proto import Flight_pb2
from flightlake._proto import FlightSql_pb2 as pb
from tests.components.processes import free_port
from tests.fix_catalogs import Lake
from tests.fix_processes import Server, configure, settled
from tests.fix_raw_client import RawClient, bearer
from tests.fix_served_lake import catalogs

HANDLE = pb.CommandPreparedStatementQuery


class Pair:
    """Two processes that share port and state, and a connection to each."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.first, self.second = (self._connection_to(index) for index in (0, 1))

    def _connection_to(self, index: int) -> RawClient:
        """Connect until the process that is wanted has answered: the kernel chooses."""
        for _ in range(200):
            client = RawClient(self.servers[index])
            if self.answering(client) == index:
                return client
            client.close()
        raise AssertionError("all connections went to the other process")

    def answering(self, client: RawClient) -> int:
        """Return which process *client* is connected to."""
        before = self.answered()
        client.read("SELECT 1")  # two calls, each counted some time after its answer
        settled(lambda: sum(self.answered()) == sum(before) + 2, "two calls are counted")
        more = [b - a for a, b in zip(before, self.answered(), strict=True)]
        assert sorted(more) == [0, 2]
        return more.index(2)

    def answered(self) -> list[float]:
        return [server.metric("rpc_requests_total") for server in self.servers]

    def close(self) -> None:
        for client in (self.first, self.second):
            client.close()


@pytest.fixture(scope="module")
def pair(lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("canary-pair")
    shared = (
        catalogs(*lakes),
        {"server": {"port": free_port(), "reuse_port": True}, "session": {"catalog": "lake"}},
    )
    configs = [configure(folder, *shared, name=f"{name}.toml") for name in ("first", "second")]
    # Both at once, on a state directory that is not there yet.
    with Server(configs[0], ready=False) as first, Server(configs[1], ready=False) as second:
        for server in (first, second):
            server.wait_until_ready()
        assert first.location == second.location
        made = Pair([first, second])
        yield made
        made.close()


def test_each_connection_is_to_a_process_of_its_own(pair: Pair):
    assert [pair.answering(client) for client in (pair.first, pair.second)] == [0, 1]


def test_a_ticket_of_one_is_served_by_the_other(pair: Pair):
    for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
        ticket = one.ticket("SELECT item FROM shop.orders WHERE id = 2")
        assert other.get(ticket)["item"].to_pylist() == ["bread"]


def test_a_prepared_statement_of_one_runs_on_the_other(pair: Pair):
    prepared = pair.first.prepare("SELECT item FROM shop.orders WHERE id = ?")
    bound = pair.second.bind(prepared.prepared_statement_handle, pa.table({"x": [3]}))
    ticket = pair.first.ticket(HANDLE(prepared_statement_handle=bound))
    assert pair.second.get(ticket)["item"].to_pylist() == ["cheese"]


def test_a_token_of_one_lets_into_the_other(pair: Pair):
    for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
        token = bearer(one.login())
        assert other.read("SELECT 1 AS x", metadata=token).to_pydict() == {"x": [1]}


def test_the_options_of_a_session_travel(pair: Pair):
    options = {
        name: Flight_pb2.SessionOptionValue(string_value=value)
        for name, value in (("catalog", "annex"), ("schema", "shop"))
    }
    body = Flight_pb2.SetSessionOptionsRequest(session_options=options).SerializeToString()
    request = Flight_pb2.Action(type="SetSessionOptions", body=body).SerializeToString()
    call = pair.first.stream("DoAction", request, metadata=bearer(pair.first.login()))
    token = dict(call.initial_metadata())["authorization"]
    list(call)
    metadata = (("authorization", token),)
    (answer,) = pair.second.action("GetSessionOptions", metadata=metadata)
    found = Flight_pb2.GetSessionOptionsResult.FromString(answer).session_options
    assert {name: value.string_value for name, value in found.items()} == {
        "catalog": "annex",
        "schema": "shop",
    }
    sql = "SELECT count(*) AS n FROM orders"
    assert pair.second.read(sql, metadata=metadata)["n"].to_pylist() == [4]


def test_a_ticket_of_a_process_that_is_gone_is_served_by_the_one_that_is_left(pair: Pair):
    """Last: it ends the first process."""
    ticket = pair.first.ticket("SELECT item FROM shop.orders WHERE id = 1")
    prepared = pair.first.prepare("SELECT 7 AS x").prepared_statement_handle
    token = bearer(pair.first.login())
    pair.servers[0].kill()
    late = RawClient(pair.servers[1], metadata=token)
    assert late.get(ticket)["item"].to_pylist() == ["ale"]
    assert late.read(HANDLE(prepared_statement_handle=prepared)).to_pydict() == {"x": [7]}
    late.close()

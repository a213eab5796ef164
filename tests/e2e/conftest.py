"""One server for all tests that only ask it things; tests that change a server start their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.components.processes import free_port
from tests.fix_catalogs import Lake
from tests.fix_processes import Server, configure
from tests.fix_project import project_run, project_server, works
from tests.fix_raw_client import RawClient, raw
from tests.fix_served_lake import ORDERS, catalogs, fill, lake_at, spoil

__all__ = ["project_run", "project_server", "works"]

CANARIES = {
    "token": "canary-catalog-token",
    "credential": "client:canary-catalog-secret",
    "s3.access-key-id": "canary-s3-key",
    "s3.secret-access-key": "canary-s3-secret",
}
POSTGRESQL = "postgresql+psycopg2://lake:canary-database-password@127.0.0.1:{port}/lake"


TELLTALE = re.compile(
    r"canary|Traceback|/tmp|site-packages|\.py\b|\.parquet|\.avro|\.json|file://|sqlite|psycopg"
    r"|https?://|line \d+ in|datafusion\.|Errno|<class|0x[0-9a-f]{6}",
    re.IGNORECASE,
)


def one_sentence(message: str) -> None:
    assert message
    assert "\n" not in message
    assert len(message) < 700, message
    assert not TELLTALE.search(message), message


@dataclass(frozen=True)
class Shop:
    """A server of ``lake`` and ``annex``, which can be read, and ``gone`` and ``lost``, which
    do not answer."""

    server: Server
    lake: Lake
    annex: Lake


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Lake]:
    """The lakes ``lake`` and ``annex``, for tests that only read them."""
    folder = tmp_path_factory.mktemp("canary-lakes")
    lake, annex = lake_at(folder / "lake"), lake_at(folder / "annex", "annex")
    fill(lake)
    spoil(lake)
    annex.create("orders", ORDERS.schema).append(ORDERS)
    return lake, annex


@pytest.fixture(scope="session")
def shop(lakes: tuple[Lake, Lake], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The server that tests share; they leave it as it was."""
    config = configure(
        tmp_path_factory.mktemp("canary-server"),
        catalogs(
            *lakes,
            gone={
                "type": "rest",
                "uri": f"http://127.0.0.1:{free_port()}",
                "timeout": "2s",
                "properties": CANARIES,
            },
            lost={
                "type": "sql",
                "uri": POSTGRESQL.format(port=free_port()),
                "warehouse": "file:///canary-warehouse",
                "timeout": "2s",
                "properties": CANARIES,
            },
        ),
        {"session": {"catalog": "lake"}, "logging": {"level": "DEBUG"}},
    )
    with Server(config) as server:
        yield Shop(server, *lakes)
        # Whatever was asked of it meanwhile:
        assert secrets_in(server) == []
        assert server.events("internal failure") == []


def secrets_in(server: Server) -> list[str]:
    """Return what the log, the metrics or the output of *server* tell and must not."""
    told = (server.said(), server.probe("/metrics")[1], server.output)
    return sorted({found for text in told for found in re.findall(r"canary[\w-]*", text)})


@pytest.fixture
def client(shop: Shop) -> Iterator[RawClient]:
    """A connection to the shared server, by hand."""
    with raw(shop.server) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a server of the test's own lives."""
    return tmp_path / "canary-own"

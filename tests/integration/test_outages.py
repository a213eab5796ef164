"""Catalogs that are down, silent, broken or wrong: an answer in time, and back by themselves."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest

from flightlake.errors import FlightlakeError, InternalError, NotReady, Unsupported
from flightlake.lake.catalogs import Catalog, open_catalog
from tests.components import iceberg_rest, postgresql
from tests.components.processes import free_port
from tests.fix_catalogs import ORDERS, rest_lake, sqlite_lake, started
from tests.fix_http import http_answers
from tests.fix_patience import within

SHORT = timedelta(milliseconds=500)
LONG = timedelta(minutes=2)
"""For what is to succeed, however busy the machine is."""
SLACK = 3.0
"""Seconds that may be added to a timeout."""


def uri_of(kind: str, port: int) -> dict[str, str]:
    if kind == "rest":
        return {"uri": f"http://127.0.0.1:{port}/secret-part"}
    return {"uri": f"postgresql://me:secret-part@127.0.0.1:{port}/lake"}


def failure(catalog: Catalog) -> FlightlakeError:
    """Return what every call to *catalog* ends with; it is the same for all."""
    errors: list[FlightlakeError] = []
    for call in (
        catalog.db_schemas,
        lambda: catalog.tables("bronze"),
        lambda: catalog.load("bronze", "orders"),
    ):
        with pytest.raises(FlightlakeError) as error:
            call()
        errors.append(error.value)
    assert len({(type(error), error.message) for error in errors}) == 1
    return errors[0]


def comes_back(catalog: Catalog) -> bool:
    """Whether *catalog*, which has no schemas, answers after a while."""
    deadline = time.monotonic() + LONG.total_seconds()
    while True:
        try:
            return catalog.db_schemas() == []
        except NotReady:
            if time.monotonic() > deadline:
                return False


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port where connections are accepted, and never answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


@pytest.mark.parametrize("kind", ["rest", "sql"])
def test_a_catalog_that_is_down_can_be_opened_and_is_not_ready(kind: str) -> None:
    catalog = open_catalog("lake", kind, uri_of(kind, free_port()), SHORT)
    error = failure(catalog)
    assert isinstance(error, NotReady)
    assert error.message == "catalog 'lake' does not answer"


@pytest.mark.parametrize("kind", ["rest", "sql"])
def test_a_catalog_that_is_silent_is_not_ready_in_time(kind: str) -> None:
    with silent_port() as port:
        catalog = open_catalog("lake", kind, uri_of(kind, port), SHORT)
        error = within(3 * SHORT.total_seconds() + SLACK, lambda: failure(catalog))
    assert isinstance(error, NotReady)
    assert error.message == "catalog 'lake' does not answer"


def test_a_database_that_is_not_there_is_not_ready_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "secret-part.db"
    catalog = open_catalog("lake", "sql", {"uri": f"sqlite:///{path}"}, SHORT)
    assert isinstance(failure(catalog), NotReady)
    assert not path.exists()


def test_a_database_that_appears_later_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    properties = {"uri": f"sqlite:///{folder}/catalog.db"}
    early = open_catalog("lake", "sql", properties, LONG)
    assert isinstance(failure(early), NotReady)
    folder.mkdir()
    lake = sqlite_lake(folder)
    again = open_catalog(lake.name, "sql", properties, LONG)
    assert again.db_schemas() == [lake.root]
    assert early.db_schemas() == []  # the rows belong to a catalog of another name


@pytest.mark.component("iceberg-rest")
def test_a_rest_catalog_comes_back_by_itself() -> None:
    port = free_port()
    catalog = open_catalog(
        "lake", "rest", {"uri": f"http://127.0.0.1:{port}"}, timedelta(seconds=5)
    )
    assert isinstance(failure(catalog), NotReady)
    for _ in range(2):
        server: iceberg_rest.Server = started(iceberg_rest, lambda: iceberg_rest.launch(port))
        assert comes_back(catalog)
        server.process.stop()
        assert isinstance(failure(catalog), NotReady)


@pytest.mark.component("iceberg-rest")
def test_a_rest_catalog_that_hangs_comes_back_by_itself() -> None:
    server: iceberg_rest.Server = started(iceberg_rest, iceberg_rest.launch)
    catalog = open_catalog("lake", "rest", {"uri": server.uri}, timedelta(seconds=1))
    assert comes_back(catalog)
    server.process.pause()
    assert isinstance(failure(catalog), NotReady)
    server.process.resume()
    assert comes_back(catalog)
    server.process.stop()


@pytest.mark.component("iceberg-rest")
def test_a_rest_catalog_is_read_with_client_credentials(tmp_path: Path) -> None:
    lake = rest_lake()
    lake.create("orders")
    with_login = {**lake.properties, "credential": "client:secret"}
    catalog = open_catalog(lake.name, "rest", with_login, LONG)
    assert catalog.load(lake.root, "orders").schema == ORDERS


@pytest.mark.component("postgresql")
def test_a_postgresql_catalog_that_hangs_comes_back_by_itself() -> None:
    server: postgresql.Server = started(postgresql, postgresql.launch)
    catalog = open_catalog("lake", "sql", {"uri": server.uri}, timedelta(seconds=1))
    assert comes_back(catalog)
    server.process.pause()
    assert isinstance(failure(catalog), NotReady)
    server.process.resume()
    assert comes_back(catalog)
    server.process.stop()
    assert isinstance(failure(catalog), NotReady)


@pytest.mark.component("postgresql")
def test_connections_cut_by_the_database_are_made_anew() -> None:
    server: postgresql.Server = started(postgresql)
    catalog = open_catalog("lake", "sql", {"uri": server.uri}, LONG)
    assert catalog.db_schemas() == []
    other = psycopg2.connect(server.uri.replace("+psycopg2", ""))
    with other, other.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'flightlake'"
        )
        assert cursor.rowcount > 0
    other.close()
    assert catalog.db_schemas() == []


@pytest.mark.component("postgresql")
def test_an_empty_database_is_a_catalog_without_tables_and_stays_empty() -> None:
    server: postgresql.Server = started(postgresql, postgresql.launch)
    catalog = open_catalog("lake", "sql", {"uri": server.uri}, LONG)
    assert catalog.db_schemas() == []
    other = psycopg2.connect(server.uri.replace("+psycopg2", ""))
    with other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchone() == (0,)
    other.close()
    server.process.stop()


@pytest.mark.component("postgresql")
def test_a_wrong_password_is_not_ready_and_not_shown() -> None:
    server: postgresql.Server = started(postgresql)
    wrong = server.uri.replace(server.password, "secret-part")
    error = failure(open_catalog("lake", "sql", {"uri": wrong}, LONG))
    assert isinstance(error, NotReady)
    assert "secret" not in error.message


CONFIG = json.dumps({"defaults": {}, "overrides": {}}).encode()
REFUSED = "catalog 'lake' refuses the credentials of this server"
UNREADABLE = "catalog 'lake' gives an answer that this server cannot read"


@pytest.mark.parametrize(
    ("status", "body", "config", "kind", "message"),
    [
        (500, b"<html>secret-part</html>", None, NotReady, "catalog 'lake' does not answer"),
        (503, b"", CONFIG, NotReady, "catalog 'lake' does not answer"),
        (429, b"", CONFIG, NotReady, "catalog 'lake' does not answer"),
        (401, b"secret-part", None, NotReady, REFUSED),
        (403, b"", CONFIG, NotReady, REFUSED),
        (200, b"<html>hello</html>", None, Unsupported, UNREADABLE),
        (200, b"[]", CONFIG, Unsupported, UNREADABLE),
    ],
    ids=["500", "503", "429", "401", "403", "html", "list"],
)
def test_a_rest_catalog_that_answers_badly(
    status: int, body: bytes, config: bytes | None, kind: type[FlightlakeError], message: str
) -> None:
    with http_answers(status, body, config) as uri:
        error = failure(open_catalog("lake", "rest", {"uri": uri}, LONG))
    assert (type(error), error.message) == (kind, message)
    assert not isinstance(error, InternalError)

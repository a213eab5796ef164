"""Hive's metastore and Glue when they are down, silent, broken or wrong: an answer in time."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest

from flightlake.errors import FlightlakeError, NotFound, NotReady, Unsupported
from flightlake.lake.catalogs import Catalog, open_catalog
from tests.components import hive_metastore, moto
from tests.components.processes import free_port
from tests.fix_catalogs import started
from tests.fix_every_catalog import glue_lake, hive_lake
from tests.fix_http import http_answers
from tests.fix_patience import within
from tests.fix_processes import settled

SHORT = timedelta(milliseconds=500)
LONG = timedelta(minutes=2)
"""For what is to succeed, however busy the machine is."""
SLACK = 3.0
"""Seconds that may be added to a timeout."""
SILENT = "catalog 'lake' does not answer"
REFUSED = "catalog 'lake' refuses the credentials of this server"
UNREADABLE = "catalog 'lake' gives an answer that this server cannot read"


def properties(kind: str, port: int) -> dict[str, str]:
    if kind == "hive":
        return {"uri": f"thrift://127.0.0.1:{port}"}
    return glue(f"http://127.0.0.1:{port}")


def glue(endpoint: str) -> dict[str, str]:
    return {
        "glue.endpoint": endpoint,
        "glue.region": "us-east-1",
        "glue.access-key-id": "tester",
        "glue.secret-access-key": "secret-part",
    }


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


def answers(catalog: Catalog) -> bool:
    try:
        return "default" in catalog.db_schemas()
    except NotReady:
        return False


@contextmanager
def listening(talk: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """Yield a port where connections are accepted, and given to *talk*, or never answered."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    assert talk is not None
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        if talk is not None:
            thread.start()
        yield server.getsockname()[1]
        if talk is not None:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("kind", ["hive", "glue"])
def test_a_metastore_that_is_down_can_be_opened_and_is_not_ready(kind: str) -> None:
    error = failure(open_catalog("lake", kind, properties(kind, free_port()), SHORT))
    assert isinstance(error, NotReady)
    assert error.message == SILENT


@pytest.mark.parametrize("kind", ["hive", "glue"])
def test_a_metastore_that_is_silent_is_not_ready_in_time(kind: str) -> None:
    with listening() as port:
        catalog = open_catalog("lake", kind, properties(kind, port), SHORT)
        error = within(3 * SHORT.total_seconds() + SLACK, lambda: failure(catalog))
    assert isinstance(error, NotReady)
    assert error.message == SILENT


@pytest.mark.parametrize("kind", ["hive", "glue"])
def test_threads_that_wait_for_a_silent_metastore_end_with_the_timeout(kind: str) -> None:
    with listening() as port:
        catalog = open_catalog("lake", kind, properties(kind, port), SHORT)

        def waiting() -> int:
            return sum(
                thread.name.startswith("catalog-lake") and working(thread)
                for thread in threading.enumerate()
            )

        def all_end() -> None:
            failure(catalog)
            settled(lambda: waiting() == 0, "no thread waits for the metastore")

        within(5 + SLACK, all_end)


def working(thread: threading.Thread) -> bool:
    """Whether a thread of a pool is at work: it waits for work in the queue of the pool."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if "flightlake/lake" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


@pytest.mark.component("hive-metastore")
def test_the_first_metastore_that_answers_is_asked() -> None:
    server: hive_metastore.Server = started(hive_metastore, partial(hive_metastore.start, "4"))
    uri = f"thrift://127.0.0.1:{free_port()},{server.uri}"
    catalog = open_catalog("lake", "hive", {"uri": uri}, LONG)
    assert "default" in catalog.db_schemas()


@pytest.mark.component("hive-metastore")
def test_a_metastore_that_hangs_comes_back_by_itself() -> None:
    server: hive_metastore.Server = started(hive_metastore, partial(hive_metastore.start, "4"))
    catalog = open_catalog("lake", "hive", {"uri": server.uri}, timedelta(seconds=1))
    settled(lambda: answers(catalog), "the metastore answers")
    server.process.pause()
    try:
        assert isinstance(failure(catalog), NotReady)
    finally:
        server.process.resume()
    settled(lambda: answers(catalog), "the metastore answers again")


@pytest.mark.component("hive-metastore")
@pytest.mark.parametrize("version", ["3", "4"])
def test_names_in_another_case_are_not_found_though_the_metastore_finds_them(
    version: str,
) -> None:
    server: hive_metastore.Server = started(hive_metastore, partial(hive_metastore.start, version))
    lake = hive_lake(server, version)
    lake.create("orders")
    catalog = lake.open()
    with pytest.raises(NotFound, match="did you mean 'orders'"):
        catalog.load(lake.root, "Orders")
    with pytest.raises(NotFound, match=f"did you mean '{lake.root}'"):
        catalog.load(lake.root.upper(), "orders")
    with pytest.raises(NotFound, match=f"did you mean '{lake.root}'"):
        catalog.tables(lake.root.upper())


@pytest.mark.component("hive-metastore")
def test_a_user_may_be_said() -> None:
    server: hive_metastore.Server = started(hive_metastore, partial(hive_metastore.start, "4"))
    catalog = open_catalog("lake", "hive", {"uri": server.uri, "ugi": "ada:analysts"}, LONG)
    assert "default" in catalog.db_schemas()


@pytest.mark.component("moto")
def test_tables_that_are_not_of_iceberg_are_not_listed_and_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server: moto.Server = started(moto)
    lake = glue_lake(tmp_path_factory.mktemp("glue"), server)
    lake.create("orders")
    made = {"Name": "plain", "Parameters": {"classification": "csv"}}
    lake.writer.glue.create_table(DatabaseName=lake.root, TableInput=made)  # type: ignore[attr-defined]
    catalog = lake.open()
    assert catalog.tables(lake.root) == ["orders"]
    with pytest.raises(Unsupported, match="plain is not an Iceberg table"):
        catalog.load(lake.root, "plain")


@pytest.mark.component("moto")
def test_more_tables_than_a_page_holds_are_all_listed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server: moto.Server = started(moto)
    lake = glue_lake(tmp_path_factory.mktemp("glue"), server)
    names = [f"t{number:03}" for number in range(120)]
    for name in names:
        made = {"Name": name, "Parameters": {"table_type": "ICEBERG"}}
        lake.writer.glue.create_table(DatabaseName=lake.root, TableInput=made)  # type: ignore[attr-defined]
    assert lake.open().tables(lake.root) == names


@pytest.mark.parametrize(
    "rubbish",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x80\x01\x00\x02" * 8, b"\xff" * 64, b""],
    ids=["http", "thrift", "ones", "nothing"],
)
def test_what_is_not_a_metastore_is_an_error_in_time(rubbish: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        with suppress(OSError):  # it may have gone
            connection.recv(4096)
            connection.sendall(rubbish)

    with listening(talk) as port:
        catalog = open_catalog("lake", "hive", properties("hive", port), LONG)
        error = failure(catalog)
    assert isinstance(error, NotReady | Unsupported)
    assert error.message in (SILENT, UNREADABLE)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"__type": "AccessDeniedException", "message": "secret-part"}, NotReady, REFUSED),
        (400, {"__type": "UnrecognizedClientException"}, NotReady, REFUSED),
        (400, {"__type": "ExpiredTokenException"}, NotReady, REFUSED),
        (500, {"__type": "InternalServiceException"}, NotReady, SILENT),
        (400, {"__type": "ThrottlingException"}, NotReady, SILENT),
        (200, "<html>secret-part</html>", Unsupported, UNREADABLE),
        (200, [], Unsupported, UNREADABLE),
    ],
    ids=["403", "key", "expired", "500", "slow down", "html", "list"],
)
def test_a_glue_that_answers_badly(
    status: int, body: object, kind: type[FlightlakeError], message: str
) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with http_answers(status, content) as uri:
        error = failure(open_catalog("lake", "glue", glue(uri), LONG))
    assert (type(error), error.message) == (kind, message)


def test_a_glue_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    told = {"glue.endpoint": f"http://127.0.0.1:{free_port()}", "glue.region": "us-east-1"}
    error = failure(open_catalog("lake", "glue", told, LONG))
    assert (type(error), error.message) == (NotReady, REFUSED)

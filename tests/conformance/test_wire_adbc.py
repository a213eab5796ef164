"""The official ADBC driver against the wire, without a query engine behind it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import adbc_driver_flightsql
import adbc_driver_manager
import pyarrow as pa
import pytest
from adbc_driver_flightsql import DatabaseOptions

from flightlake.errors import (
    AlreadyExists,
    DamagedData,
    FlightlakeError,
    InvalidSql,
    NotFound,
    NotPermitted,
    NotReady,
    TimedOut,
    Unsupported,
)
from flightlake.server.self_signed import certificate_file, self_signed
from tests.fix_results import NUMBERS, Result, Stream, failing, result_of
from tests.fix_server import Running, eventually

Status = adbc_driver_manager.AdbcStatusCode


def connect(uri: str, **options: str) -> adbc_driver_manager.AdbcConnection:
    database = adbc_driver_flightsql.connect(uri, db_kwargs=options)
    return adbc_driver_manager.AdbcConnection(database)


@pytest.fixture
def adbc(wire: Running) -> Iterator[adbc_driver_manager.AdbcStatement]:
    """A statement of a driver that has shown user name and password."""
    options = {"username": "ada", "password": "lovelace"}
    connection = connect(f"grpc://127.0.0.1:{wire.port}", **options)
    with connection, adbc_driver_manager.AdbcStatement(connection) as statement:
        yield statement


def run(statement: adbc_driver_manager.AdbcStatement, query: str) -> pa.Table:
    statement.set_sql_query(query)
    stream, _ = statement.execute_query()
    return pa.RecordBatchReader._import_from_c(stream.address).read_all()


def test_a_query_is_read_after_a_handshake_with_a_password(adbc):
    assert run(adbc, "numbers").equals(NUMBERS)


def test_a_large_result_with_many_types_is_read(wire: Running, adbc):
    rows = 300_000
    table = pa.table(
        {
            "n": pa.array(range(rows)),
            "s": pa.array(["text of some length"] * rows, pa.string_view()),
            "d": pa.array(["a", "b", None] * (rows // 3)).dictionary_encode(),
            "l": pa.array([[1, None], None, []] * (rows // 3)),
        }
    )
    wire.results["large"] = result_of(table)
    assert run(adbc, "large").to_pydict() == table.to_pydict()


def test_a_result_without_rows_has_its_schema(wire: Running, adbc):
    wire.results["empty"] = result_of(NUMBERS.slice(0, 0))
    assert run(adbc, "empty").schema.equals(NUMBERS.schema)


def test_an_update_without_a_schema_message_is_understood(wire: Running, adbc):
    adbc.set_sql_query("insert")
    assert adbc.execute_update() == -1
    assert wire.uploads == [None]


def test_a_wrong_password_is_unauthenticated(wire: Running):
    with pytest.raises(adbc_driver_manager.Error) as caught:
        connect(f"grpc://127.0.0.1:{wire.port}", username="ada", password="guess")
    assert caught.value.status_code is Status.UNAUTHENTICATED
    assert "wrong user name or password" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidSql, Status.INVALID_ARGUMENT),
        (NotFound, Status.NOT_FOUND),
        (AlreadyExists, Status.ALREADY_EXISTS),
        (NotPermitted, Status.UNAUTHORIZED),
        (Unsupported, Status.NOT_IMPLEMENTED),
        (TimedOut, Status.TIMEOUT),
        (NotReady, Status.IO),
        (DamagedData, Status.IO),
    ],
)
@pytest.mark.parametrize("when", ["planning", "reading", "mid-stream"])
def test_an_error_keeps_its_status_and_sentence(
    wire: Running, adbc, error: type[FlightlakeError], expected, when
):
    def plan(call) -> None:
        if when == "planning":
            raise error("the column 'x' is not there")

    result = failing(
        error("the column 'x' is not there"), after=NUMBERS if when == "mid-stream" else None
    )
    result.plan = plan
    wire.results["failing"] = result
    with pytest.raises((adbc_driver_manager.Error, pa.ArrowException, OSError)) as caught:
        run(adbc, "failing")
    assert "the column 'x' is not there" in str(caught.value)
    if isinstance(caught.value, adbc_driver_manager.Error):
        assert caught.value.status_code is expected


def test_a_cancel_frees_the_stream(wire: Running, adbc):
    made: list[Stream] = []

    def endless():
        while True:
            yield from NUMBERS.to_batches()

    def opened(call) -> Stream:
        made.append(Stream(NUMBERS.schema, endless()))
        return made[-1]

    wire.results["endless"] = Result(NUMBERS.schema, opened)
    adbc.set_sql_query("endless")
    stream, _ = adbc.execute_query()
    reader = pa.RecordBatchReader._import_from_c(stream.address)
    reader.read_next_batch()
    threading.Thread(target=adbc.cancel).start()
    eventually(made[0].closed.is_set, "the stream is closed")
    reader.close()


def test_the_self_signed_certificate_is_trusted_by_the_driver(
    start: Callable[..., Running], tmp_path: Path
):
    credentials = self_signed(tmp_path, datetime.now(UTC)).credentials()
    wire = start(credentials=credentials)
    connection = connect(
        f"grpc+tls://localhost:{wire.port}",
        username="ada",
        password="lovelace",
        **{DatabaseOptions.TLS_ROOT_CERTS.value: certificate_file(tmp_path).read_text()},
    )
    with connection, adbc_driver_manager.AdbcStatement(connection) as statement:
        assert run(statement, "numbers").equals(NUMBERS)
    assert wire.gate.peers[0].secure

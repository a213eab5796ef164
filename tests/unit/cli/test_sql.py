import argparse
import io
import json
import signal
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightlake.cli import main, sql, sql_statement, sql_target
from flightlake.cli.sql_progress import Progress
from flightlake.cli.sql_statement import Statement
from flightlake.errors import Cancelled, FlightlakeError
from tests.fix_plain_flight_sql import PlainFlightSqlServer, broken_after, endless, of_table

ROW = pa.record_batch({"n": [1]})
PEOPLE = pa.table({"id": [1, 2, 3], "name": ["Ann", "", None]})


@pytest.fixture(scope="module")
def server() -> Iterator[PlainFlightSqlServer]:
    answers = {
        "people": of_table(PEOPLE),
        "twice": of_table(pa.table([[1], [2]], names=["a", "a"])),
        "quotes": of_table(pa.table({"a,b": ['say "hi"', "two\nlines"]})),
        "many": of_table(pa.table({"n": range(2500)}), batch_rows=100),
        "endless": endless(ROW),
        "broken": broken_after(ROW),
    }
    with PlainFlightSqlServer(answers) as running:
        yield running


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URI", "USER", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"FLIGHTLAKE_{name}", raising=False)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    sql.add_parser(parser.add_subparsers())
    return parser.parse_args(["sql", *words])


def test_a_statement_is_run_and_its_table_drawn(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "people"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["1", "Ann"]
    assert lines[4].split() == ["3", "NULL"]
    assert lines[5] == "(3 rows)"


def test_rows_beyond_the_limit_are_counted(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--limit", "150", "many"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].strip() == "149"
    assert lines[-1] == "(150 rows shown, 2,350 more rows)"


def test_limit_0_shows_all_rows(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--limit", "0", "many"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "(2,500 rows)"


def test_csv_tells_null_from_an_empty_string(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--format", "csv", "people;"]) == 0
    assert capsys.readouterr().out == 'id,name\r\n1,Ann\r\n2,""\r\n3,\r\n'


def test_csv_quotes_what_needs_it(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--format", "csv", "quotes"]) == 0
    assert capsys.readouterr().out == '"a,b"\r\n"say ""hi"""\r\n"two\nlines"\r\n'


def test_json_is_one_object_per_line_and_keeps_every_column(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--format", "json", "people; twice"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert objects == [*PEOPLE.to_pylist(), {"a": 1, "a_2": 2}]


def test_arrow_is_an_ipc_stream(
    server: PlainFlightSqlServer, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["sql", "--uri", server.uri, "--format", "arrow", "people"]) == 0
    assert pa.ipc.open_stream(capfdbinary.readouterr().out).read_all() == PEOPLE


def test_statements_are_read_from_standard_input(
    server: PlainFlightSqlServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("people;\n people"))
    assert main(["sql", "--uri", server.uri, "--format", "csv"]) == 0
    assert capsys.readouterr().out.count("id,name") == 2


def test_an_error_is_one_line_and_ends_the_script(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "nonsense; people"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("flightlake: no such statement here")
    assert captured.err.count("\n") == 1


def test_an_error_in_the_middle_of_a_result_is_reported(
    server: PlainFlightSqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", "--uri", server.uri, "--format", "csv", "broken"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "n\r\n1\r\n"
    assert "the disk is gone" in captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--uri", "http://lake:1", "x"), "http://lake:1 is not an address such as grpc+tls://"),
        (("--uri", "grpc://127.0.0.1:1", "x"), "no connection to the server: 127.0.0.1:1"),
        (("--uri", "grpc://nowhere.invalid:1", "x"), "its host name is not known"),
        (("-f", "/nowhere/x.sql"), "/nowhere/x.sql cannot be read"),
        (("-f", "x.sql", "select 1"), "give a statement or -f FILE, not both"),
        (("--uri", "grpc://127.0.0.1:1", " ; -- none"), "there is no statement to run"),
        (("--password-stdin", "x"), "--password-stdin needs --user NAME or --token"),
        (("--user", "ann", "x"), "no password given: set FLIGHTLAKE_PASSWORD"),
        (("--token", "x"), "no token given: set FLIGHTLAKE_TOKEN"),
        (("--ca-file", "/nowhere", "x"), "--ca-file /nowhere cannot be read"),
        (("--format", "arrow", "x; y"), "--format arrow holds one result"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["sql", *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_password_comes_from_the_first_line_of_standard_input() -> None:
    stdin = io.StringIO("s3cret\nselect 1")
    target = sql_target.from_arguments(parsed("-U", "ann", "--password-stdin"), {}, stdin)
    assert (target.user, target.password) == ("ann", "s3cret")
    assert stdin.read() == "select 1"
    assert "s3cret" not in repr(target)


def test_the_environment_names_server_user_and_password() -> None:
    environment = {
        "FLIGHTLAKE_URI": "grpc://lake:1",
        "FLIGHTLAKE_USER": "ann",
        "FLIGHTLAKE_PASSWORD": "s3cret",
    }
    target = sql_target.from_arguments(parsed(), environment, io.StringIO())
    assert (target.uri, target.user, target.password) == ("grpc://lake:1", "ann", "s3cret")


def test_a_token_takes_the_place_of_user_and_password() -> None:
    environment = {"FLIGHTLAKE_USER": "ann", "FLIGHTLAKE_TOKEN": "t0ken"}
    target = sql_target.from_arguments(parsed("--token"), environment, io.StringIO())
    assert (target.user, target.password, target.token) == (None, None, "t0ken")


def test_ctrl_c_cancels_the_statement_at_the_server(server: PlainFlightSqlServer) -> None:
    def interrupt(rows: int, size: int, seconds: float) -> None:
        if rows:
            signal.raise_signal(signal.SIGINT)

    server.released.clear()
    # Whoever started the tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    connection = sql_target.connect(sql_target.Target(server.uri))
    try:
        with Statement(connection, "endless", interrupt) as statement:
            assert statement.schema() == ROW.schema
            with pytest.raises(Cancelled):
                list(statement)
        assert server.released.wait(120)
        with Statement(connection, "people") as statement:
            statement.schema()
            assert sum(batch.num_rows for batch in statement) == 3
    finally:
        signal.signal(signal.SIGINT, before)
        connection.close()


def test_leaving_a_statement_cancels_it(server: PlainFlightSqlServer) -> None:
    server.released.clear()
    connection = sql_target.connect(sql_target.Target(server.uri))
    try:
        with Statement(connection, "endless") as statement:
            statement.schema()
            next(iter(statement))  # it runs at the server
        assert server.released.wait(120)
    finally:
        connection.close()


def test_a_failed_statement_leaves_the_connection_usable(server: PlainFlightSqlServer) -> None:
    connection = sql_target.connect(sql_target.Target(server.uri))
    try:
        with (
            Statement(connection, "nonsense") as statement,
            pytest.raises(FlightlakeError, match="no such statement"),
        ):
            statement.schema()
        with Statement(connection, "people", sql_statement.ignore) as statement:
            statement.schema()
            assert next(iter(statement)).num_rows == 3
    finally:
        connection.close()


def test_progress_is_shown_to_a_terminal_only() -> None:
    silent = io.StringIO()
    with Progress(silent) as progress:
        progress.tick(10, 2048, 3.0)
    assert silent.getvalue() == ""

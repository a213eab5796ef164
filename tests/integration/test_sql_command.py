"""``flightlake sql`` against our own server."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.cli import sql_catalog, sql_prompt, sql_target
from tests.fix_demo import Demo


@pytest.fixture(scope="module")
def target(demo_directory: Path) -> Iterator[sql_target.Target]:
    with Demo(demo_directory) as demo:
        demo.wait_for("stays up until Ctrl-C")
        door = demo.wait_for(r"adbc_flight_sql://demo:([\w-]+)@(127\.0\.0\.1:\d+)\?")
        yield sql_target.Target(f"grpc+tls://{door[2]}", "demo", door[1], insecure=True)


Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(target: sql_target.Target) -> Run:
    def command(
        *words: str, stdin: bytes = b"", **changed: str
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {
            **os.environ,
            "FLIGHTLAKE_URI": target.uri,
            "FLIGHTLAKE_USER": "demo",
            "FLIGHTLAKE_PASSWORD": target.password or "",
            **changed,
        }
        return subprocess.run(
            [sys.executable, "-m", "flightlake", "sql", *words],
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=300,
        )

    return command


def test_a_script_from_standard_input_runs_statement_by_statement(run: Run) -> None:
    script = b"select 1 as a; -- one\nselect 'x;y' as b;"
    done = run("--insecure", "--format", "json", stdin=script)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"a": 1}, {"b": "x;y"}]


def test_names_begin_at_the_given_catalog_and_schema(run: Run) -> None:
    done = run(
        "--insecure", "--catalog", "lake", "--schema", "bronze.inventory", "--format", "csv",
        "select id, first_name from customers order by id limit 1",
    )  # fmt: skip
    assert done.stdout == b"id,first_name\r\n1001,Sally\r\n", done.stderr


def test_a_whole_table_comes_as_arrow(run: Run) -> None:
    done = run("--insecure", "--format", "arrow", "select * from lake.tpch.lineitem")
    assert pa.ipc.open_stream(done.stdout).read_all().num_rows == 60175


def test_rows_beyond_the_limit_are_counted(run: Run) -> None:
    done = run("--insecure", "--limit", "5", "select l_orderkey from lake.tpch.lineitem")
    assert done.stdout.decode().splitlines()[-1] == "(5 rows shown, 60,170 more rows)"


@pytest.mark.parametrize(
    ("words", "changed", "message"),
    [
        (("--insecure", "select * from lake.tpch.lineitm"), {}, "did you mean 'lineitem'?"),
        (("--insecure", "select 1 +"), {}, ""),
        (("select 1",), {}, "the server's certificate is not trusted"),
        (("--insecure", "select 1"), {"FLIGHTLAKE_PASSWORD": "x"}, "user name or the password"),
        (("--insecure", "--token", "select 1"), {"FLIGHTLAKE_TOKEN": "x"}, "bearer token"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    run: Run, words: tuple[str, ...], changed: dict[str, str], message: str
) -> None:
    done = run(*words, **changed)
    assert done.returncode == 1
    assert done.stdout == b""
    said = done.stderr.decode()
    assert said.startswith("flightlake: ")
    assert said.count("\n") == 1
    assert message in said


def test_plaintext_to_a_tls_server_is_explained(run: Run, target: sql_target.Target) -> None:
    done = run("--uri", target.uri.replace("grpc+tls", "grpc"), "select 1")
    assert b"the server speaks TLS" in done.stderr


@pytest.fixture
def answer(target: sql_target.Target) -> Iterator[Callable[[str], str]]:
    connection = sql_target.connect(target)

    def typed(text: str) -> str:
        out = io.StringIO()
        sql_prompt.answer(connection, text, "table", 100, out)
        return out.getvalue()

    yield typed
    connection.close()


def test_the_prompt_names_the_server(target: sql_target.Target) -> None:
    connection = sql_target.connect(target)
    assert sql_catalog.server(connection).startswith("flightlake ")
    connection.close()


def test_backslash_d_lists_the_tables(answer: Callable[[str], str]) -> None:
    listed = answer("\\d")
    assert re.search(r"bronze\.inventory +customers +TABLE\b", listed)
    assert listed.count("tpch") == 8


@pytest.mark.parametrize(
    "name", ["tpch.customer", "lake.tpch.customer", "customer", 'lake."tpch".customer']
)
def test_backslash_d_name_describes_a_table(answer: Callable[[str], str], name: str) -> None:
    described = [line.split() for line in answer(f"\\d {name}").splitlines()]
    assert described[2] == ["c_custkey", "BIGINT", "int64", "no"]
    assert len(described) == 2 + 8


def test_a_name_that_fits_two_schemas_is_asked_back(answer: Callable[[str], str]) -> None:
    assert answer("\\d orders") == (
        'orders is in several schemas, say which: "bronze.inventory", tpch\n'
    )
    assert answer("\\d bronze.inventory.orders").count("INTEGER") == 4
    assert answer("\\d order").startswith("there is no table order: ")

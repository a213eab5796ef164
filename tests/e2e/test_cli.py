"""The command line against a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.e2e.conftest import Shop
from tests.fix_processes import PASSWORD, USER, configure
from tests.fix_raw_client import RawClient, bearer

Done = subprocess.CompletedProcess[str]


def run(*arguments: str, given: str = "", **environment: str) -> Done:
    inherited = {name: value for name, value in os.environ.items() if "FLIGHTLAKE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "flightlake", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**inherited, **environment},
    )


def sql(shop: Shop, *arguments: str, given: str = "", **environment: str) -> Done:
    certificate = str(shop.server.state / "self-signed.crt")
    where = ["--uri", shop.server.location, "--ca-file", certificate, "-U", USER]
    known = {"FLIGHTLAKE_PASSWORD": PASSWORD, **environment}
    return run("sql", *where, *arguments, given=given, **known)


def test_a_table_is_shown(shop: Shop):
    done = sql(shop, "SELECT id, item FROM shop.orders ORDER BY id")
    assert done.returncode == 0, done.stderr
    for word in ("id", "item", "ale", "bread", "cheese", "NULL", "4 rows"):
        assert word in done.stdout


def test_other_formats_are_for_programs(shop: Shop):
    query = "SELECT id, item FROM shop.orders ORDER BY id"
    assert sql(shop, "--format", "csv", query).stdout.splitlines()[:2] == ["id,item", "1,ale"]
    lines = sql(shop, "--format", "json", query).stdout.splitlines()
    assert json.loads(lines[1]) == {"id": 2, "item": "bread"}
    target = shop.server.config.with_name("result.arrow")
    where = ["--uri", shop.server.location, "--insecure", "-U", USER, "--format", "arrow"]
    with target.open("wb") as output:
        subprocess.run(
            [sys.executable, "-m", "flightlake", "sql", *where, query],
            env={**os.environ, "FLIGHTLAKE_PASSWORD": PASSWORD},
            stdout=output,
            check=True,
        )
    with pa.ipc.open_stream(target.read_bytes()) as reader:
        assert reader.read_all()["id"].to_pylist() == [1, 2, 3, 4]


def test_a_script_runs_until_its_first_error(shop: Shop):
    done = sql(shop, given="SELECT 1 AS first;\nSELECT * FROM shop.ordrs; SELECT 3 AS third")
    assert done.returncode == 1
    assert "first" in done.stdout
    assert "third" not in done.stdout
    assert "did you mean 'orders'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_catalog_and_schema_stand_in(shop: Shop):
    done = sql(shop, "--catalog", "annex", "--schema", "shop", "SELECT count(*) FROM orders")
    assert (done.returncode, "4" in done.stdout) == (0, True)


def test_wrong_credentials_end_in_one_line(shop: Shop):
    done = sql(shop, "SELECT 1", FLIGHTLAKE_PASSWORD="canary-guessed")
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "canary" not in done.stderr


def test_an_untrusted_certificate_is_explained(shop: Shop):
    done = run(
        "sql", "--uri", shop.server.location, "-U", USER, "SELECT 1", FLIGHTLAKE_PASSWORD="x"
    )
    assert done.returncode != 0
    assert "--ca-file" in done.stderr


def test_a_token_of_the_command_line_lets_in(shop: Shop, client: RawClient):
    config = str(shop.server.config)
    made = run("token", "--config", config, "--subject", "etl", "--lifetime", "1h")
    token = made.stdout.strip()
    assert client.read("SELECT 1 AS x", metadata=bearer(token)).num_rows == 1
    where = ["--uri", shop.server.location, "--insecure", "--token"]
    assert run("sql", *where, "SELECT 41 + 1", FLIGHTLAKE_TOKEN=token).returncode == 0


def test_users_are_added_and_listed(folder: Path):
    config = ("--config", str(configure(folder)))
    added = run(
        "user",
        "add",
        "bob",
        "--role",
        "reader",
        "--password-stdin",
        *config,
        given="s3cret!s3cret\n",
    )
    assert added.returncode == 0, added.stderr
    listed = run("user", "list", *config)
    assert listed.stdout.splitlines() == ["ada\tanalyst", "bob\treader"]
    again = run("user", "add", "bob", "--password-stdin", *config, given="x\n")
    assert (again.returncode, "passwd" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"sever": {"port": 1}}, "server"),
        ({"limits": {"memory": "much"}}, "limits.memory"),
        ({"server": {"port": 70000}}, "server.port"),
        ({"catalogs": {"a b": {"type": "sql", "uri": "sqlite:////x"}}}, "a b"),
        ({"catalogs": {"a": {"type": "hadoop", "uri": "x"}}}, "type"),
        ({"auth": {"anonymous": True}, "server": {"host": "0.0.0.0"}}, "anonymous"),  # noqa: S104
        ({"logging": {"level": "LOUD"}}, "logging.level"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_check_config_names_what_is_wrong(folder: Path, settings, part):
    done = run("check-config", "--config", str(configure(folder, settings)))
    assert done.returncode == 2
    assert part in done.stderr
    assert all(line.startswith("flightlake: ") for line in done.stderr.splitlines())


def test_check_config_shows_no_secret(shop: Shop):
    done = run("check-config", "--config", str(shop.server.config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok\n")
    for secret in ("canary-catalog", "canary-s3", "canary-database"):
        assert secret not in done.stdout

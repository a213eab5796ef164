"""Projects in folders, and the commands that hold them against a server."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as dbapi
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.cli import main
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure
from tests.fix_served_lake import ORDERS, catalogs, lake_at

LAKE = {
    "lake/silver/items.sql": """\
-- target_lag: 5 minutes
-- comment: what was ordered

SELECT item, sum(price) AS total, count(*) AS orders
FROM lake.shop.orders
GROUP BY item
""",
    "lake/gold/dear.sql": "SELECT item, total FROM lake.silver.items WHERE total > 3\n",
    "lake/gold/best.sql": "SELECT max(total) AS total FROM dear\n",
}
"""A project of three views, each of which reads the one before it."""


def write(folder: Path, files: Mapping[str, str | None]) -> Path:
    """Write *files* by path into *folder*; None takes one away."""
    for path, text in files.items():
        file = folder / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., Ended]


@pytest.fixture
def project_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``flightlake`` as ``ada``, who may write, on a server: ``run(server, "plan", …)``."""
    # The commands put a hook of their own in its place, for good.
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def command(server: Server, *words: str | Path, typed: str | None = None) -> Ended:
        monkeypatch.setenv("FLIGHTLAKE_URI", server.location)
        monkeypatch.setenv("FLIGHTLAKE_USER", USER)
        monkeypatch.setenv("FLIGHTLAKE_PASSWORD", PASSWORD)
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        capsys.readouterr()
        code = main([*map(str, words), "--insecure"])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return command


@dataclass
class Works:
    """A server that may write to ``lake``, and the folder of a project for it."""

    server: Server
    lake: Lake
    folder: Path
    connection: dbapi.Connection
    run: Run

    def plan(self, *words: str) -> Ended:
        return self.run(self.server, "plan", self.folder, *words)

    def changes(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return what the plan does, by ``kind view``."""
        ended = self.plan("--json", *words)
        assert ended.code == 0, ended
        return {f"{one['kind']} {one['view']}": one for one in ended.document["changes"]}

    def problems(self, *words: str) -> list[tuple[str, int | None, int | None, str]]:
        ended = self.plan("--json", *words)
        assert (ended.code, ended.err) == (1, ""), ended
        return [
            (one["path"], one["line"], one["column"], one["message"])
            for one in ended.document["problems"]
        ]

    def apply(self, *words: str) -> Ended:
        return self.run(self.server, "apply", self.folder, "--yes", *words)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Begin to run ``flightlake`` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "flightlake", *map(str, words), "--insecure"],
            env={
                **os.environ,
                "FLIGHTLAKE_URI": self.server.location,
                "FLIGHTLAKE_USER": USER,
                "FLIGHTLAKE_PASSWORD": PASSWORD,
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, sql)

    def snapshots(self) -> dict[str, int]:
        shown = self.rows("SHOW MATERIALIZED VIEWS")
        return {row[0]: row[5] for row in shown}


@pytest.fixture(scope="package")
def project_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Lake]]:
    folder = tmp_path_factory.mktemp("canary-works")
    lake = lake_at(folder / "lake")
    lake.create("orders", ORDERS.schema).append(ORDERS)
    lake.create("stock", ORDERS.schema)
    for name in ("silver", "gold"):
        lake.writer.create_namespace(name)
    UsersFile(folder / "users.toml").add(
        User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"}))
    )
    writable = {"catalogs": {"lake": {"writable": True}}}
    with Server(configure(folder, catalogs(lake), writable)) as server:
        yield server, lake


@pytest.fixture
def works(project_server: tuple[Server, Lake], tmp_path: Path, project_run: Run) -> Iterator[Works]:
    server, lake = project_server
    folder = write(tmp_path / "works", LAKE)
    with adbc(server) as connection:
        made = Works(server, lake, folder, connection, project_run)
        yield made
        for view, *_ in reversed(made.rows("SHOW MATERIALIZED VIEWS")):
            made.rows(f"DROP MATERIALIZED VIEW IF EXISTS {view} CASCADE")
        lake.writer.load_table(("shop", "orders")).overwrite(ORDERS)

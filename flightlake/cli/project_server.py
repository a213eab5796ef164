"""The server of ``flightlake plan`` and ``apply``, over ADBC; and the options that they share."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flightlake.cli import sql_target
from flightlake.cli.sql_statement import Statement
from flightlake.errors import InvalidRequest
from flightlake.names import branch_named
from flightlake.project.files import Project, read_project
from flightlake.project.server import Server, placed


class AdbcServer:
    """Asks over *connection*, about *branch* (``""``: main); used by one thread."""

    def __init__(self, connection: Any, branch: str = "") -> None:
        self._connection = connection
        self._branch = branch

    def ask(self, sql: str, catalog: str = "", db_schema: str = "") -> list[dict[str, Any]]:
        return self.query(placed(sql, self._branch, catalog, db_schema))

    def query(self, sql: str) -> list[dict[str, Any]]:
        with Statement(self._connection, sql) as statement:
            statement.schema()
            return [row for batch in statement for row in batch.to_pylist()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder, the options of a project, and those of the server."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the project's folder")
    parser.add_argument(
        "--project", metavar="NAME", help="the project's name (default: that of its folder)"
    )
    parser.add_argument(
        "--branch",
        metavar="NAME",
        type=branch_named,
        default="",
        help="leave main as it is, and build what changes on a branch; `merge` makes it main",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="drop views that this project made and that have no file any more",
    )
    sql_target.add_arguments(parser, defaults=False)


def project(args: argparse.Namespace) -> Project:
    """Return the project that *args* name, as it was read.

    Raises:
        FlightlakeError: There is none, or the options do not go together.
    """
    if args.branch and args.prune:
        raise InvalidRequest("--prune drops views of main: leave out --branch, or --prune")
    return read_project(args.directory, args.project)


def require_somebody(args: argparse.Namespace) -> None:
    """Raise ``InvalidRequest`` if somebody has to be asked, and nobody is there."""
    _, stdin = sql_target.environment()
    if not args.yes and (args.password_stdin or not stdin.isatty()):
        raise InvalidRequest("nobody can be asked here whether it shall be done: give --yes")


def agreed(question: str) -> bool:
    """Ask *question*; return whether the answer is yes."""
    sys.stdout.write(f"\n{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def connected(args: argparse.Namespace, branch: str = "") -> Iterator[Server]:
    """Hold a connection to the server that *args* name, for statements about *branch*.

    Raises:
        FlightlakeError: There is none; says why.
    """
    environment, stdin = sql_target.environment()
    target = sql_target.from_arguments(args, environment, stdin)
    # As in ``flightlake sql``: the driver complains of a broken connection behind our message.
    sys.unraisablehook = lambda unraisable: None
    connection = sql_target.connect(target)
    try:
        yield AdbcServer(connection, branch)
    finally:
        connection.close()

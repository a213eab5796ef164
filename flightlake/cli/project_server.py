"""The server of ``flightlake plan`` and ``apply``, over ADBC; and the options that they share."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_manager

from flightlake.cli import sql_target
from flightlake.cli.sql_statement import Statement
from flightlake.project.files import Project, read_project
from flightlake.project.server import Refused, Server


class AdbcServer:
    """Asks over *connection*; used by one thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._place = ("", "")

    def ask(self, sql: str, catalog: str = "", db_schema: str = "") -> list[dict[str, Any]]:
        """Return the rows of *sql*, as ``project.server.Server`` says."""
        if catalog and (catalog, db_schema) != self._place:
            self._place = ("", "")
            try:
                self._connection.adbc_current_catalog = catalog
                self._connection.adbc_current_db_schema = db_schema
            except adbc_driver_manager.Error as error:
                if "(invalid value)" in str(error):  # all that the driver tells of the answer
                    raise Refused(f"catalog '{catalog}' does not exist") from error
                raise sql_target.explained(error) from error
            self._place = (catalog, db_schema)
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
        "--prune",
        action="store_true",
        help="drop views that this project made and that have no file any more",
    )
    sql_target.add_arguments(parser, defaults=False)


def project(args: argparse.Namespace) -> Project:
    """Return the project that *args* name, as it was read.

    Raises:
        FlightlakeError: There is none.
    """
    return read_project(args.directory, args.project)


@contextmanager
def connected(args: argparse.Namespace) -> Iterator[Server]:
    """Hold a connection to the server that *args* name.

    Raises:
        FlightlakeError: There is none; says why.
    """
    environment, stdin = sql_target.environment()
    target = sql_target.from_arguments(args, environment, stdin)
    # As in ``flightlake sql``: the driver complains of a broken connection behind our message.
    sys.unraisablehook = lambda unraisable: None
    connection = sql_target.connect(target)
    try:
        yield AdbcServer(connection)
    finally:
        connection.close()

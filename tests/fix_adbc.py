"""The official ADBC driver, connected to a server under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as dbapi

from tests.fix_processes import PASSWORD, USER, Server

OPTIONS = adbc_driver_flightsql.DatabaseOptions


@contextmanager
def adbc(server: Server, **options: str) -> Iterator[dbapi.Connection]:
    """Connect as ``ada``, or with the credentials in *options* (driver options by name)."""
    credentials = options or {"username": USER, "password": PASSWORD}
    roots = server.state / "self-signed.pem"
    if server.location.startswith("grpc+tls"):
        credentials = {OPTIONS.TLS_ROOT_CERTS.value: roots.read_text(), **credentials}
    with dbapi.connect(server.location, db_kwargs=credentials, autocommit=True) as connection:
        yield connection


def rows(connection: dbapi.Connection, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement; return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

"""Catalogs: the tables there are, and their current state."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from flightlake.errors import Unsupported
from flightlake.lake.glue_catalog import open_glue_catalog
from flightlake.lake.hive_catalog import open_hive_catalog
from flightlake.lake.planning import Planner
from flightlake.lake.rest_catalog import open_rest_catalog
from flightlake.lake.sql_catalog import open_sql_catalog
from flightlake.lake.table import IcebergTable
from flightlake.names import nearest


class Catalog(Protocol):
    """A catalog of Iceberg tables.  Thread-safe.

    Nothing is remembered about which schemas and tables there are, or which snapshot is
    current: every call asks the catalog, so the next statement sees every change.  A catalog
    that is down makes each call fail with ``NotReady`` within its timeout; it comes back by
    itself.  Names are case-sensitive.
    """

    name: str

    def db_schemas(self) -> list[str]:
        """Return all schemas, nested namespaces too, sorted.

        Raises:
            NotReady: The catalog does not answer.
        """
        ...

    def tables(self, db_schema: str) -> list[str]:
        """Return the names of the tables in *db_schema*, sorted; views are not among them.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        ...

    def load(self, db_schema: str, table: str) -> IcebergTable:
        """Return a table, pinned to its current snapshot.

        Raises:
            NotFound: There is no such table or schema; says what the nearest name is.
            Unsupported: The table cannot be read here; says why.
            DamagedData: Its metadata file is missing.
            NotReady: The catalog does not answer, or the store of the metadata file.
        """
        ...


Catalogs = Mapping[str, Catalog]
"""The catalogs of a server, by name."""

Opener = Callable[[str, Mapping[str, str], timedelta, Planner], Catalog]

CATALOGS: Mapping[str, Opener] = {
    "sql": open_sql_catalog,
    "rest": open_rest_catalog,
    "hive": open_hive_catalog,
    "glue": open_glue_catalog,
}


def open_catalog(
    name: str,
    type: str,  # noqa: A002 - the word of the configuration
    properties: Mapping[str, str],
    timeout: timedelta,
    planner: Planner | None = None,
) -> Catalog:
    """Return a catalog without connecting to it.

    Args:
        name: What it is called here.
        type: A key of ``CATALOGS``.
        properties: pyiceberg's catalog properties: ``uri``, ``warehouse``, ``s3.*``, ….
        timeout: How long it may take to answer.
        planner: Shared by the catalogs of a process, so that they share one bounded cache.

    Raises:
        Unsupported: *type* is not known, or a property cannot be used.
    """
    opener = CATALOGS.get(type)
    if opener is None:
        hint = nearest(type, CATALOGS)
        meant = f"; did you mean '{hint}'?" if hint else f"; known are {', '.join(CATALOGS)}"
        raise Unsupported(f"catalog '{name}' has the unknown type '{type}'{meant}")
    return opener(name, properties, timeout, planner or Planner())

"""Catalogs of databases and tables in one level each, as Hive's metastore and Glue have them.

A table there has parameters; those of an Iceberg table say so, and where its metadata file is.
pyiceberg's catalogs of these kinds are not used for reading: they read the whole metadata file
again for every statement, hand a table's own properties to its store, and wait for as long as
the libraries underneath like.

Source: Iceberg's ``BaseMetastoreTableOperations`` (``table_type``, ``metadata_location``).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from flightlake.errors import NotFound, Unsupported
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.metadata_files import read_table
from flightlake.lake.missing import no_schema, no_table
from flightlake.lake.outages import Calls
from flightlake.lake.planning import Planner
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier, from_namespace

_METADATA_BYTES = 64 << 20

Parameters = Mapping[str, str]
"""What a metastore has on a table."""


class NoSuchDatabase(Exception):
    """There is no database of that name."""


class Metastore(Protocol):
    """A connection to a metastore, or a thread-safe client of one.

    Its methods raise what ``outages.Calls`` knows, or our own errors.
    """

    def databases(self) -> list[str]:
        """Return the names of all databases."""
        ...

    def tables(self, database: str) -> Mapping[str, Parameters]:
        """Return the tables of *database*, those that are not Iceberg's too.

        Raises:
            NoSuchDatabase: There is no such database.
        """
        ...

    def table(self, database: str, name: str) -> Parameters | None:
        """Return the parameters of a table, None if there is no such table or database.

        Many metastores find a table by its name in any case; None where the table's name is
        not the very one that was asked for.
        """
        ...


class MetastoreCatalog:
    """A ``Catalog`` in a metastore.  See the protocol for what its methods promise."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Metastore],
        properties: Mapping[str, str],
        timeout: timedelta,
        planner: Planner,
    ) -> None:
        self.name = name
        self._connect = connect
        self._properties = dict(properties)
        self._timeout = timeout
        self._planner = planner
        self._calls = Calls(name, timeout)
        # By identifier and metadata location: a metadata file never changes.
        self._loaded: BoundedCache[tuple[str, str, str], IcebergTable] = BoundedCache(
            _METADATA_BYTES
        )

    def db_schemas(self) -> list[str]:
        return self._calls.run(self._db_schemas)

    def tables(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._tables(db_schema))

    def load(self, db_schema: str, table: str) -> IcebergTable:
        return self._calls.run(lambda: self._load(TableIdentifier(self.name, db_schema, table)))

    def _db_schemas(self) -> list[str]:
        # A database whose name holds a dot would read as two levels.
        return sorted(name for name in self._connect().databases() if from_namespace((name,)))

    def _tables(self, db_schema: str) -> list[str]:
        db_schemas = self._db_schemas()
        # Asked for by its very name: metastores find databases in any case.
        if db_schema not in db_schemas:
            raise no_schema(self.name, db_schema, db_schemas)
        try:
            found = self._connect().tables(db_schema)
        except NoSuchDatabase:  # dropped meanwhile
            raise no_schema(self.name, db_schema, db_schemas) from None
        return sorted(name for name, parameters in found.items() if _is_iceberg(parameters))

    def _load(self, identifier: TableIdentifier) -> IcebergTable:
        db_schema, table = identifier.db_schema, identifier.table
        parameters = self._connect().table(db_schema, table)
        if parameters is None:
            raise self._absent(identifier)
        if not _is_iceberg(parameters):
            raise Unsupported(f"table {identifier} is not an Iceberg table")
        location = parameters.get("metadata_location")
        if not location:
            raise Unsupported(f"table {identifier} has no metadata in its catalog")
        return self._loaded.get_or_make(
            (db_schema, table, location),
            lambda: read_table(
                identifier,
                location,
                self._properties,
                self._timeout.total_seconds(),
                self._planner,
            ),
        )

    def _absent(self, identifier: TableIdentifier) -> NotFound:
        try:
            return no_table(identifier, self._tables(identifier.db_schema))
        except NotFound as no_such_schema:
            return no_such_schema


def _is_iceberg(parameters: Parameters) -> bool:
    return parameters.get("table_type", "").lower() == "iceberg"

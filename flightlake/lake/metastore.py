"""Catalogs of databases and tables in one level each, as Hive's metastore and Glue have them.

A table there has parameters; those of an Iceberg table say so, and where its metadata file is.
pyiceberg's catalogs of these kinds are not used for reading: they read the whole metadata file
again for every statement, hand a table's own properties to its store, and wait for as long as
the libraries underneath like.

Source: Iceberg's ``BaseMetastoreTableOperations`` (``table_type``, ``metadata_location``).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol, TypeVar

from pyiceberg.exceptions import ForbiddenError
from pyiceberg.table.metadata import TableMetadata

from flightlake.errors import InvalidSql, NotFound, Unsupported
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.materialized import PREFIX
from flightlake.lake.metadata_files import read_table
from flightlake.lake.missing import no_schema, no_table
from flightlake.lake.outages import Calls
from flightlake.lake.planning import Planner
from flightlake.lake.pointers import PointedTables, folder_name, folder_of_its_own, views_among
from flightlake.lake.stores import StoreSettings, settings_for
from flightlake.lake.table import IcebergTable
from flightlake.lake.writing import WritingRefused
from flightlake.names import TableIdentifier, from_namespace, quote

_METADATA_BYTES = 64 << 20
_OF_CONTENT = (
    "current-schema",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "default-partition-spec",
    "default-sort-order",
    "numFiles",
    "numRows",
    "snapshot-count",
    "totalSize",
)
"""What Iceberg's own library tells of a table's content beside its metadata."""

Parameters = Mapping[str, str]
"""What a metastore has on a table."""

T = TypeVar("T")


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

    def location(self, database: str) -> str | None:
        """Return where the files of *database* go, if that is said.

        Raises:
            NoSuchDatabase: There is no such database.
        """
        ...

    def make(self, database: str, location: str | None) -> None:
        """Make a database, whose files go to *location*; does nothing if it is there."""
        ...

    def keeps(self, name: str) -> bool:
        """Return whether a table can be made that has this very name."""
        ...

    def swap(
        self,
        database: str,
        name: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None,
    ) -> bool:
        """Put one metadata file in the place of another; see ``PointedTables.swap``."""
        ...

    def swap_name(self, database: str, name: str, old: str, to_database: str, to_name: str) -> bool:
        """Give a table another name, in one step; see ``PointedTables.swap_name``."""
        ...


def parameters_of(
    before: Parameters, new: str, old: str | None, metadata: TableMetadata
) -> dict[str, str]:
    """Return the parameters of a table whose metadata file *old* gives way to *new*.

    What others keep there stays, except for what they say of its content, and for what is told of
    a view: that is in the metadata alone, and longer than some metastores can keep.
    """
    kept = {
        name: text
        for name, text in before.items()
        if name not in _OF_CONTENT and not name.startswith(PREFIX)
    }
    told = {name: text for name, text in metadata.properties.items() if not name.startswith(PREFIX)}
    more = {} if old is None else {"previous_metadata_location": old}
    return {**kept, **told, "table_type": "ICEBERG", "metadata_location": new, **more}


class MetastoreCatalog(PointedTables):
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

    def pointer(self, db_schema: str, table: str) -> str | None:
        return self._calls.run(lambda: self._pointer(TableIdentifier(self.name, db_schema, table)))

    def swap(
        self,
        db_schema: str,
        table: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None = None,
    ) -> bool:
        return self._change(lambda: self._connect().swap(db_schema, table, old, new, metadata))

    def swap_name(self, db_schema: str, table: str, old: str, to: TableIdentifier) -> bool:
        self._check_new(to.db_schema, to.table)
        there, name = to.db_schema, to.table
        return self._change(lambda: self._connect().swap_name(db_schema, table, old, there, name))

    def new_location(self, db_schema: str, table: str) -> str:
        self._check_new(db_schema, table)
        home = self._calls.run(lambda: self._connect().location(db_schema))
        warehouse = self._properties.get("warehouse")
        if not home and not warehouse:
            raise Unsupported(
                f"catalog '{self.name}' does not say where tables of schema '{db_schema}' go; give"
                " the schema a location, or the catalog a warehouse"
            )
        return folder_of_its_own(home or _below(str(warehouse), db_schema), table)

    def make_schema(self, db_schema: str) -> None:
        warehouse = self._properties.get("warehouse")
        location = _below(warehouse, db_schema) if warehouse else None
        self._change(lambda: self._connect().make(db_schema, location))

    def store(self, location: str) -> StoreSettings:
        return settings_for(location, self._properties, self._timeout.total_seconds())

    def materialized_views(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._materialized_views(db_schema))

    def _change(self, change: Callable[[], T]) -> T:
        def work() -> T:
            try:
                return change()
            except ForbiddenError as refused:
                raise WritingRefused(
                    f"catalog '{self.name}' does not let this server write; its operator must give"
                    " it the right to"
                ) from refused

        return self._calls.run(work)

    def _check_new(self, db_schema: str, table: str) -> None:
        db_schemas = self.db_schemas()
        if db_schema not in db_schemas:
            raise no_schema(self.name, db_schema, db_schemas)
        if not self._connect().keeps(table):
            raise InvalidSql(
                f"catalog '{self.name}' keeps names of small letters, digits and underscores only;"
                f" choose another name than {quote(table)}"
            )

    def _materialized_views(self, db_schema: str) -> list[str]:
        names = self._tables(db_schema)
        return views_among(
            names, lambda table: self._load(TableIdentifier(self.name, db_schema, table))
        )

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
        location = self._pointer(identifier)
        if location is None:
            raise self._absent(identifier)
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

    def _pointer(self, identifier: TableIdentifier) -> str | None:
        parameters = self._connect().table(identifier.db_schema, identifier.table)
        if parameters is None:
            return None
        if not _is_iceberg(parameters):
            raise Unsupported(f"table {identifier} is not an Iceberg table")
        location = parameters.get("metadata_location")
        if not location:
            raise Unsupported(f"table {identifier} has no metadata in its catalog")
        return location

    def _absent(self, identifier: TableIdentifier) -> NotFound:
        try:
            return no_table(identifier, self._tables(identifier.db_schema))
        except NotFound as no_such_schema:
            return no_such_schema


def _below(warehouse: str, db_schema: str) -> str:
    return f"{warehouse.rstrip('/')}/{folder_name(db_schema)}.db"


def _is_iceberg(parameters: Parameters) -> bool:
    return parameters.get("table_type", "").lower() == "iceberg"

"""The one row of a table in an ``sql`` catalog: read, and changed by compare-and-swap.

Source: the tables ``iceberg_tables`` and ``iceberg_namespace_properties`` as Iceberg's JDBC
catalog defines them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from flightlake.errors import Unsupported
from flightlake.lake.writing import WritingRefused
from flightlake.names import TableIdentifier, quote

_READ_ONLY = ("25006", "42501")
"""PostgreSQL's codes for a transaction that may only read, and for a right that is missing."""

_ROWS = sa.table(
    "iceberg_tables",
    sa.column("catalog_name"),
    sa.column("table_namespace"),
    sa.column("table_name"),
    sa.column("metadata_location"),
    sa.column("previous_metadata_location"),
)
_PROPERTIES = sa.table(
    "iceberg_namespace_properties",
    sa.column("catalog_name"),
    sa.column("namespace"),
    sa.column("property_key"),
    sa.column("property_value"),
)
# Made once: the database's library takes longer to make a statement than to send it.
_POINTER = sa.select(_ROWS.c.metadata_location).where(
    _ROWS.c.catalog_name == sa.bindparam("catalog"),
    _ROWS.c.table_namespace == sa.bindparam("db_schema"),
    _ROWS.c.table_name == sa.bindparam("table"),
)


@dataclass(frozen=True, slots=True)
class SqlPointers:
    """The rows of the catalog that is called *written_as* in the database of *engine*."""

    engine: sa.Engine
    written_as: str

    def heads(self) -> dict[tuple[str, str], str]:
        """Return the locations of the metadata files of all tables; see ``unread.ListsHeads``."""
        query = sa.select(
            _ROWS.c.table_namespace, _ROWS.c.table_name, _ROWS.c.metadata_location
        ).where(_ROWS.c.catalog_name == self.written_as)
        with self.engine.connect() as connection:
            return {(row[0], row[1]): row[2] or "" for row in connection.execute(query)}

    def pointer(self, db_schema: str, table: str) -> str | None:
        """Return the location of a table's metadata file; None if there is no such table."""
        which = {"catalog": self.written_as, "db_schema": db_schema, "table": table}
        with self.engine.connect() as connection:
            found = connection.execute(_POINTER, which).first()
        if found is None:
            return None
        if not found[0]:
            raise Unsupported(f"table {quote(table)} has no metadata in its catalog")
        return str(found[0])

    def swap(self, db_schema: str, table: str, old: str | None, new: str | None) -> bool:
        """Put *new* in the place of *old*; see ``PointedTables.swap``."""
        if old is None:
            return self._make(db_schema, table, str(new))
        here = [*self._row(db_schema, table), _ROWS.c.metadata_location == old]
        change: sa.Delete | sa.Update = sa.delete(_ROWS).where(*here)
        if new is not None:
            values = {"metadata_location": new, "previous_metadata_location": old}
            change = sa.update(_ROWS).where(*here).values(values)
        with self._writing() as connection:
            return connection.execute(change).rowcount == 1

    def swap_name(self, db_schema: str, table: str, old: str, to: TableIdentifier) -> bool:
        """Give a table another name; see ``PointedTables.swap_name``."""
        here = [*self._row(db_schema, table), _ROWS.c.metadata_location == old]
        values = {"table_namespace": to.db_schema, "table_name": to.table}
        try:
            with self._writing() as connection:
                change = sa.update(_ROWS).where(*here).values(values)
                return connection.execute(change).rowcount == 1
        except IntegrityError:  # the name is the key
            return False

    def property_of(self, db_schema: str, key: str) -> str | None:
        """Return a property of a schema."""
        query = sa.select(_PROPERTIES.c.property_value).where(
            _PROPERTIES.c.catalog_name == self.written_as,
            _PROPERTIES.c.namespace == db_schema,
            _PROPERTIES.c.property_key == key,
        )
        with self.engine.connect() as connection:
            found = connection.execute(query).first()
        return None if found is None else str(found[0])

    def _make(self, db_schema: str, table: str, new: str) -> bool:
        values = {
            "catalog_name": self.written_as,
            "table_namespace": db_schema,
            "table_name": table,
            "metadata_location": new,
            "previous_metadata_location": None,
        }
        # The column came with the catalog's second schema version.
        with self.engine.connect() as connection:
            columns = {c["name"] for c in sa.inspect(connection).get_columns(_ROWS.name)}
        rows: sa.TableClause = _ROWS
        if "iceberg_type" in columns:
            rows = sa.table(_ROWS.name, *map(sa.column, [*values, "iceberg_type"]))
            values["iceberg_type"] = "TABLE"
        try:
            with self._writing() as connection:
                connection.execute(sa.insert(rows).values(values))
        except IntegrityError:  # the name is the key
            return False
        return True

    def make_schema(self, db_schema: str) -> None:
        """Make a schema; does nothing if it is there."""
        values = {
            "catalog_name": self.written_as,
            "namespace": db_schema,
            "property_key": "exists",
            "property_value": "true",
        }
        with suppress(IntegrityError), self._writing() as connection:  # the name is the key
            connection.execute(sa.insert(_PROPERTIES).values(values))

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as failure:
            code = getattr(failure.orig, "pgcode", None)
            # SQLite's own code came with Python 3.11: the file, or what it lies on, is read-only.
            name = getattr(failure.orig, "sqlite_errorname", "")
            if code in _READ_ONLY or name.startswith("SQLITE_READONLY"):
                raise WritingRefused(
                    "the catalog's database does not let this server write"
                ) from failure
            raise

    def _row(self, db_schema: str, table: str) -> list[sa.ColumnElement[bool]]:
        return [
            _ROWS.c.catalog_name == self.written_as,
            _ROWS.c.table_namespace == db_schema,
            _ROWS.c.table_name == table,
        ]

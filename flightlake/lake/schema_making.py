"""Making a schema for the server's own tables, in catalogs that let it."""

from typing import Protocol, runtime_checkable

from flightlake.errors import NotFound
from flightlake.lake.catalogs import Catalog


@runtime_checkable
class SchemaMaker(Protocol):
    """A catalog in which schemas can be made.  Thread-safe."""

    def make_schema(self, db_schema: str) -> None:
        """Make a schema; does nothing if it is there.

        Raises:
            NotPermitted: The catalog does not let this server.
            NotReady: The catalog does not answer.
        """
        ...


def ensure_schema(catalog: Catalog, db_schema: str) -> None:
    """Make a schema if it is not there.

    Raises:
        NotFound: It is not there, and is not made here in catalogs of this type.
        NotPermitted: The catalog does not let this server.
        NotReady: The catalog does not answer.
    """
    if db_schema in catalog.db_schemas():
        return
    if not isinstance(catalog, SchemaMaker):
        raise NotFound(
            f"schema '{db_schema}' does not exist in catalog '{catalog.name}'; make it with another"
            " Iceberg engine"
        )
    catalog.make_schema(db_schema)

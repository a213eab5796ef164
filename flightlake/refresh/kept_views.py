"""The views of the writable catalogs, as their upkeep finds them."""

from collections.abc import Iterator

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, NotFound, PreconditionFailed, Unsupported
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed, current
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.reach import stored_key
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier


def writable_catalogs(
    catalogs: Catalogs, writable: frozenset[str]
) -> Iterator[tuple[str, WritableCatalog]]:
    """Yield those of *catalogs* that are called as *writable* says, and can be written."""
    for name in sorted(writable):
        catalog = catalogs.get(name)
        if catalog is not None and isinstance(catalog, WritableCatalog):
            yield name, catalog


def kept_views(
    catalogs: Catalogs, writable: frozenset[str], call: Cancellation
) -> Iterator[Committed]:
    """Yield all views, as they are now; such as cannot be read are left out.

    Raises:
        NotReady: A catalog does not answer.
        FlightlakeError: The reason of *call*.
    """
    for name, catalog in writable_catalogs(catalogs, writable):
        for db_schema in catalogs[name].db_schemas():
            try:
                tables = catalog.materialized_views(db_schema)
            except NotFound:  # dropped since it was listed
                continue
            for table in tables:
                call.check()
                try:
                    found = current(catalog, TableIdentifier(name, db_schema, table))
                except (DamagedData, Unsupported):  # then it is not refreshed either
                    continue
                if found is not None and is_materialized_view(found.metadata):
                    yield found


def marks(view: Committed) -> tuple[object, ...]:
    """Return what no two views have in common, unless it is one table with two names.

    Two catalogs may give one store different names, or the table different folders.
    """
    folder = stored_key(view.store, view.metadata.location).rstrip("/")
    return (view.store.place, folder), str(view.metadata.table_uuid)


def shared(view: Committed) -> PreconditionFailed:
    return PreconditionFailed(
        f"{view.identifier} is in one folder with another view, or is the same table, as one is"
        " that two catalogs know; nothing is deleted, as each has files that the other does not"
        " know of"
    )

"""What a client is told of a name that nothing has."""

from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from flightlake.errors import NotFound
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.views import views_in
from flightlake.names import TableIdentifier, nearest, quote

NO_CATALOG = "(no catalog)"
NO_SCHEMA = "(no schema)"
"""What the engine takes for a name's missing parts, where the session has no defaults."""
INFORMATION_SCHEMA = "information_schema"


def missing(catalogs: Catalogs, identifier: TableIdentifier) -> NotFound:
    """Return the error for a table that is not there, with the nearest name that is."""
    catalog = catalogs.get(identifier.catalog)
    if identifier.db_schema == INFORMATION_SCHEMA and catalog is not None:
        return NotFound(
            f"{INFORMATION_SCHEMA} has no {quote(identifier.table)} here; it has columns,"
            " schemata, tables and views"
        )
    if identifier.db_schema == SYSTEM:
        near = nearest(identifier.table, SCHEMAS)
        hint = f"; did you mean '{near}'?" if near else f"; it has {', '.join(SCHEMAS)}"
        return NotFound(f"{SYSTEM} has no table {quote(identifier.table)}{hint}")
    if identifier.db_schema == NO_SCHEMA:
        return NotFound(
            f"table {quote(identifier.table)} has no schema in front of it, and the session no"
            " default: write schema.table, or set the session option 'schema'"
        )
    if identifier.catalog == NO_CATALOG:
        return NotFound(
            f"table {quote(identifier.table)} has no catalog in front of it, and the session no"
            " default: write catalog.schema.table, or set the session option 'catalog'"
        )
    if catalog is None:
        known = ", ".join(sorted(catalogs)) or "none"
        return NotFound(
            f"catalog '{identifier.catalog}' does not exist (known: {known}); a schema of"
            ' several levels is one quoted name, as in catalog."bronze.inventory".orders'
        )
    schemas = catalog.db_schemas()
    if identifier.db_schema not in schemas:
        near = nearest(identifier.db_schema, schemas)
        hint = f"; did you mean '{near}'?" if near else ""
        return NotFound(
            f"schema '{identifier.db_schema}' does not exist in catalog"
            f" '{identifier.catalog}'{hint}"
        )
    names = [*catalog.tables(identifier.db_schema), *views_in(catalog, identifier.db_schema)]
    near = nearest(identifier.table, names)
    hint = f"; did you mean '{near}'?" if near else ""
    return NotFound(f"table {identifier} does not exist{hint}")

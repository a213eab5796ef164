"""What to say when a name is not there."""

from collections.abc import Iterable

from flightlake.errors import NotFound
from flightlake.names import TableIdentifier, nearest


def no_schema(catalog: str, db_schema: str, known: Iterable[str]) -> NotFound:
    """Return the error for a schema that *catalog* does not have."""
    hint = nearest(db_schema, known)
    meant = f"; did you mean '{hint}'?" if hint else ""
    return NotFound(f"catalog '{catalog}' has no schema '{db_schema}'{meant}")


def no_table(identifier: TableIdentifier, known: Iterable[str]) -> NotFound:
    """Return the error for a table that its schema, whose tables are *known*, does not have."""
    hint = nearest(identifier.table, known)
    meant = f"; did you mean '{hint}'?" if hint else ""
    return NotFound(f"table {identifier} does not exist{meant}")

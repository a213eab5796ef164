"""Notes that a server keeps in properties of a table of its own, set and taken away one by one."""

from collections.abc import Collection, Mapping

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import RemovePropertiesUpdate, SetPropertiesUpdate, TableUpdate

from flightlake.lake.commits import Refused, current
from flightlake.lake.property_changes import changed_properties
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier

_TRIES = 10


def marks_of(
    catalog: WritableCatalog, table: TableIdentifier, prefix: str
) -> Mapping[str, str] | None:
    """Return the properties of *table* whose names begin with *prefix*, by the rest of their names.

    None if there is no such table.

    Raises:
        FlightlakeError: The catalog does not answer, or the table cannot be read.
    """
    found = current(catalog, table)
    if found is None:
        return None
    return {
        name.removeprefix(prefix): text
        for name, text in found.metadata.properties.items()
        if name.startswith(prefix)
    }


def change_marks(
    catalog: WritableCatalog,
    table: TableIdentifier,
    wanted: Mapping[str, str],
    gone: Collection[str] = (),
) -> bool:
    """Set the properties *wanted* of *table* and take away *gone*; whoever loses a race goes on.

    Returns whether there is such a table.

    Raises:
        Refused: Others were first each time.
        OutcomeUnknown: It is not known whether it was done.
        FlightlakeError: It was not done.
    """

    def holds(metadata: TableMetadata) -> bool:
        found = metadata.properties
        return not (found.keys() & set(gone)) and wanted.items() <= found.items()

    for left in reversed(range(_TRIES)):
        base = current(catalog, table)
        if base is None:
            return False
        if holds(base.metadata):
            return True
        removed = [name for name in gone if name in base.metadata.properties]
        updates: list[TableUpdate] = []
        if wanted:
            updates.append(SetPropertiesUpdate(updates=dict(wanted)))
        if removed:
            updates.append(RemovePropertiesUpdate(removals=removed))
        try:
            changed_properties(catalog, base, updates, holds)
            return True
        except Refused:
            if not left:
                raise
    return False  # pragma: no cover - the last try returns or raises

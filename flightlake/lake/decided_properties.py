"""Properties of a table changed by whoever has looked at it, again if somebody was first."""

from collections.abc import Callable, Mapping

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import SetPropertiesUpdate

from flightlake.lake.commits import Committed, Refused, current
from flightlake.lake.property_changes import changed_properties
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier

Decide = Callable[[Committed], Mapping[str, str]]
"""What the properties of a table become, seeing what it is; nothing if it is right already."""

_TRIES = 5


def change_properties(
    catalog: WritableCatalog, identifier: TableIdentifier, decide: Decide
) -> Committed | None:
    """Let *decide* say what changes, and commit that; whoever loses a race decides anew.

    Returns the table after it, or as it was; None if there is none.

    Raises:
        Refused: Others were first each time.
        OutcomeUnknown: It is not known whether it was committed.
        FlightlakeError: The catalog does not answer, or *decide* raised.
    """
    for left in reversed(range(_TRIES)):
        base = current(catalog, identifier)
        if base is None:
            return None
        found = base.metadata.properties
        wanted = {name: text for name, text in decide(base).items() if found.get(name) != text}
        if not wanted:
            return base
        updates = [SetPropertiesUpdate(updates=wanted)]
        try:
            return changed_properties(catalog, base, updates, _holding(wanted))
        except Refused:
            if not left:
                raise
    return None  # pragma: no cover - the last try returns or raises


def _holding(wanted: Mapping[str, str]) -> Callable[[TableMetadata], bool]:
    def holds(metadata: TableMetadata) -> bool:
        return all(metadata.properties.get(name) == text for name, text in wanted.items())

    return holds

"""What happened to the sources of a view since its rows were made."""

from collections.abc import Mapping
from dataclasses import dataclass

from flightlake.cancellation import Cancellation
from flightlake.lake.changes import Changes, Unclear, changes, same_columns
from flightlake.lake.portions import Portion
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier
from flightlake.refresh.records import Source
from flightlake.refresh.sources import Vector, place


@dataclass(frozen=True, slots=True)
class Window:
    """A source as the rows were made of it, as it is now, and what happened in between."""

    before: Source
    now: Source
    happened: Changes | Unclear

    @property
    def identifier(self) -> TableIdentifier:
        return self.now.identifier

    @property
    def moved(self) -> bool:
        """Whether the source stands elsewhere than before, with other rows or not."""
        return self.before != self.now

    @property
    def changes(self) -> Changes | None:
        """What changed of its rows; None if nothing did, or it cannot be told."""
        found = self.happened
        return found if isinstance(found, Changes) and not found.none else None

    @property
    def portions(self) -> tuple[Portion, ...]:
        """The files that came or went, as files: what is deleted of their rows does not count."""
        found = self.changes
        if found is None:
            return ()
        return tuple(Portion(one.chosen) for one in (*found.added, *found.removed))


def windows(
    before: tuple[Source, ...], vector: Vector, cancellation: Cancellation
) -> tuple[Window, ...]:
    """Return the window of each source of *vector*, by name; changes nothing.

    A source that the rows were not made of is ``Unclear``, as is one that was made anew.

    Raises:
        NotReady: A store does not answer.
        FlightlakeError: The reason of *cancellation*.
    """
    known = {source.identifier: source for source in before}
    return tuple(
        Window(old, now, _happened(old, now, vector.survey.tables, cancellation))
        for now in vector.sources
        for old in [known.get(now.identifier, now)]
    )


def _happened(
    old: Source,
    now: Source,
    tables: Mapping[TableIdentifier, IcebergTable],
    cancellation: Cancellation,
) -> Changes | Unclear:
    name = now.identifier
    if old == now:
        return Changes(())
    if old.uuid != now.uuid or old.kind != now.kind:
        return Unclear(f"{name} was dropped and made anew")
    if now.kind != "table":
        return Unclear(f"{name} is a view, whose definition has changed")
    table = tables[name]
    if not same_columns(table, old.schema_id, now.schema_id):
        return Unclear(f"the columns of {name} were changed")
    if old.naming != now.naming:
        return Unclear(f"the name mapping of {name} was changed")
    found = changes(table, old.snapshot_id, now.snapshot_id, cancellation)
    if isinstance(found, Unclear):
        moved = f"{name} moved from {place(old.snapshot_id)} to {place(now.snapshot_id)}"
        return Unclear(f"{moved}, and {found.reason}")
    return found

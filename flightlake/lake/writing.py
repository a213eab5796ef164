"""What a catalog must offer so that tables can be written.

Catalogs differ in what one commit compares.  Those that keep a pointer to a metadata file
(``pointers``) compare all of a table.  A REST catalog (``rest_writing``) compares what it is told
to: the table's identity, its head, columns and partitions, but no properties.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableUpdate

from flightlake.errors import NotPermitted, Unsupported
from flightlake.lake.stores import StoreSettings
from flightlake.names import TableIdentifier


class Lost(Exception):
    """No answer came, or none that tells: it may have been done, or may yet be."""


class WritingRefused(NotPermitted):
    """The catalog does not let this server write.  Nothing was done."""


class CannotRename(Unsupported):
    """The catalog cannot give a table another name in one step.  Nothing was done."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A table as it is in its catalog: ``location`` is that of its metadata file."""

    identifier: TableIdentifier
    location: str
    metadata: TableMetadata
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class Fresh:
    """A table that is not in its catalog yet: ``metadata`` is what it begins with."""

    identifier: TableIdentifier
    metadata: TableMetadata
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class Refusal:
    """The table is not what it was, so nothing was done; ``left`` are files that are of no use."""

    left: tuple[str, ...] = ()


@runtime_checkable
class WritableCatalog(Protocol):
    """A catalog whose tables can be made, changed and taken away.  Thread-safe.

    Nothing is tried twice, neither by it nor by the libraries underneath: whoever sends a change
    again must first ask what became of it (``commits``).  Wherever a change may raise ``Lost``,
    any other ``FlightlakeError`` says that certainly nothing was done.
    """

    def current(self, identifier: TableIdentifier) -> Committed | None:
        """Return a table as it is now, with all of its metadata; None if there is none.

        Raises:
            Unsupported: Its metadata is of a kind that is not written.
            DamagedData: Its metadata file is missing.
            NotReady: The catalog or the store does not answer.
        """
        ...

    def fresh(
        self,
        identifier: TableIdentifier,
        schema: Schema,
        spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Fresh:
        """Return a table to be, in a place of its own; the catalog may number its columns anew.

        Nobody sees it before ``attempt``.

        Raises:
            NotFound: There is no such schema.
            Unsupported: The catalog does not say where tables go, or makes none with content.
            NotReady: The catalog does not answer.
        """
        ...

    def attempt(
        self, base: Committed | Fresh, updates: Sequence[TableUpdate]
    ) -> Committed | Refusal:
        """Apply *updates* to a table once, if it still is *base*; a ``Fresh`` one is made.

        Raises:
            Lost: Whether it was done, or still will be, is not known.
            FlightlakeError: It was not done, and will not be.
        """
        ...

    def drop(self, table: Committed) -> bool:
        """Take *table* out of the catalog, if it still is what it was; its files stay.

        Returns:
            False if certainly nothing was done, because something else is there, or nothing.

        Raises:
            Lost: Whether it was done, or still will be, is not known.
            FlightlakeError: It was not done, and will not be.
        """
        ...

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        """Give *table*, if it still is what it was, another name in this catalog.

        Returns:
            False if certainly nothing was done, because the table is another now, or the new
            name is taken.

        Raises:
            CannotRename: The catalog cannot do this in one step.
            Lost: Whether it was done, or still will be, is not known.
            FlightlakeError: It was not done, and will not be.
        """
        ...

    def compares_properties(self) -> bool:
        """Return whether ``attempt`` refuses a table of which just properties have changed."""
        ...

    def materialized_views(self, db_schema: str) -> list[str]:
        """Return the names of the tables in *db_schema* that hold materialized views, sorted.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        ...

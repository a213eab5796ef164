"""What a catalog must offer so that tables can be written: one compare-and-swap."""

from typing import Protocol, runtime_checkable

from flightlake.lake.stores import StoreSettings


@runtime_checkable
class Pointers(Protocol):
    """A catalog that can change which metadata file is a table's.  Thread-safe."""

    def pointer(self, db_schema: str, table: str) -> str | None:
        """Return the location of the table's metadata file now; None if there is no such table.

        Raises:
            NotReady: The catalog does not answer.
        """
        ...

    def swap(self, db_schema: str, table: str, old: str | None, new: str | None) -> bool:
        """Put *new* in the place of *old*, in one step, and only if *old* is there.

        Without *old* the table is made, without *new* it is taken out of the catalog.  Tried
        once, never again.

        Returns:
            True if it was done; False if certainly not, because something else is there.

        Raises:
            FlightlakeError: Whether it was done, or still will be, is not known.
        """
        ...

    def new_location(self, db_schema: str, table: str) -> str:
        """Return where the files of a new table go; a directory of its own.

        Raises:
            NotFound: There is no such schema.
            Unsupported: The catalog does not say where tables go.
        """
        ...

    def store(self, location: str) -> StoreSettings:
        """Return how files at *location* are reached."""
        ...

    def materialized_views(self, db_schema: str) -> list[str]:
        """Return the names of the tables in *db_schema* that hold materialized views, sorted.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        ...

"""The upkeep of a stored history: old rows and snapshots go, past days become one file.

What is in its folder and of no use goes as well: each commit leaves a metadata file behind.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.engine.system_tables import REFRESH_HISTORY, STORED
from flightlake.errors import PreconditionFailed
from flightlake.lake.commits import Committed, Refused, current
from flightlake.lake.daily import days_of
from flightlake.lake.expiry import expire
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.lake.replacement import Replacement
from flightlake.lake.retention import expirable
from flightlake.lake.snapshots import Change
from flightlake.lake.unreferenced import remove_unreferenced
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier

TABLE = "refresh_history"
TERMS = (LayoutTerm("day", "started"),)
_ROWS = 500_000  # of a day, which are held in memory
_COLUMNS = pa.schema([field.with_nullable(True) for field in REFRESH_HISTORY])


@dataclass(frozen=True, slots=True)
class HistoryUpkeep:
    """What is kept of a history.

    Args:
        retention: How long rows are kept.
        readers: For how long a reader may need a snapshot that was current when it began.
        unreferenced_age: After what time files go that no snapshot reaches.
        files: How many files a day may have once it is over.
    """

    retention: timedelta
    readers: timedelta
    unreferenced_age: timedelta = timedelta(days=1)
    files: int = 4

    def run(
        self, catalog: WritableCatalog, name: TableIdentifier, now: datetime, call: Cancellation
    ) -> None:
        """Do what there is to do for the table *name*.

        Raises:
            FlightlakeError: It cannot be done; nothing is lost.  Or the reason of *call*.
        """
        with suppress(Refused):  # another process writes, and may be at it, too
            self._shrink(catalog, name, now, call)
            self._expire(catalog, name, now, call)
            self._clean(catalog, name, now, call)

    def _shrink(
        self, catalog: WritableCatalog, name: TableIdentifier, now: datetime, call: Cancellation
    ) -> None:
        base = ours(catalog, name)
        if base is None:
            return
        found, today = days_of(base), now.astimezone(UTC).date()
        oldest = (now - self.retention).astimezone(UTC).date()
        leave = found.before(oldest)
        if leave is not None:
            _commit(catalog, base, (), now, leave)
        for day in found.crowded(today, self.files, _ROWS):
            call.check()
            base = ours(catalog, name)
            if base is None or day < oldest:
                continue
            # As they are now: others may have stored rows of that day since.
            found = days_of(base)
            rows = found.rows(day, _COLUMNS).sort_by("started").combine_chunks()
            _commit(catalog, base, rows.to_batches(), now, found.anew(day))

    def _expire(
        self, catalog: WritableCatalog, name: TableIdentifier, now: datetime, call: Cancellation
    ) -> None:
        base = ours(catalog, name)
        going = [] if base is None else expirable(base.metadata, now, self.readers, ())
        if base is not None and going:
            expire(catalog, base, going, call)

    def _clean(
        self, catalog: WritableCatalog, name: TableIdentifier, now: datetime, call: Cancellation
    ) -> None:
        base = ours(catalog, name)
        # Elsewhere it is not told what all is reached (``remove_unreferenced``).
        if base is not None and catalog.compares_properties():
            remove_unreferenced(catalog, base, now, self.unreferenced_age, call)


def ours(catalog: WritableCatalog, name: TableIdentifier) -> Committed | None:
    """Return the table that holds a history; None if there is none yet.

    Raises:
        PreconditionFailed: A table of that name is somebody else's.
        FlightlakeError: The catalog does not answer.
    """
    found = current(catalog, name)
    if found is not None and found.metadata.properties.get(STORED) != TABLE:
        raise PreconditionFailed(
            f"{name} is a table of somebody else; drop it or give it another name"
        )
    return found


def _commit(
    catalog: WritableCatalog,
    base: Committed,
    rows: Sequence[pa.RecordBatch],
    now: datetime,
    change: Change,
) -> None:
    new = Replacement(catalog, base.identifier, base, REFRESH_HISTORY, TERMS)
    try:
        for batch in rows:
            new.write(batch)
    except BaseException:
        new.discard()
        raise
    new.commit(({STORED: TABLE}, {}), now, lambda: None, change)

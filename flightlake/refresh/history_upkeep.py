"""The upkeep of a stored history: old rows go, past days become one file, old snapshots go."""

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
        files: How many files a day may have once it is over.
    """

    retention: timedelta
    readers: timedelta
    files: int = 4

    def run(self, catalog: WritableCatalog, name: TableIdentifier, now: datetime) -> None:
        """Do what there is to do for the table *name*.

        Raises:
            FlightlakeError: It cannot be done; nothing is lost.
        """
        with suppress(Refused):  # another process writes, and may be at it, too
            self._shrink(catalog, name, now)
            self._expire(catalog, name, now)

    def _shrink(self, catalog: WritableCatalog, name: TableIdentifier, now: datetime) -> None:
        base = ours(catalog, name)
        if base is None:
            return
        found, today = days_of(base), now.astimezone(UTC).date()
        oldest = (now - self.retention).astimezone(UTC).date()
        leave = found.before(oldest)
        if leave is not None:
            _commit(catalog, base, (), now, leave)
        for day in found.crowded(today, self.files, _ROWS):
            base = ours(catalog, name)
            if base is None or day < oldest:
                continue
            # As they are now: others may have stored rows of that day since.
            found = days_of(base)
            rows = found.rows(day, _COLUMNS).sort_by("started").combine_chunks()
            _commit(catalog, base, rows.to_batches(), now, found.anew(day))

    def _expire(self, catalog: WritableCatalog, name: TableIdentifier, now: datetime) -> None:
        base = ours(catalog, name)
        going = [] if base is None else expirable(base.metadata, now, self.readers, ())
        if base is not None and going:
            expire(catalog, base, going, Cancellation())


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

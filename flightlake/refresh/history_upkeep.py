"""The upkeep of a stored history: old rows and old snapshots go."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flightlake.cancellation import Cancellation
from flightlake.engine.system_tables import REFRESH_HISTORY, STORED
from flightlake.errors import PreconditionFailed
from flightlake.lake.ageing import Before
from flightlake.lake.commits import Committed, Refused, current
from flightlake.lake.expiry import expire
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.lake.replacement import Replacement
from flightlake.lake.retention import expirable
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier

TABLE = "refresh_history"
TERMS = (LayoutTerm("day", "started"),)


@dataclass(frozen=True, slots=True)
class HistoryUpkeep:
    """What is kept of a history.

    Args:
        retention: How long rows are kept.
        readers: For how long a reader may need a snapshot that was current when it began.
    """

    retention: timedelta
    readers: timedelta

    def run(self, catalog: WritableCatalog, name: TableIdentifier, now: datetime) -> None:
        """Let old rows go from the table *name*, and snapshots that nobody reads any more.

        Raises:
            FlightlakeError: It cannot be done; nothing is lost.
        """
        base = ours(catalog, name)
        if base is None:
            return
        old = Before((now - self.retention).astimezone(UTC).date())
        new = Replacement(catalog, name, base, REFRESH_HISTORY, TERMS)
        with suppress(_NothingOld, Refused):  # another process may be at it
            new.commit(({}, {}), now, lambda: _require(old.met > 0), old.leave)
        base = ours(catalog, name)
        going = [] if base is None else expirable(base.metadata, now, self.readers, ())
        if base is not None and going:
            with suppress(Refused):
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


class _NothingOld(Exception):
    """No file is old enough to go."""


def _require(found: bool) -> None:
    if not found:
        raise _NothingOld

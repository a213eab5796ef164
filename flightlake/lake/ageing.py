"""Old days leave a table that is cut by day: their files go, none is rewritten."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from pyiceberg.manifest import DataFile

from flightlake.lake.snapshots import Change, exchanged

_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class Before:
    """The files of the days before ``day``; counts those it has met, in ``met``."""

    day: date
    met: int = 0

    @property
    def leave(self) -> Change:
        """What becomes of the table (``snapshots``): these files go."""
        return partial(exchanged, self._is_old)

    def _is_old(self, file: DataFile) -> bool:
        found = file.partition[0]
        if found is None:
            return False
        days = (found - _EPOCH).days if isinstance(found, date) else int(found)
        old = days < (self.day - _EPOCH).days
        self.met += old
        return old

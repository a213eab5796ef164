"""Plans of statements that were planned before, used again while their tables are the same.

Most statements come again: a driver prepares one before it runs it, a dashboard asks the same every
minute.  The catalogs are asked each time; what is saved is to parse, to resolve names and to find
the files.  Only statements whose meaning is wholly in their text, the session's defaults and the
current state of Iceberg tables are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flightlake.engine.defaults import Defaults
from flightlake.engine.sql_text import Kind, SqlText
from flightlake.engine.tables import StatementTables
from flightlake.errors import FlightlakeError
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

P = TypeVar("P")

_MAX_BYTES = 32 << 20
_BYTES = 20_000  # of a plan, about
_BYTES_PER_FILE = 1_000


@dataclass(frozen=True, slots=True)
class _Known(Generic[P]):
    plan: P
    tables: Mapping[TableIdentifier, IcebergTable]


class KnownPlans(Generic[P]):
    """Keeps plans.  Thread-safe."""

    def __init__(self) -> None:
        self._known: BoundedCache[tuple[SqlText, Defaults], _Known[P]] = BoundedCache(_MAX_BYTES)

    def find(self, text: SqlText, defaults: Defaults, tables: StatementTables) -> P | None:
        """Return the plan of *text* if all its tables are as they were, in *tables*."""
        known = self._known.get((text, defaults))
        if known is None:
            return None
        try:
            same = all(_same(table, tables.load(name)) for name, table in known.tables.items())
        except FlightlakeError:
            return None  # planning tells better what is wrong
        return known.plan if same else None

    def keep(
        self,
        text: SqlText,
        defaults: Defaults,
        tables: StatementTables,
        plan: P,
        paths: Mapping[TableIdentifier, Sequence[Sequence[str]]],
    ) -> None:
        """Keep *plan* of *text*, whose scans are of *paths*, if it can be used again."""
        if text.kind is not Kind.SELECT or text.reads_clock or not tables.only_tables:
            return
        files = sum(len(scan) for scans in paths.values() for scan in scans)
        size = _BYTES + len(text.sql) + files * _BYTES_PER_FILE
        self._known.put((text, defaults), _Known(plan, tables.loaded), size)


def _same(before: IcebergTable, now: IcebergTable | None) -> bool:
    # Catalogs parse a metadata file once, and it never changes.
    return now is not None and before.metadata is now.metadata and before == now

"""Plans of statements that were planned before, used again while their tables are the same.

Most statements come again: a driver prepares one before it runs it, a dashboard asks the same every
minute.  The catalogs are asked each time; what is saved is to parse, to resolve names and to find
the files.  Only statements whose meaning is wholly in their text, the session's defaults and the
current state of Iceberg tables are kept.
"""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flightlake.engine.defaults import Defaults
from flightlake.engine.sql_text import Kind, SqlText
from flightlake.engine.tables import StatementTables
from flightlake.errors import FlightlakeError
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.stores import StoreSettings
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

P = TypeVar("P")

_MAX_BYTES = 16 << 20
_BYTES = 20_000  # of a plan, about
_BYTES_PER_FILE = 1_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """A table as it was seen, without its metadata, which may be large and is another's to keep."""

    metadata: "weakref.ref[Any]"
    snapshot_id: int | None
    schema_id: int
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class _Known(Generic[P]):
    plan: P
    tables: Mapping[TableIdentifier, _Seen]


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
        """Keep *plan* of *text*, whose scans are of *paths*, if it can be used again.

        *plan* should hold no tables: those that ``find`` has loaded are the same.
        """
        if text.kind is not Kind.SELECT or text.reads_clock or not tables.only_tables:
            return
        files = sum(len(scan) for scans in paths.values() for scan in scans)
        size = _BYTES + len(text.sql) + files * _BYTES_PER_FILE
        seen = {name: _seen(table) for name, table in tables.loaded.items()}
        self._known.put((text, defaults), _Known(plan, seen), size)


def _seen(table: IcebergTable) -> _Seen:
    return _Seen(weakref.ref(table.metadata), table.snapshot_id, table.schema_id, table.store)


def _same(before: _Seen, now: IcebergTable | None) -> bool:
    # Catalogs parse a metadata file once while they keep it, and it never changes.
    return (
        now is not None
        and before.metadata() is now.metadata
        and before.snapshot_id == now.snapshot_id
        and before.schema_id == now.schema_id
        and before.store == now.store
    )

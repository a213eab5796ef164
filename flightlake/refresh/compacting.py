"""Small files of views put together: rows read by the engine, and written as they are.

A view is left alone if it is not certain that its rows are what its state says: somebody else
wrote into its table, rolled it back, or gave it other columns.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.engine import Defaults, Engine
from flightlake.engine.sql_text import read
from flightlake.errors import InternalError
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.compaction import Compacted, Rewriting, Told, is_unchanged
from flightlake.lake.crowding import crowding
from flightlake.lake.encoding import ENCODING, Encoding
from flightlake.lake.materialized import (
    STATE,
    columns_of,
    is_materialized_view,
    told_of_snapshot,
)
from flightlake.lake.small_files import SMALLNESS, Lot, Smallness
from flightlake.lake.table import IcebergTable
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier, quote_always
from flightlake.refresh.records import (
    REASON,
    REFRESH_ENDED,
    REFRESH_ID,
    REFRESH_STATE,
    STRATEGY,
    state_of,
)

COMPACT = "COMPACT"

Alone = Callable[[TableIdentifier], AbstractContextManager[bool]]
"""While entered, nobody else in this process refreshes the view; gives whether that is so."""


@dataclass(frozen=True, slots=True)
class Compactor:
    """Puts small files of views together.  Thread-safe.

    Args:
        engine: Reads the rows.
        catalogs: What the server itself reads.
        clock: The time.
        small: What is small, and how many are many.
        encoding: How large files are; one is encoded at a time.
        alone: Keeps refreshes of this process off while the commit is made.
    """

    engine: Engine
    catalogs: Catalogs
    clock: Clock
    small: Smallness = SMALLNESS
    encoding: Encoding = ENCODING
    alone: Alone = lambda view: nullcontext(True)
    _done: dict[str, int] = field(default_factory=dict)

    def compact(self, catalog: WritableCatalog, view: Committed, call: Cancellation) -> Compacted:
        """Put small files of *view* together, if there are many.

        Raises:
            OutcomeUnknown: It is not known whether it was committed; nothing is deleted.
            Unsupported: The table has delete files.
            FlightlakeError: Rows cannot be read or written; nothing has changed.  Or the reason
                of *call*.
        """
        uuid, head = str(view.metadata.table_uuid), view.metadata.current_snapshot_id
        # Most have not moved since they were last looked at.
        if not self.small.least or head is None or self._done.get(uuid) == head:
            return Compacted()
        if not _is_ours(view):
            return Compacted()
        table = self.catalogs[view.identifier.catalog].load(
            view.identifier.db_schema, view.identifier.table
        )
        if table.uuid != uuid or table.snapshot_id != head:
            return Compacted()  # it moves; the next time will do
        found = crowding(view, table.planner, self.small, self.encoding.file_bytes, call)
        if not found.lots and not found.manifests:
            self._done[uuid] = head
            return Compacted()
        encoding = replace(self.encoding, at_once=1)
        new = Rewriting(catalog, view, found.lots, self.small, encoding, call)
        try:
            for lot in found.lots:
                new.write(lot, lambda take, lot=lot: self._draw(table, lot, take, call))  # type: ignore[misc]
        except BaseException:
            new.discard()
            raise
        told = _Told(f"{sum(len(lot.paths) for lot in found.lots)} small files were put together")
        return new.commit(self.alone(view.identifier), told, self.clock.now())

    def _draw(
        self,
        table: IcebergTable,
        lot: Lot,
        take: Callable[[pa.RecordBatch], None],
        call: Cancellation,
    ) -> None:
        """Give the rows of *lot*, all of one partition, to *take*, batch by batch."""
        name = table.identifier
        quoted = ".".join(map(quote_always, (name.catalog, name.db_schema, name.table)))
        pins = {name: Pin(table.snapshot_id, table.schema_id, table.uuid)}
        plan = self.engine.plan(
            read(f"SELECT * FROM {quoted}"),  # noqa: S608 - quoted
            Defaults("", ""),
            pins,
            {},
            self.clock.now(),
            call,
            self.catalogs,
            only={name: (lot.portion,)},
        )
        if dict(plan.pins) != pins or plan.schema.names != table.schema.names:
            raise InternalError("the rows would be read at another snapshot than was chosen")
        self.engine.start(plan, call).draw(take, call)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the table and its snapshot say after it: all that they said before, of the new one."""

    reason: str

    def __call__(self, view: Committed, snapshot_id: int) -> Told | None:
        metadata = view.metadata
        head = metadata.current_snapshot()
        if head is None or not _is_ours(view):
            return None
        before_id = json.loads(metadata.properties[STATE])["snapshot-id"]
        state = {**json.loads(metadata.properties[STATE]), "snapshot-id": snapshot_id}
        made = metadata.snapshot_by_id(before_id) or head
        ended = told_of_snapshot(metadata, before_id, REFRESH_ENDED) or str(made.timestamp_ms)
        before: Mapping[str, str] = {}
        if head.summary is not None:
            before = head.summary.additional_properties
        kept = {name: before[name] for name in (REFRESH_STATE, REFRESH_ID) if name in before}
        kept[REFRESH_ENDED] = ended
        return {STATE: json.dumps(state)}, {**kept, STRATEGY: COMPACT, REASON: self.reason}


def _is_ours(view: Committed) -> bool:
    """Return whether the table of *view* is as the view's last refresh left it."""
    metadata = view.metadata
    state = state_of(metadata.properties, str(metadata.table_uuid))
    if state is None or not is_materialized_view(metadata):
        return False
    if columns_of(metadata, state.snapshot_id) != metadata.current_schema_id:
        return False
    return is_unchanged(metadata, state.snapshot_id)

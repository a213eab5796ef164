"""Small files of a table put together: the same rows in fewer files, in one commit.

The rows are written while the table goes on.  If it has moved by the commit, but still has all
the files whose rows these are, only the commit is made anew; else this gives way.  The snapshot
says ``replace``, which to all who know Iceberg is: other files, the same rows.

Source: Iceberg spec, "Snapshots" (``operation``), "Commit Conflict Resolution and Retry".
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError, InternalError
from flightlake.lake.ancestry import ancestry
from flightlake.lake.arranging import Arrangement, Arranger
from flightlake.lake.commits import Gone, OutcomeUnknown, Refused, commit, current
from flightlake.lake.data_files import DataFiles
from flightlake.lake.encoding import Encoding
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.lake.listed_manifests import listed
from flightlake.lake.new_files import StoreFiles, remove
from flightlake.lake.small_files import Lot, Smallness
from flightlake.lake.snapshots import Content, rearranged
from flightlake.lake.writing import Committed, WritableCatalog

_TRIES = 5

Told = tuple[Mapping[str, str], Mapping[str, str]]
"""Properties of the table, and what its snapshot's summary says."""
Tell = Callable[[Committed, int], Told | None]
"""What is told of the table as it is now and the snapshot to come; None: leave it alone."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """How many ``files`` of ``bytes`` became ``into`` files, and which ``snapshot`` holds them.

    Without a ``snapshot`` nothing was changed: there was nothing to do, or somebody else was
    first.  ``manifests`` is how many there are fewer.
    """

    files: int = 0
    bytes: int = 0
    into: int = 0
    manifests: int = 0
    snapshot: int | None = None


class Rewriting:
    """Rows of some *lots* of a table's files written anew; used once, by one thread.

    Args:
        catalog: Where the table is.
        base: What it is; its head has the files of *lots*.
        lots: What is put together.
        small: What is small.
        encoding: How large files are, and how much is encoded at a time.
        call: Ends it.
    """

    def __init__(
        self,
        catalog: WritableCatalog,
        base: Committed,
        lots: Sequence[Lot],
        small: Smallness,
        encoding: Encoding,
        call: Cancellation,
    ) -> None:
        metadata = base.metadata
        self._catalog = catalog
        self._base = base
        self._lots = lots
        self._call = call
        self._named = False
        self._id = (uuid.uuid4().int >> 65) or 1
        self._spec = metadata.spec()
        self._schema = metadata.schema()
        self._subject = f"table {base.identifier}"
        self._going = _going(lots)
        self._likely = {one.ref.path for lot in lots for one in lot.portion.chosen}
        self._arranger = Arranger(self._going, small, self._spec.spec_id, call)
        self._files = DataFiles(
            base.store,
            f"{metadata.location.rstrip('/')}/data/{uuid.uuid4().hex}",
            self._schema,
            self._spec,
            _terms(metadata),
            self._subject,
            encoding,
        )

    def write(self, lot: Lot, draw: Callable[[Callable[[pa.RecordBatch], None]], None]) -> None:
        """Write the rows of *lot*, which *draw* gives.

        Raises:
            InternalError: They are not as many as its files have.
            FlightlakeError: They cannot be read or written.
        """
        before = self._files.rows
        draw(self._files.write)
        self._require(self._files.rows - before == lot.portion.rows)

    def commit(self, alone: AbstractContextManager[bool], tell: Tell, now: datetime) -> Compacted:
        """Make what was written the table's, if the table still has the files of before.

        While *alone* is entered, nobody else in this process changes the table; it gives whether
        it is.

        Raises:
            OutcomeUnknown: It is not known whether it was committed; nothing is deleted.
            FlightlakeError: It was not committed.
        """
        try:
            made = self._files.finish()
            self._require(
                sum(file.record_count for file in made)
                == self._files.rows
                == sum(rows for _, rows in self._going.values())
            )
            with alone as is_alone:
                for _ in range(_TRIES if is_alone else 0):
                    try:
                        return self._attempt(made, tell, now)
                    except Refused:
                        if self._named:
                            raise
        except _GivesWay:
            pass
        except BaseException:
            self.discard()
            raise
        self.discard()
        return Compacted()

    def discard(self) -> None:
        """Delete what was written, unless a table may name it."""
        if not self._named:
            self._files.discard()

    def _attempt(self, made: Sequence[DataFile], tell: Tell, now: datetime) -> Compacted:
        base = current(self._catalog, self._base.identifier)
        self._call.check()
        told = None if base is None or not self._alike(base.metadata) else tell(base, self._id)
        head = None if base is None else base.metadata.current_snapshot()
        if base is None or head is None or told is None:
            raise _GivesWay
        files = StoreFiles(base.store, self._subject)
        manifests = listed(head, files)
        arrangement = self._arranger.arranged(manifests, self._likely, files)
        if arrangement is None:
            raise _GivesWay
        self._require(_rows_by_partition(made) == _rows_by_partition(_gone(arrangement)))
        properties, summary = told
        content = Content(self._schema, self._spec, made, summary, properties)
        try:
            updates = rearranged(arrangement, base.metadata, content, self._id, now, files)
            self._require_same_rows(head, updates)
            self._call.check()
        except BaseException:
            remove(base.store, files.made)
            raise
        self._named = True
        try:
            commit(self._catalog, base, updates, self._holds)
        except (OutcomeUnknown, Gone):
            raise
        except FlightlakeError:  # only now it is certain that nothing names it
            self._named = False
            remove(base.store, files.made)
            raise
        # Nothing that can fail comes after this.
        now_there = len(arrangement.kept) + len(arrangement.merged)
        fewer = len(manifests) - now_there - bool(arrangement.gone) - bool(made)
        size = sum(size for size, _ in self._going.values())
        return Compacted(len(self._going), size, len(made), max(fewer, 0), self._id)

    def _alike(self, metadata: TableMetadata) -> bool:
        """Return whether the table has the columns and partitions that were written."""
        same = metadata.table_uuid == self._base.metadata.table_uuid
        return bool(
            same
            and metadata.current_schema_id == self._schema.schema_id
            and metadata.default_spec_id == self._spec.spec_id
        )

    def _holds(self, metadata: TableMetadata) -> bool:
        return metadata.snapshot_by_id(self._id) is not None

    def _require_same_rows(self, head: Snapshot, updates: Sequence[object]) -> None:
        snapshot = next(one.snapshot for one in updates if hasattr(one, "snapshot"))
        self._require(_count(snapshot, "added-records") == _count(snapshot, "deleted-records"))
        before = _count(head, "total-records")
        self._require(before is None or _count(snapshot, "total-records") == before)

    def _require(self, true: bool) -> None:
        if not true:
            raise InternalError(
                f"{self._subject} would have other rows after its small files were put together;"
                " they stay as they are"
            )


class _GivesWay(Exception):
    """The table has gone on, and what was written is of no use."""


def _going(lots: Sequence[Lot]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for lot in lots:
        for one in lot.portion.chosen:
            for row in one.rows.tolist():
                path, size, rows = one.manifest.file(row)
                found[path] = size, rows
    return found


def _terms(metadata: TableMetadata) -> list[LayoutTerm]:
    columns = {field.field_id: field.name for field in metadata.schema().fields}
    return [
        LayoutTerm(str(field.transform), columns[field.source_id])
        for field in metadata.spec().fields
    ]


def _gone(arrangement: Arrangement) -> list[DataFile]:
    return [entry.data_file for entry in arrangement.gone]


def _rows_by_partition(files: Sequence[DataFile]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for file in files:
        partition = file.partition
        found[tuple(partition[place] for place in range(len(partition)))] += file.record_count
    return found


def _count(snapshot: Snapshot, name: str) -> int | None:
    said = None if snapshot.summary is None else snapshot.summary.get(name)
    return int(said) if said is not None and said.isdecimal() else None


def is_unchanged(metadata: TableMetadata, snapshot_id: int) -> bool:
    """Return whether the head of a table lists the files of the snapshot *snapshot_id*.

    It is that snapshot, or follows it through such as changed no file: these carry properties
    where a catalog compares none (``property_changes``).
    """
    for now in ancestry(metadata, metadata.current_snapshot_id):
        if now.snapshot_id == snapshot_id:
            return True
        if now.summary is None or now.summary.operation.value != "replace":
            return False
        if _count(now, "added-data-files") or _count(now, "deleted-data-files"):
            return False
    return False

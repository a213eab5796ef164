"""Equality deletes as anti joins: which columns are compared, in which delete files.

Data files that the same sets of columns are compared for are joined together, once for each
set, whatever sequence numbers and partitions they and the delete files have: those are compared
too.  A table with a delete file in each of its thousand commits needs one join, not a thousand.

Source: Iceberg spec, "Equality Delete Files" and "Scan Planning".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.types import NestedField

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, Unsupported
from flightlake.lake.columns import Footers
from flightlake.lake.deletes import DeleteFile, PartitionKey
from flightlake.lake.files import DataFiles
from flightlake.lake.layouts import Layout
from flightlake.lake.mapping import Constants, Resolved, fields_by_id
from flightlake.lake.nans import disguised
from flightlake.lake.parts import DeletedValues, EqualityDeletes, Part
from flightlake.lake.pinned import Pinned

Resolve = Callable[[Layout, Constants, Sequence[NestedField]], Resolved]

_KEY = "flightlake equality key "
"""Begins the names under which columns are compared; no column is called so."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The columns by which delete files delete, and whether these apply in all partitions."""

    ids: tuple[int, ...]
    everywhere: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """What is to be known of data files: the greatest sequence number, one partition, deletes.

    *deletes* apply to every one of the files, others to none of them.
    """

    sequence: int
    partition: PartitionKey
    deletes: tuple[DeleteFile, ...]


def key_sets(deletes: Sequence[DeleteFile]) -> tuple[KeySet, ...]:
    """Return the sets of columns of *deletes*, each once, always in the same order."""
    found = {(file.equality_ids, file.everywhere) for file in deletes}
    return tuple(KeySet(*keys) for keys in sorted(found))


class DeletedValuesPlanner:
    """Makes equality deletes; one per plan.

    ``known`` are all columns the table ever had, by id.

    Args:
        pinned: The table.
        footers: Reads what columns files have.
        resolve: Finds columns in files, without leaving absent ones to the engine.
        cancellation: Who waits.
    """

    def __init__(
        self,
        pinned: Pinned,
        footers: Footers,
        resolve: Resolve,
        cancellation: Cancellation | None,
    ) -> None:
        self._pinned = pinned
        self._footers = footers
        self._resolve = resolve
        self._cancellation = cancellation
        self.known = fields_by_id(pinned.metadata.schemas, pinned.schema)
        self._numbers: dict[PartitionKey, int] = {}

    def number(self, partition: PartitionKey) -> int:
        """Return the number by which *partition* is compared."""
        return self._numbers.setdefault(partition, len(self._numbers))

    def fields(self, ids: Sequence[int]) -> list[NestedField]:
        """Return the columns with *ids* under the names they are compared by.

        Raises:
            Unsupported: There is no such column, or it is part of a nested one.
        """
        if missing := [field_id for field_id in ids if field_id not in self.known]:
            raise Unsupported(
                f"table {self._pinned.table} has equality deletes by column id {missing[0]},"
                " which is no top-level column of its schemas; rewrite the table's data files"
                " to read it"
            )
        return [
            self.known[field_id].model_copy(update={"name": f"{_KEY}{field_id}", "required": False})
            for field_id in ids
        ]

    def deletes(self, keys: KeySet, touched: Sequence[Touched]) -> EqualityDeletes:
        """Return what deletes rows of *touched* by *keys*.

        Raises:
            DamagedData: A delete file is missing, broken, or lacks a column.
        """
        mine = [
            file
            for file in dict.fromkeys(file for some in touched for file in some.deletes)
            if KeySet(file.equality_ids, file.everywhere) == keys
        ]
        partitions = {some.partition for some in touched} | {file.partition for file in mine}
        by_sequence = min(file.sequence for file in mine) <= max(some.sequence for some in touched)
        by_partition = not keys.everywhere and len(partitions) > 1
        fields = self.fields(keys.ids)
        alike: dict[tuple[Layout, int, int], list[DeleteFile]] = {}
        for file, layout in zip(mine, self._layouts(mine), strict=True):
            sequence = file.sequence if by_sequence else 0
            partition = self.number(file.partition) if by_partition else 0
            alike.setdefault((layout, sequence, partition), []).append(file)
        files = tuple(
            DeletedValues(self._part(layout, fields, some), sequence, partition)
            for (layout, sequence, partition), some in alike.items()
        )
        names = tuple(field.name for field in fields)
        return EqualityDeletes(names, files, by_sequence, by_partition)

    def _layouts(self, files: Sequence[DeleteFile]) -> list[Layout]:
        pinned = self._pinned
        wanted = [(file.path, file.size, file.record_count) for file in files]
        return self._footers.layouts(pinned.store, wanted, pinned.table, self._cancellation)

    def _part(
        self, layout: Layout, fields: Sequence[NestedField], files: Sequence[DeleteFile]
    ) -> Part:
        resolved = self._resolve(layout, {}, fields)
        if any(column.stored is None for column in resolved.columns):
            raise DamagedData(
                f"an equality delete file of table {self._pinned.table} lacks one of its columns"
            )
        listed = DataFiles(
            pa.chunked_array([pa.array([file.path for file in files], pa.string())]),
            pa.chunked_array([pa.array([file.size for file in files], pa.int64())]),
            pa.chunked_array([pa.array([file.record_count for file in files], pa.int64())]),
        )
        # They are small, and manifests say little of them.
        scanned = pa.schema([(member.name, disguised(member.type)) for member in resolved.schema])
        return Part(listed, scanned, resolved.columns, {})

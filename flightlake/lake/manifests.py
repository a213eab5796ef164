"""Manifests as columns: every file of a manifest at once, never one by one.

A manifest is immutable, so what is decoded here may be kept by its path as long as there is
room.  Only live entries are kept.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyiceberg.types import IcebergType

from flightlake.lake.layouts import Layout
from flightlake.lake.partition_columns import PartitionColumn
from flightlake.lake.physical import decoded_bounds

INHERITED = -1
"""A data sequence number that is its manifest's."""


@dataclass(frozen=True, slots=True)
class ByField:
    """A map from field id to value for each file, laid flat: ``lengths`` entries per file.

    If ``alike``, all files have the same keys, and ``keys`` are those of one.
    """

    lengths: npt.NDArray[np.int32]
    keys: npt.NDArray[np.int32]
    values: pa.Array
    alike: bool = False

    def of(self, field_id: int) -> pa.Array:
        """Return the values of one field, one per file; null where a file says nothing."""
        found = np.flatnonzero(self.keys == field_id)
        count = len(self.lengths)
        if self.alike and len(found):
            return self.values.take(pa.array(found[-1] + np.arange(count) * len(self.keys)))
        if not len(found):
            return pa.nulls(count, self.values.type)
        owners = np.repeat(np.arange(count), self.lengths)
        where = np.full(count, -1, np.int64)
        where[owners[found]] = found
        return self.values.take(pa.array(where, mask=where < 0))

    @property
    def nbytes(self) -> int:
        return int(self.lengths.nbytes + self.keys.nbytes + self.values.nbytes)


@dataclass(frozen=True, slots=True)
class DeleteDetails:
    """What only delete files have, one of each per file.

    ``equality_ids`` are field ids, sorted; ``referenced`` is the one data file that a position
    delete file or deletion vector is about, if it says so; ``offsets`` and ``blob_sizes`` find
    a deletion vector in its file.
    """

    equality_ids: tuple[tuple[int, ...], ...]
    referenced: tuple[str | None, ...]
    offsets: tuple[int | None, ...]
    blob_sizes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The live entries of one manifest.

    ``sequences`` are data sequence numbers as they are stored (see ``sequence``).  ``content``
    is 0 for data, 1 for position deletes (deletion vectors too), 2 for equality deletes.
    ``formats`` are upper case.  ``encrypted`` says which files have key metadata.  Bounds and
    partition values are decoded when first asked for; what is decoded is kept.  ``layouts``
    has one entry per file, which whoever reads its footer fills in.
    """

    paths: pa.Array
    sizes: npt.NDArray[np.int64]
    record_counts: npt.NDArray[np.int64]
    sequences: npt.NDArray[np.int64]
    content: npt.NDArray[np.int8]
    formats: pa.Array
    encrypted: npt.NDArray[np.bool_]
    null_counts: ByField
    nan_counts: ByField
    lower: ByField
    upper: ByField
    partition_values: Mapping[int, PartitionColumn]
    deletes: DeleteDetails | None = None
    layouts: list[Layout | None] = field(default_factory=list)
    _decoded: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def nbytes(self) -> int:
        """Bytes taken, decoded columns included (as if all were)."""
        bounds = self.lower.nbytes + self.upper.nbytes
        partitions = sum(values.stored.nbytes for values in self.partition_values.values())
        plain = self.paths.nbytes + self.sizes.nbytes + self.record_counts.nbytes + len(self)
        return int(
            1024
            + plain
            + 2 * bounds
            + self.null_counts.nbytes * 2
            + self.nan_counts.nbytes
            + partitions
        )

    def file(self, row: int) -> tuple[str, int, int]:
        """Return path, bytes and rows of one file."""
        return self.paths[row].as_py(), int(self.sizes[row]), int(self.record_counts[row])

    def sequence(self, row: int, manifest_sequence: int) -> int:
        """Return a file's data sequence number; *manifest_sequence* is its manifest's.

        Source: Iceberg spec, "Sequence Number Inheritance".
        """
        own = int(self.sequences[row])
        return manifest_sequence if own == INHERITED else own

    def partition_key(self, row: int) -> tuple[Any, ...]:
        """Return what a file's partition values are compared by, in the order of the spec."""
        # As text, NaN equals itself and 0.0 is not -0.0: these are partitions of their own.
        return tuple(
            repr(values[row]) if isinstance(values[row], float) else values[row]
            for values in self.partition_values.values()
        )

    def bounds(self, field_id: int, iceberg: IcebergType) -> tuple[pa.Array, pa.Array] | None:
        """Return lower and upper bounds of a column; None if its type has no order here."""

        def decode() -> tuple[pa.Array, pa.Array] | None:
            lower = decoded_bounds(self.lower.of(field_id), iceberg)
            upper = decoded_bounds(self.upper.of(field_id), iceberg)
            return None if lower is None or upper is None else (lower, upper)

        result: tuple[pa.Array, pa.Array] | None = self.once(
            ("bounds", field_id, str(iceberg)), decode
        )
        return result

    def nulls(self, field_id: int) -> pa.Array:
        """Return how many values of a column are null; null where that is not known."""
        return self.once(
            ("nulls", field_id), lambda: self.null_counts.of(field_id).cast(pa.int64())
        )

    def nans(self, field_id: int) -> pa.Array:
        """Return how many values of a column are NaN; null where that is not known."""
        return self.once(("nans", field_id), lambda: self.nan_counts.of(field_id).cast(pa.int64()))

    def partition(self, partition_field_id: int) -> pa.Array | None:
        """Return the values of a partition field; None if unknown, or not comparable."""
        values = self.partition_values.get(partition_field_id)
        if values is None:
            return None
        return self.once(("partition", partition_field_id), values.physical)

    def once(self, key: tuple[Any, ...], decode: Callable[[], Any]) -> Any:
        """Return what *decode* makes of the manifest; it is kept under *key* and made once."""
        if key not in self._decoded:
            decoded = decode()
            with self._lock:
                self._decoded[key] = decoded
        return self._decoded[key]

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
from pyiceberg.avro.file import AvroFile
from pyiceberg.types import IcebergType, TimestampNanoType
from pyiceberg.utils.schema_conversion import LOGICAL_FIELD_TYPE_MAPPING

from flightlake.lake.blobs import Content
from flightlake.lake.layouts import Layout
from flightlake.lake.physical import decoded_bounds, physical_array
from flightlake.lake.records import positions, struct_at, value_at

_DELETED = 2
_DATA_FILE = 2
_STATUS = 0
_CONTENT, _PATH, _FORMAT, _PARTITION, _RECORDS, _SIZE = 134, 100, 101, 102, 103, 104
_NULL_COUNTS, _NAN_COUNTS, _LOWER, _UPPER, _KEY_METADATA = 110, 137, 125, 128, 131
_EQUALITY_IDS, _REFERENCED, _OFFSET, _BLOB_SIZE = 135, 143, 144, 145
_SEQUENCE = 3
_INHERITED = -1

# Partition values of version 3, whose Avro type pyiceberg does not know.
LOGICAL_FIELD_TYPE_MAPPING["timestamp-nanos", "long"] = TimestampNanoType()


@dataclass(frozen=True, slots=True)
class ByField:
    """A map from field id to value for each file, laid flat: ``lengths`` entries per file."""

    lengths: npt.NDArray[np.int32]
    keys: npt.NDArray[np.int32]
    values: pa.Array

    def of(self, field_id: int) -> pa.Array:
        """Return the values of one field, one per file; null where a file says nothing."""
        owners = np.repeat(np.arange(len(self.lengths)), self.lengths)
        found = np.flatnonzero(self.keys == field_id)
        where = np.full(len(self.lengths), -1, np.int64)
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
    ``formats`` are upper case.  ``encrypted`` says whether a file has key metadata.  Bounds and
    partition values are decoded when first asked for; what is decoded is kept.  ``layouts``
    has one entry per file, which whoever reads its footer fills in.
    """

    paths: pa.Array
    sizes: npt.NDArray[np.int64]
    record_counts: npt.NDArray[np.int64]
    sequences: npt.NDArray[np.int64]
    content: npt.NDArray[np.int8]
    formats: pa.Array
    encrypted: bool
    null_counts: ByField
    nan_counts: ByField
    lower: ByField
    upper: ByField
    partition_types: Mapping[int, IcebergType]
    partition_values: Mapping[int, list[Any]]
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
        partitions = sum(64 * len(values) for values in self.partition_values.values())
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
        return manifest_sequence if own == _INHERITED else own

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

        result: tuple[pa.Array, pa.Array] | None = self._once(
            ("bounds", field_id, str(iceberg)), decode
        )
        return result

    @property
    def written(self) -> npt.NDArray[np.bool_]:
        """Which files were created: one has rows, or bytes."""
        there: npt.NDArray[np.bool_] = (self.record_counts != 0) | (self.sizes != 0)
        return there

    def nulls(self, field_id: int) -> pa.Array:
        """Return how many values of a column are null; null where that is not known."""
        return self._once(("nulls", field_id), lambda: self.null_counts.of(field_id))

    def nans(self, field_id: int) -> pa.Array:
        """Return how many values of a column are NaN; null where that is not known."""
        return self._once(("nans", field_id), lambda: self.nan_counts.of(field_id))

    def partition(self, partition_field_id: int) -> pa.Array | None:
        """Return the values of a partition field; None if unknown, or not comparable."""
        iceberg = self.partition_types.get(partition_field_id)
        if iceberg is None:
            return None
        values = self.partition_values[partition_field_id]
        return self._once(
            ("partition", partition_field_id), lambda: physical_array(values, iceberg)
        )

    def _once(self, key: tuple[Any, ...], decode: Callable[[], Any]) -> Any:
        if key not in self._decoded:
            decoded = decode()
            with self._lock:
                self._decoded[key] = decoded
        return self._decoded[key]


def decode_manifest(path: str, content: bytes) -> Manifest:
    """Return the live entries of a manifest.

    The file is read with its own schema, and fields are found by id, so that manifests of
    every format version, by every writer, look the same.

    Raises:
        Exception: Whatever pyiceberg and the decompressors raise on damaged content.
    """
    with AvroFile[Any](Content(path, content)) as opened:
        struct = opened.schema.as_struct()
        entry = positions(struct)
        file_type = struct_at(struct, _DATA_FILE)
        at = positions(file_type)
        status, data_file = entry[_STATUS], entry[_DATA_FILE]
        entries = [record for record in opened if record[status] != _DELETED]
        files = [record[data_file]._data for record in entries]
        sequences = [value_at(record._data, entry, _SEQUENCE) for record in entries]
        numbered = _SEQUENCE in entry  # not in version 1, where all are 0
    partition_type = struct_at(file_type, _PARTITION)
    keys = _column(files, at, _KEY_METADATA)
    partitions = [row[at[_PARTITION]]._data for row in files]
    kinds = [value or 0 for value in _column(files, at, _CONTENT)]
    return Manifest(
        paths=pa.array(_column(files, at, _PATH), pa.string()),
        sizes=np.array(_column(files, at, _SIZE), np.int64),
        record_counts=np.array(_column(files, at, _RECORDS), np.int64),
        sequences=np.array(
            [(_INHERITED if numbered else 0) if value is None else value for value in sequences],
            np.int64,
        ),
        content=np.array(kinds, np.int8),
        formats=pa.array(
            [str(value).upper() for value in _column(files, at, _FORMAT)]
        ).dictionary_encode(),
        encrypted=any(value is not None for value in keys),
        null_counts=_by_field(_column(files, at, _NULL_COUNTS), pa.int64()),
        nan_counts=_by_field(_column(files, at, _NAN_COUNTS), pa.int64()),
        deletes=_delete_details(files, at) if any(kinds) else None,
        layouts=[None] * len(files),
        lower=_by_field(_column(files, at, _LOWER), pa.binary()),
        upper=_by_field(_column(files, at, _UPPER), pa.binary()),
        partition_types={member.field_id: member.field_type for member in partition_type.fields},
        partition_values={
            member.field_id: [row[position] for row in partitions]
            for position, member in enumerate(partition_type.fields)
        },
    )


def _delete_details(files: list[list[Any]], at: Mapping[int, int]) -> DeleteDetails:
    return DeleteDetails(
        equality_ids=tuple(tuple(sorted(ids or ())) for ids in _column(files, at, _EQUALITY_IDS)),
        referenced=tuple(_column(files, at, _REFERENCED)),
        offsets=tuple(_column(files, at, _OFFSET)),
        blob_sizes=tuple(_column(files, at, _BLOB_SIZE)),
    )


def _column(rows: list[list[Any]], at: Mapping[int, int], field_id: int) -> list[Any]:
    return [value_at(row, at, field_id) for row in rows]


def _by_field(maps: list[dict[int, Any] | None], value_type: pa.DataType) -> ByField:
    keys: list[int] = []
    values: list[Any] = []
    for entry in maps:
        if entry:
            keys.extend(entry.keys())
            values.extend(entry.values())
    return ByField(
        lengths=np.array([len(entry) if entry else 0 for entry in maps], np.int32),
        keys=np.array(keys, np.int32),
        values=pa.array(values, value_type),
    )

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
from pyiceberg.types import IcebergType

from flightlake.lake.blobs import Content
from flightlake.lake.layouts import Layout
from flightlake.lake.physical import decoded_bounds, physical_array
from flightlake.lake.records import positions, struct_at, value_at

_DELETED = 2
_DATA_FILE = 2
_STATUS = 0
_CONTENT, _PATH, _FORMAT, _PARTITION, _RECORDS, _SIZE = 134, 100, 101, 102, 103, 104
_NULL_COUNTS, _LOWER, _UPPER, _KEY_METADATA, _EQUALITY_IDS = 110, 125, 128, 131, 135


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
class Manifest:
    """The live entries of one manifest.

    ``content`` is 0 for data, 1 for position deletes (deletion vectors too), 2 for equality
    deletes.  ``formats`` are upper case.  ``encrypted`` says whether a file has key metadata.
    Bounds and partition values are decoded when first asked for; what is decoded is kept.
    ``layouts`` has one entry per file, which whoever reads its footer fills in.
    """

    paths: pa.Array
    sizes: npt.NDArray[np.int64]
    record_counts: npt.NDArray[np.int64]
    content: npt.NDArray[np.int8]
    formats: pa.Array
    encrypted: bool
    null_counts: ByField
    lower: ByField
    upper: ByField
    partition_types: Mapping[int, IcebergType]
    partition_values: Mapping[int, list[Any]]
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
        return int(1024 + plain + 2 * bounds + self.null_counts.nbytes * 2 + partitions)

    def file(self, row: int) -> tuple[str, int, int]:
        """Return path, bytes and rows of one file."""
        return self.paths[row].as_py(), int(self.sizes[row]), int(self.record_counts[row])

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

    def nulls(self, field_id: int) -> pa.Array:
        """Return how many values of a column are null; null where that is not known."""
        return self._once(("nulls", field_id), lambda: self.null_counts.of(field_id))

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
        files = [record[data_file]._data for record in opened if record[status] != _DELETED]
    partition_type = struct_at(file_type, _PARTITION)
    keys = _column(files, at, _KEY_METADATA)
    partitions = [row[at[_PARTITION]]._data for row in files]
    return Manifest(
        paths=pa.array(_column(files, at, _PATH), pa.string()),
        sizes=np.array(_column(files, at, _SIZE), np.int64),
        record_counts=np.array(_column(files, at, _RECORDS), np.int64),
        content=np.array([value or 0 for value in _column(files, at, _CONTENT)], np.int8),
        formats=pa.array(
            [str(value).upper() for value in _column(files, at, _FORMAT)]
        ).dictionary_encode(),
        encrypted=any(value is not None for value in keys),
        null_counts=_by_field(_column(files, at, _NULL_COUNTS), pa.int64()),
        layouts=[None] * len(files),
        lower=_by_field(_column(files, at, _LOWER), pa.binary()),
        upper=_by_field(_column(files, at, _UPPER), pa.binary()),
        partition_types={member.field_id: member.field_type for member in partition_type.fields},
        partition_values={
            member.field_id: [row[position] for row in partitions]
            for position, member in enumerate(partition_type.fields)
        },
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

"""From the bytes of a manifest to its columns.

Source: Iceberg spec, "Manifests" and appendix A, "Avro".
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.types import DoubleType, FloatType, IcebergType, StringType, TimestampNanoType
from pyiceberg.utils.schema_conversion import LOGICAL_FIELD_TYPE_MAPPING, AvroSchemaConversion

from flightlake.lake.avro import Container, Malformed, end_to_end, in_pieces, opened
from flightlake.lake.avro_columns import binary, kept, listed, numbers, present, texts
from flightlake.lake.avro_records import Form, Path, form_of, records_of
from flightlake.lake.manifest_pieces import split, together
from flightlake.lake.manifests import INHERITED, ByField, DeleteDetails, Manifest
from flightlake.lake.partition_columns import PartitionColumn
from flightlake.lake.shapes import Column, Maybe
from flightlake.lake.tape import Places, Spans, Tape

_DELETED = 2
_AT_ONCE = 4 << 20
_STATUS, _SEQUENCE, _DATA_FILE = 0, 3, 2
_CONTENT, _PATH, _FORMAT, _PARTITION, _RECORDS, _SIZE = 134, 100, 101, 102, 103, 104
_NULL_COUNTS, _NAN_COUNTS, _LOWER, _UPPER, _KEY_METADATA = 110, 137, 125, 128, 131
_EQUALITY_IDS, _REFERENCED, _OFFSET, _BLOB_SIZE = 135, 143, 144, 145
_OF_FILE = (
    *(_CONTENT, _PATH, _FORMAT, _PARTITION, _RECORDS, _SIZE, _NULL_COUNTS, _NAN_COUNTS),
    *(_LOWER, _UPPER, _KEY_METADATA, _EQUALITY_IDS, _REFERENCED, _OFFSET, _BLOB_SIZE),
)
_WANTED = {_STATUS: None, _SEQUENCE: None, _DATA_FILE: dict.fromkeys(_OF_FILE)}

# Partition values of version 3, whose Avro type pyiceberg does not know.
LOGICAL_FIELD_TYPE_MAPPING["timestamp-nanos", "long"] = TimestampNanoType()


def decode_manifests(contents: Sequence[bytes]) -> list[Manifest]:
    """Return the live entries of each of some manifests, read together as far as they are alike.

    Files are read with their own schemas, and fields are found by id, so that manifests of
    every format version, by every writer, look the same.

    Raises:
        Malformed: One is not what it says.
        ValueError: A schema is none of Iceberg's.
    """
    containers = [opened(content) for content in contents]
    alike: dict[bytes, list[int]] = {}
    for place, container in enumerate(containers):
        alike.setdefault(container.schema, []).append(place)
    found: dict[int, Manifest] = {}
    for schema, places in alike.items():
        made = _decoded(schema, [containers[place] for place in places])
        found |= dict(zip(places, made, strict=True))
    return [found[place] for place in range(len(containers))]


def _decoded(schema: bytes, containers: Sequence[Container]) -> list[Manifest]:
    whole = end_to_end(containers)
    # What is read at once takes a multiple of its size, so a large manifest is read in pieces.
    pieces = [whole] if len(containers) > 1 else in_pieces(whole, _AT_ONCE)
    made: list[Manifest] = []
    live: list[npt.NDArray[np.bool_]] = []
    for piece in pieces:
        manifest, alive = _read(schema, piece)
        made.append(manifest)
        live.append(alive)
    if len(containers) == 1:
        return [together(made)]
    ends = np.cumsum([int(container.counts.sum()) for container in containers])
    return split(made[0], np.concatenate([[0], np.cumsum(live[0])])[ends].tolist())


def _read(schema: bytes, container: Container) -> tuple[Manifest, npt.NDArray[np.bool_]]:
    """Return the live entries of *container*, and which of its entries they are."""
    form, partition_types = _forms(schema)
    try:
        records = records_of(container, form)
    except Malformed:
        by_java = _by_java(schema)
        if by_java is None:
            raise
        records = records_of(container, by_java)
    columns = records.columns
    status = numbers(columns.get((_STATUS,)), records.count)
    if ((status < 0) | (status > _DELETED)).any():
        raise Malformed("an entry of no status")
    live = status != _DELETED
    if not live.all():
        columns = {path: kept(column, live) for path, column in columns.items()}
    return _manifest(_Columns(records.tape, columns, int(live.sum())), partition_types), live


def _manifest(of: "_Columns", partition_types: Mapping[int, IcebergType]) -> Manifest:
    kinds = of.numbers(_CONTENT, 0).astype(np.int8)
    sequenced = (_SEQUENCE,) in of.by_path  # not in version 1, where all are 0
    return Manifest(
        paths=of.texts(_PATH),
        sizes=of.counts(_SIZE),
        record_counts=of.counts(_RECORDS),
        sequences=numbers(of.by_path.get((_SEQUENCE,)), of.count, INHERITED if sequenced else 0),
        content=kinds,
        formats=pc.utf8_upper(of.texts(_FORMAT)).dictionary_encode(),
        encrypted=present(of.column(_KEY_METADATA), of.count),
        null_counts=of.by_field(_NULL_COUNTS, False),
        nan_counts=of.by_field(_NAN_COUNTS, False),
        lower=of.by_field(_LOWER, True),
        upper=of.by_field(_UPPER, True),
        partition_values={
            field_id: of.partition(field_id, iceberg)
            for field_id, iceberg in partition_types.items()
        },
        deletes=of.delete_details() if kinds.any() else None,
        layouts=[None] * of.count,
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the live entries' files."""

    tape: Tape
    by_path: Mapping[Path, Column]
    count: int

    def column(self, *path: int) -> Column:
        return self.by_path.get((_DATA_FILE, *path))

    def numbers(self, field_id: int, default: int | None = None) -> Places:
        return numbers(self.column(field_id), self.count, default)

    def counts(self, field_id: int) -> Places:
        found = self.numbers(field_id)
        if len(found) and int(found.min()) < 0:
            raise Malformed("a negative size or number of rows")
        return found

    def texts(self, field_id: int) -> pa.Array:
        found = texts(self.tape, self.column(field_id), self.count)
        if found.null_count:
            raise Malformed("no text where one must be")
        return found

    def by_field(self, field_id: int, encoded: bool) -> ByField:
        lengths, items = listed(self.column(field_id), self.count)
        if items is None or not self.count:
            return ByField(np.zeros(self.count, np.int32), _NONE, _EMPTY[encoded])
        keys, values = items.values()  # items are pairs of key and value
        total = len(keys)
        keys = numbers(keys, total).astype(np.int32)
        alike = bool((lengths == lengths[0]).all())
        if alike:
            rows = keys.reshape(self.count, -1)
            alike = bool((rows == rows[0]).all())
        return ByField(
            lengths=lengths.astype(np.int32),
            keys=keys[: lengths[0]].copy() if alike else keys,
            values=binary(self.tape, values, total)
            if encoded
            else pa.array(_narrow(numbers(values, total))),
            alike=alike,
        )

    def partition(self, field_id: int, iceberg: IcebergType) -> PartitionColumn:
        column = self.column(_PARTITION, field_id)
        values = column.values if isinstance(column, Maybe) else column
        stored = values
        if isinstance(values, Spans) and isinstance(iceberg, FloatType | DoubleType):
            stored = _floats(self.tape, values, iceberg)
        if isinstance(stored, np.ndarray):
            missing = ~present(column, self.count)
            # With a mask, NaN would be taken for null.
            return PartitionColumn(iceberg, pa.array(stored, mask=missing, from_pandas=False))
        if isinstance(iceberg, StringType):
            return PartitionColumn(iceberg, texts(self.tape, column, self.count).view(pa.binary()))
        return PartitionColumn(iceberg, binary(self.tape, column, self.count))

    def delete_details(self) -> DeleteDetails:
        lengths, items = listed(self.column(_EQUALITY_IDS), self.count)
        ids = [] if items is None else numbers(items, len(items)).tolist()
        ends = np.cumsum(lengths)
        starts = ends - lengths
        return DeleteDetails(
            equality_ids=tuple(
                tuple(sorted(ids[start:end]))
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ),
            referenced=tuple(texts(self.tape, self.column(_REFERENCED), self.count).to_pylist()),
            offsets=self._optional(_OFFSET),
            blob_sizes=self._optional(_BLOB_SIZE),
        )

    def _optional(self, field_id: int) -> tuple[int | None, ...]:
        column = self.column(field_id)
        found = numbers(column, self.count, 0).tolist()
        there = present(column, self.count).tolist()
        return tuple(
            value if is_there else None for value, is_there in zip(found, there, strict=True)
        )


_NONE = np.zeros(0, np.int32)
_EMPTY = {False: pa.array([], pa.int64()), True: pa.array([], pa.binary())}


def _narrow(values: Places) -> npt.NDArray[np.integer[Any]]:
    """Return *values* in the fewest bytes; most counts of nulls are 0."""
    if not len(values) or int(values.min()) < 0:
        return values
    return values.astype(np.min_scalar_type(int(values.max())))


def _floats(tape: Tape, spans: Spans, iceberg: IcebergType) -> npt.NDArray[np.float64]:
    kind = np.dtype("<f4" if isinstance(iceberg, FloatType) else "<f8")
    return tape.matrix(spans, kind.itemsize).view(kind)[:, 0].astype(np.float64)


@functools.lru_cache(maxsize=256)
def _forms(schema: bytes) -> tuple[Form, Mapping[int, IcebergType]]:
    """Return how manifests of an Avro schema are read, and the types of their partitions."""
    document = json.loads(schema)
    form = form_of(document, _WANTED, (_DATA_FILE, _PATH))
    partition = _type_of(_type_of(document, _DATA_FILE), _PARTITION)
    fields = AvroSchemaConversion().avro_to_iceberg(partition).fields
    return form, {member.field_id: member.field_type for member in fields}


@functools.lru_cache(maxsize=256)
def _by_java(schema: bytes) -> Form | None:
    """Return how manifests are read whose schema says fixed, and which hold bytes in their place.

    Iceberg's Java library writes fixed partition values so, with their length before them, and
    reads what it wrote.  None if there are none.
    """
    document = json.loads(schema)
    partition = _type_of(_type_of(document, _DATA_FILE), _PARTITION)
    found = [member for member in partition["fields"] if _with_bytes(member)]
    return form_of(document, _WANTED, (_DATA_FILE, _PATH)) if found else None


def _with_bytes(member: dict[str, Any]) -> bool:
    """Make the type of *member* bytes if it is fixed, and say whether it was."""
    kinds = member["type"] if isinstance(member["type"], list) else [member["type"]]
    plain = [
        isinstance(kind, dict) and kind.get("type") == "fixed" and "logicalType" not in kind
        for kind in kinds
    ]
    changed = ["bytes" if is_fixed else kind for is_fixed, kind in zip(plain, kinds, strict=True)]
    member["type"] = changed if isinstance(member["type"], list) else changed[0]
    return any(plain)


def _type_of(record: Any, field_id: int) -> Any:
    for member in record["fields"]:
        if member.get("field-id") == field_id:
            return member["type"]
    raise Malformed("no partition")

"""Manifests read by pyiceberg, entry by entry, to hold our columns against."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.file import AvroFile
from pyiceberg.types import DoubleType, FloatType

from flightlake.lake.blobs import Content
from flightlake.lake.manifest_lists import ManifestRef, Summary
from flightlake.lake.manifests import INHERITED, ByField, Manifest

_DELETED = 2


@dataclass(frozen=True)
class Entry:
    """A live entry, all that planning uses of it."""

    path: str
    size: int
    record_count: int
    sequence: int
    content: int
    format: str
    encrypted: bool
    null_counts: Mapping[int, int]
    nan_counts: Mapping[int, int]
    lower: Mapping[int, bytes]
    upper: Mapping[int, bytes]
    partition: Mapping[int, Any]
    equality_ids: tuple[int, ...]
    referenced: str | None
    blob: tuple[int | None, int | None]


def read_by_pyiceberg(content: bytes) -> list[Entry]:
    """Return the live entries of a manifest as pyiceberg's Avro reader has them."""
    with AvroFile[Any](Content("manifest", content)) as opened:
        struct = opened.schema.as_struct()
        file_type = next(field for field in struct.fields if field.field_id == 2).field_type
        numbered = any(field.field_id == 3 for field in struct.fields)
        entries = [_by_id(struct, record) for record in opened]
    return [
        _entry(_by_id(file_type, entry[2]), file_type, entry, numbered)
        for entry in entries
        if entry[0] != _DELETED
    ]


def _by_id(struct: Any, record: Any) -> dict[int, Any]:
    return {field.field_id: record[place] for place, field in enumerate(struct.fields)}


def _entry(
    file: Mapping[int, Any], file_type: Any, entry: Mapping[int, Any], numbered: bool
) -> Entry:
    sequence = entry.get(3)
    partition_type = next(field for field in file_type.fields if field.field_id == 102).field_type
    partition = {
        field.field_id: _float(value)
        if isinstance(field.field_type, FloatType | DoubleType)
        else value
        for field, value in zip(partition_type.fields, file[102]._data, strict=True)
    }
    return Entry(
        path=file[100],
        size=file[104],
        record_count=file[103],
        sequence=(INHERITED if numbered else 0) if sequence is None else sequence,
        content=file.get(134) or 0,
        format=str(file[101]).upper(),
        encrypted=file.get(131) is not None,
        null_counts=dict(file.get(110) or {}),
        nan_counts=dict(file.get(137) or {}),
        lower=dict(file.get(125) or {}),
        upper=dict(file.get(128) or {}),
        partition=partition,
        equality_ids=tuple(sorted(file.get(135) or ())) if file.get(134) else (),
        referenced=file.get(143) if file.get(134) else None,
        blob=(file.get(144), file.get(145)) if file.get(134) else (None, None),
    )


def entries_of(manifest: Manifest) -> list[Entry]:
    """Return the entries of our columns."""
    details, content = manifest.deletes, manifest.content.tolist()
    maps = [
        list(_maps(by_field))
        for by_field in (manifest.null_counts, manifest.nan_counts, manifest.lower, manifest.upper)
    ]
    return [
        Entry(
            *manifest.file(row),
            sequence=int(manifest.sequences[row]),
            content=content[row],
            format=manifest.formats[row].as_py(),
            encrypted=bool(manifest.encrypted[row]),
            null_counts=maps[0][row],
            nan_counts=maps[1][row],
            lower=maps[2][row],
            upper=maps[3][row],
            partition={
                field_id: _float(values[row]) if isinstance(values[row], float) else values[row]
                for field_id, values in manifest.partition_values.items()
            },
            equality_ids=details.equality_ids[row] if details is not None and content[row] else (),
            referenced=details.referenced[row] if details is not None and content[row] else None,
            blob=(details.offsets[row], details.blob_sizes[row])
            if details is not None and content[row]
            else (None, None),
        )
        for row in range(len(manifest))
    ]


def _maps(by_field: ByField) -> Iterator[dict[int, Any]]:
    values, keys, at = by_field.values.to_pylist(), by_field.keys.tolist(), 0
    for length in by_field.lengths.tolist():
        own = keys if by_field.alike else keys[at : at + length]
        yield dict(zip(own, values[at : at + length], strict=True))
        at += length


def _float(value: float | None) -> str | None:
    """Return what floats are compared by: pyiceberg's compiled reader has six digits of them."""
    return None if value is None else f"{value:.5e}"


def list_read_by_pyiceberg(content: bytes) -> list[ManifestRef]:
    """Return the manifests of a manifest list as pyiceberg's Avro reader has them."""
    with AvroFile[Any](Content("list", content)) as opened:
        struct = opened.schema.as_struct()
        types = {field.field_id: field.field_type for field in struct.fields}
        rows = [_by_id(struct, record) for record in opened]
    return [
        ManifestRef(
            path=row[500],
            length=row[501],
            spec_id=row[502],
            deletes=row.get(517) == 1,
            live=None if row.get(504) is None or row.get(505) is None else row[504] + row[505],
            summaries=None
            if row.get(507) is None
            else tuple(
                Summary(bool(of[509]), of.get(510), of.get(511))
                for of in (_by_id(types[507].element_type, record) for record in row[507])
            ),
            encrypted=row.get(519) is not None,
            sequence=row.get(515) or 0,
        )
        for row in rows
    ]

"""Manifest lists: which manifests a snapshot has, and what their partitions hold."""

import functools
import json
from dataclasses import dataclass

import numpy as np

from flightlake.lake.avro import Malformed, opened
from flightlake.lake.avro_columns import binary, listed, numbers, present, texts
from flightlake.lake.avro_records import Form, Path, Records, form_of, records_of
from flightlake.lake.shapes import Column

_PATH, _LENGTH, _SPEC, _SEQUENCE, _CONTENT = 500, 501, 502, 515, 517
_ADDED, _EXISTING, _SUMMARIES, _KEY_METADATA = 504, 505, 507, 519
_CONTAINS_NULL, _LOWER, _UPPER = 509, 510, 511
_WANTED = dict.fromkeys(
    (*(_PATH, _LENGTH, _SPEC, _SEQUENCE, _CONTENT, _ADDED, _EXISTING, _SUMMARIES), _KEY_METADATA)
)


@dataclass(frozen=True, slots=True)
class Summary:
    """One partition field over a whole manifest; a bound that is None is unknown."""

    contains_null: bool
    lower: bytes | None
    upper: bytes | None


@dataclass(frozen=True, slots=True)
class ManifestRef:
    """One manifest of a snapshot.

    ``live`` is the number of its live files, or None where a v1 writer did not say.
    ``summaries`` has one entry per field of the partition spec, or is None.  ``sequence`` is 0
    in version 1.
    """

    path: str
    length: int
    spec_id: int
    deletes: bool
    live: int | None
    summaries: tuple[Summary, ...] | None
    encrypted: bool
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class ManifestList:
    """The manifests of one snapshot."""

    manifests: tuple[ManifestRef, ...]

    @property
    def nbytes(self) -> int:
        summaries = sum(len(ref.summaries or ()) for ref in self.manifests)
        return 512 * (1 + len(self.manifests)) + 200 * summaries


def decode_manifest_list(content: bytes) -> ManifestList:
    """Return the manifests in a manifest list of any format version.

    Raises:
        Malformed: It is not what it says.
        ValueError: Its schema is none of Iceberg's.
    """
    container = opened(content)
    records = records_of(container, _form(container.schema))
    columns, count = records.columns, records.count

    paths = texts(records.tape, columns.get((_PATH,)), count)
    if paths.null_count:
        raise Malformed("a manifest without a path")

    def column(field_id: int) -> Column:
        return columns.get((field_id,))

    counted = present(column(_ADDED), count) & present(column(_EXISTING), count)
    live = numbers(column(_ADDED), count, 0) + numbers(column(_EXISTING), count, 0)
    return ManifestList(
        tuple(
            ManifestRef(
                path=path,
                length=length,
                spec_id=spec_id,
                deletes=kind == 1,
                live=files if known else None,
                summaries=summaries,
                encrypted=encrypted,
                sequence=sequence,
            )
            for path, length, spec_id, kind, files, known, summaries, encrypted, sequence in zip(
                paths.to_pylist(),
                numbers(column(_LENGTH), count).tolist(),
                numbers(column(_SPEC), count).tolist(),
                numbers(column(_CONTENT), count, 0).tolist(),
                live.tolist(),
                counted.tolist(),
                _summaries(records),
                present(column(_KEY_METADATA), count).tolist(),
                numbers(column(_SEQUENCE), count, 0).tolist(),
                strict=True,
            )
        )
    )


def _summaries(records: Records) -> list[tuple[Summary, ...] | None]:
    column = records.columns.get((_SUMMARIES,))
    lengths, items = listed(column, records.count)
    told = present(column, records.count).tolist()
    found: list[Summary] = []
    if items is not None:
        total = int(lengths.sum())
        found = [
            Summary(bool(contains_null), lower, upper)
            for contains_null, lower, upper in zip(
                numbers(items.get(_CONTAINS_NULL), total).tolist(),
                binary(records.tape, items.get(_LOWER), total).to_pylist(),
                binary(records.tape, items.get(_UPPER), total).to_pylist(),
                strict=True,
            )
        ]
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return [
        tuple(found[start:end]) if is_told else None
        for start, end, is_told in zip(starts.tolist(), ends.tolist(), told, strict=True)
    ]


@functools.lru_cache(maxsize=64)
def _form(schema: bytes) -> Form:
    pivot: Path = (_PATH,)
    return form_of(json.loads(schema), _WANTED, pivot)

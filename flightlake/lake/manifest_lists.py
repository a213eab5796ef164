"""Manifest lists: which manifests a snapshot has, and what their partitions hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.file import AvroFile

from flightlake.lake.blobs import Content
from flightlake.lake.records import positions, struct_at, value_at

_PATH, _LENGTH, _SPEC, _SEQUENCE, _CONTENT = 500, 501, 502, 515, 517
_ADDED, _EXISTING, _SUMMARIES, _KEY_METADATA = 504, 505, 507, 519
_CONTAINS_NULL, _LOWER, _UPPER = 509, 510, 511


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
        return 512 * (1 + len(self.manifests))


def decode_manifest_list(path: str, content: bytes) -> ManifestList:
    """Return the manifests in a manifest list of any format version.

    Raises:
        Exception: Whatever pyiceberg and the decompressors raise on damaged content.
    """
    with AvroFile[Any](Content(path, content)) as opened:
        struct = opened.schema.as_struct()
        at = positions(struct)
        summary_at: Mapping[int, int] = {}
        if _SUMMARIES in at:
            summary_at = positions(struct_at(struct, _SUMMARIES))
        return ManifestList(tuple(_ref(record._data, at, summary_at) for record in opened))


def _ref(row: Sequence[Any], at: Mapping[int, int], summary_at: Mapping[int, int]) -> ManifestRef:
    added, existing = value_at(row, at, _ADDED), value_at(row, at, _EXISTING)
    summaries = value_at(row, at, _SUMMARIES)
    return ManifestRef(
        path=value_at(row, at, _PATH),
        length=value_at(row, at, _LENGTH),
        spec_id=value_at(row, at, _SPEC),
        deletes=value_at(row, at, _CONTENT) == 1,
        live=None if added is None or existing is None else added + existing,
        summaries=None
        if summaries is None
        else tuple(_summary(record._data, summary_at) for record in summaries),
        encrypted=value_at(row, at, _KEY_METADATA) is not None,
        sequence=value_at(row, at, _SEQUENCE) or 0,
    )


def _summary(row: Sequence[Any], at: Mapping[int, int]) -> Summary:
    return Summary(
        contains_null=bool(row[at[_CONTAINS_NULL]]),
        lower=value_at(row, at, _LOWER),
        upper=value_at(row, at, _UPPER),
    )

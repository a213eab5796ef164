"""Manifests that are cut out of a larger one, or put together of smaller ones."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from flightlake.lake.manifests import ByField, DeleteDetails, Manifest
from flightlake.lake.partition_columns import PartitionColumn


def split(manifest: Manifest, ends: Sequence[int]) -> list[Manifest]:
    """Return the manifests that *manifest* is made of, each in memory of its own.

    Args:
        ends: Where each ends.
    """
    starts = [0, *ends[:-1]]
    return [_part(manifest, int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _part(whole: Manifest, start: int, stop: int) -> Manifest:
    of = slice(start, stop)
    details = whole.deletes
    return Manifest(
        paths=_copied(whole.paths, start, stop),
        sizes=whole.sizes[of].copy(),
        record_counts=whole.record_counts[of].copy(),
        sequences=whole.sequences[of].copy(),
        content=whole.content[of].copy(),
        formats=_copied(whole.formats, start, stop),
        encrypted=whole.encrypted[of].copy(),
        null_counts=_fields_part(whole.null_counts, start, stop),
        nan_counts=_fields_part(whole.nan_counts, start, stop),
        lower=_fields_part(whole.lower, start, stop),
        upper=_fields_part(whole.upper, start, stop),
        partition_values={
            field_id: PartitionColumn(values.iceberg, _copied(values.stored, start, stop))
            for field_id, values in whole.partition_values.items()
        },
        deletes=None
        if details is None
        else DeleteDetails(
            details.equality_ids[of],
            details.referenced[of],
            details.offsets[of],
            details.blob_sizes[of],
        ),
        layouts=[None] * (stop - start),
    )


def _fields_part(whole: ByField, start: int, stop: int) -> ByField:
    lengths = whole.lengths[start:stop].copy()
    first = int(whole.lengths[:start].sum())
    last = first + int(lengths.sum())
    keys = whole.keys if whole.alike else whole.keys[first:last].copy()
    return ByField(lengths, keys, _copied(whole.values, first, last), whole.alike)


def _copied(values: pa.Array, start: int, stop: int) -> pa.Array:
    # A slice would keep the memory of the whole.
    return pa.concat_arrays([values.slice(start, stop - start)])


def together(parts: Sequence[Manifest]) -> Manifest:
    """Return the manifest that *parts*, of one schema, are the pieces of, in order."""
    if len(parts) == 1:
        return parts[0]
    details = None
    if any(part.deletes is not None for part in parts):
        known = [part.deletes or _no_details(len(part)) for part in parts]
        details = DeleteDetails(
            equality_ids=tuple(ids for of in known for ids in of.equality_ids),
            referenced=tuple(path for of in known for path in of.referenced),
            offsets=tuple(offset for of in known for offset in of.offsets),
            blob_sizes=tuple(size for of in known for size in of.blob_sizes),
        )
    return Manifest(
        paths=pa.concat_arrays([part.paths for part in parts]),
        sizes=np.concatenate([part.sizes for part in parts]),
        record_counts=np.concatenate([part.record_counts for part in parts]),
        sequences=np.concatenate([part.sequences for part in parts]),
        content=np.concatenate([part.content for part in parts]),
        formats=pa.concat_arrays(
            [part.formats.cast(pa.string()) for part in parts]
        ).dictionary_encode(),
        encrypted=np.concatenate([part.encrypted for part in parts]),
        null_counts=_fields_together([part.null_counts for part in parts]),
        nan_counts=_fields_together([part.nan_counts for part in parts]),
        lower=_fields_together([part.lower for part in parts]),
        upper=_fields_together([part.upper for part in parts]),
        partition_values={
            field_id: PartitionColumn(
                values.iceberg,
                pa.concat_arrays([part.partition_values[field_id].stored for part in parts]),
            )
            for field_id, values in parts[0].partition_values.items()
        },
        deletes=details,
        layouts=[None] * sum(map(len, parts)),
    )


def _no_details(count: int) -> DeleteDetails:
    nothing = (None,) * count
    return DeleteDetails(((),) * count, nothing, nothing, nothing)


def _fields_together(parts: Sequence[ByField]) -> ByField:
    alike = all(part.alike and np.array_equal(part.keys, parts[0].keys) for part in parts)
    every = [
        np.tile(part.keys, len(part.lengths)) if part.alike and not alike else part.keys
        for part in parts
    ]
    # Counts are kept in as few bytes as each part needs.
    widest = max((part.values.type for part in parts), key=_width)
    return ByField(
        lengths=np.concatenate([part.lengths for part in parts]),
        keys=parts[0].keys if alike else np.concatenate(every),
        values=pa.concat_arrays([part.values.cast(widest) for part in parts]),
        alike=alike,
    )


def _width(kind: pa.DataType) -> tuple[int, bool]:
    return (
        (kind.bit_width, pa.types.is_signed_integer(kind))
        if pa.types.is_integer(kind)
        else (0, False)
    )

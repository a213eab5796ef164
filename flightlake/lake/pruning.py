"""Which files of a manifest, and which manifests of a snapshot, a predicate may be true in."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.types import NestedField

from flightlake.lake.evidence import Evidence, Mask, may_match
from flightlake.lake.manifest_lists import ManifestRef, Summary
from flightlake.lake.manifests import Manifest
from flightlake.lake.partitions import Leaf, on_column, on_partition
from flightlake.lake.physical import decoded_bounds
from flightlake.lake.predicates import And, Anything, Or, Predicate

Rows = npt.NDArray[np.int64]
_Judge = Callable[[Leaf, NestedField], Mask]


def files_that_may_match(
    predicate: Predicate,
    refs: Sequence[ManifestRef],
    manifests: Sequence[Manifest],
    metadata: TableMetadata,
    schema: Schema,
) -> list[Rows]:
    """Return for each of *manifests* which of its files may have a row *predicate* is true for.

    All manifests of one partition spec are judged at once: with hundreds of manifests, asking
    each costs more than the comparisons.  Files without rows and bytes are left out always:
    Iceberg's own writers list them and never create them.
    """
    chosen: list[Rows] = [_NONE] * len(manifests)
    for spec_id in {ref.spec_id for ref in refs}:
        places = [place for place, ref in enumerate(refs) if ref.spec_id == spec_id]
        of_spec = [manifests[place] for place in places]
        mask = _written(of_spec)
        if not isinstance(predicate, Anything):
            mask &= _of_files(predicate, of_spec, spec_of(metadata, spec_id), schema)
        hits = mask.nonzero()[0]
        ends = np.cumsum([len(manifest) for manifest in of_spec])
        starts = ends - [len(manifest) for manifest in of_spec]
        first, last = np.searchsorted(hits, starts), np.searchsorted(hits, ends)
        for number in (last > first).nonzero()[0].tolist():
            chosen[places[number]] = hits[first[number] : last[number]] - starts[number]
    return chosen


_NONE: Rows = np.zeros(0, np.int64)


def _written(manifests: Sequence[Manifest]) -> Mask:
    """Return which files were created: one has rows, or bytes."""
    records = np.concatenate([manifest.record_counts for manifest in manifests])
    sizes = np.concatenate([manifest.sizes for manifest in manifests])
    written: Mask = (records != 0) | (sizes != 0)
    return written


def _of_files(
    predicate: Predicate, manifests: Sequence[Manifest], spec: PartitionSpec, schema: Schema
) -> Mask:
    count = sum(map(len, manifests))

    def judge(leaf: Leaf, column: NestedField) -> Mask:
        possible: Mask = np.ones(count, np.bool_)
        test = on_column(leaf, column.field_type)
        if test is not None:
            possible &= may_match(test, _of_column(manifests, column))
        for field in _fields_from(spec, column):
            test = on_partition(leaf, column.field_type, field.transform)
            values = None if test is None else _partition_values(manifests, field)
            if test is not None and values is not None:
                possible &= may_match(test, _of_values(values))
        return possible

    return _evaluate(predicate, count, schema, judge)


def manifests_that_may_match(
    predicate: Predicate, refs: Sequence[ManifestRef], metadata: TableMetadata, schema: Schema
) -> Mask:
    """Return for each of *refs*, data manifests, whether it may have a file that matches."""
    result: Mask = np.ones(len(refs), np.bool_)
    for spec_id in {ref.spec_id for ref in refs}:
        spec = spec_of(metadata, spec_id)
        rows = [
            row
            for row, ref in enumerate(refs)
            if ref.spec_id == spec_id
            and ref.summaries is not None
            and len(ref.summaries) == len(spec.fields)
        ]
        summaries = [refs[row].summaries or () for row in rows]
        if rows:
            result[rows] = _of_spec(predicate, summaries, spec, schema)
    return result


def spec_of(metadata: TableMetadata, spec_id: int) -> PartitionSpec:
    """Return a partition spec by its id; an empty one, which prunes nothing, if unknown."""
    return metadata.specs().get(spec_id, UNPARTITIONED_PARTITION_SPEC)


def _of_spec(
    predicate: Predicate,
    summaries: Sequence[Sequence[Summary]],
    spec: PartitionSpec,
    schema: Schema,
) -> Mask:
    place = {field.field_id: position for position, field in enumerate(spec.fields)}

    def judge(leaf: Leaf, column: NestedField) -> Mask:
        possible: Mask = np.ones(len(summaries), np.bool_)
        for field in _fields_from(spec, column):
            test = on_partition(leaf, column.field_type, field.transform)
            if test is not None:
                of_field = [entry[place[field.field_id]] for entry in summaries]
                possible &= may_match(test, _of_summaries(of_field, field, column))
        return possible

    return _evaluate(predicate, len(summaries), schema, judge)


def _evaluate(predicate: Predicate, count: int, schema: Schema, judge: _Judge) -> Mask:
    if isinstance(predicate, Anything):
        return np.ones(count, np.bool_)
    if isinstance(predicate, And | Or):
        result: Mask = np.full(count, isinstance(predicate, And), np.bool_)
        for part in predicate.parts:
            mask = _evaluate(part, count, schema, judge)
            result = result & mask if isinstance(predicate, And) else result | mask
        return result
    column = next((field for field in schema.fields if field.name == predicate.column), None)
    if column is None or not column.field_type.is_primitive:
        return np.ones(count, np.bool_)
    return judge(predicate, column)


def _fields_from(spec: PartitionSpec, column: NestedField) -> list[PartitionField]:
    return [field for field in spec.fields if field.source_id == column.field_id]


def _of_column(manifests: Sequence[Manifest], column: NestedField) -> Evidence:
    bounds = [manifest.bounds(column.field_id, column.field_type) for manifest in manifests]
    known = [bound for bound in bounds if bound is not None]
    comparable = len(known) == len(bounds) > 0
    nulls = pa.concat_arrays([manifest.nulls(column.field_id) for manifest in manifests])
    records = np.concatenate([manifest.record_counts for manifest in manifests])
    return Evidence(
        lower=pa.concat_arrays([lower for lower, _ in known]) if comparable else None,
        upper=pa.concat_arrays([upper for _, upper in known]) if comparable else None,
        only_null=_true(pc.greater_equal(nulls, pa.array(records))),
        never_null=_true(pc.equal(nulls, 0)),
    )


def _partition_values(manifests: Sequence[Manifest], field: PartitionField) -> pa.Array | None:
    """Return the values of a partition field in all files; None if one does not tell."""
    values = [manifest.partition(field.field_id) for manifest in manifests]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or len({value.type for value in known}) != 1:
        return None
    return pa.concat_arrays(known)


def _of_values(values: pa.Array) -> Evidence:
    null = np.asarray(values.is_null(), np.bool_)
    lower = upper = values
    if pa.types.is_floating(values.type):
        # pyiceberg 0.12's compiled Avro decoder reads doubles through a C float, so the value
        # is only known to lie between the neighbours of that float.  NaN encloses nothing.
        floats = np.asarray(pc.fill_null(values, math.nan)).astype(np.float32)
        unknown = np.isnan(floats)
        below = np.nextafter(floats, np.float32(-math.inf)).astype(np.float64)
        above = np.nextafter(floats, np.float32(math.inf)).astype(np.float64)
        lower, upper = pa.array(below, mask=unknown), pa.array(above, mask=unknown)
    return Evidence(lower, upper, only_null=null, never_null=~null)


def _of_summaries(
    summaries: Sequence[Summary], field: PartitionField, column: NestedField
) -> Evidence:
    kind = field.transform.result_type(column.field_type)
    lower = decoded_bounds(pa.array([entry.lower for entry in summaries], pa.binary()), kind)
    upper = decoded_bounds(pa.array([entry.upper for entry in summaries], pa.binary()), kind)
    return Evidence(
        lower=lower,
        upper=upper,
        only_null=np.zeros(len(summaries), np.bool_),
        never_null=np.array([not entry.contains_null for entry in summaries], np.bool_),
    )


def _true(result: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(result, False), np.bool_)

"""Rows to Parquet files of bounded size, with field ids and statistics, by partition.

The files are written with Arrow's own writer (``encoding``): it keeps field ids, gives the footer
without reading the file again, and lets the rows come from wherever they are counted and guarded
(docs/decisions/012).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import DateType, TimestampType, TimestamptzType

from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.encoding import Encoded, Encoders, Encoding, Group
from flightlake.lake.layout_terms import LayoutTerm, partition_columns, runs
from flightlake.lake.new_files import remove, written
from flightlake.lake.storable import as_stored, file_schema
from flightlake.lake.stores import StoreSettings

_SCHEMAS = 10_000
"""Columns of all schemas whose ways of being told are kept."""
_MOMENTS = (DateType, TimestampType, TimestamptzType)


class DataFiles:
    """Writes the rows of a table; used by one thread.

    Rows come best ordered by partition: each change of partition begins a file.

    Args:
        store: Where.
        folder: A directory that nobody else writes to.
        schema: Of the table.
        spec: How it is cut.
        terms: The same, as terms.
        subject: What is written, for messages.
        encoding: How large files are, and how much is done at a time.
    """

    def __init__(
        self,
        store: StoreSettings,
        folder: str,
        schema: Schema,
        spec: PartitionSpec,
        terms: Sequence[LayoutTerm],
        subject: str,
        encoding: Encoding,
    ) -> None:
        self._store = store
        self._schema = schema
        self._spec = spec
        self._terms = tuple(terms)
        self._subject = subject
        self._encoding = encoding
        self._arrow = file_schema(schema)
        self._encoders = Encoders(store, folder, self._arrow, encoding, self._described)
        self._group: Group | None = None
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows, whose columns are those of the table by position.

        Raises:
            InvalidSql: A value does not fit its column.
            NotReady: The store cannot be written.
        """
        batch = as_stored(batch, self._arrow)
        keys = partition_columns(self._terms, batch)
        for start, length in runs(keys, batch.num_rows):
            key = tuple(column[start].as_py() for column in keys)
            self._add(key, batch.slice(start, length))
        self.rows += batch.num_rows

    def finish(self) -> list[DataFile]:
        """Return the files, all of which are complete.

        Raises:
            NotReady: The store cannot be written.
        """
        self._encode()
        with written(self._subject):
            return self._encoders.finish()

    def discard(self) -> None:
        """Delete all that was written; only for files that no commit can have named."""
        self._encoders.abandon()
        remove(self._store, self._encoders.paths)

    def _add(self, key: tuple[Any, ...], rows: pa.RecordBatch) -> None:
        if self._group is not None and self._group.key != key:
            self._encode()
        if self._group is None:
            self._group = Group(key)
        self._group.add(rows)
        if self._group.fills(self._encoding) >= 1:
            self._encode()

    def _encode(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            with written(self._subject):
                self._encoders.encode(group)

    def _described(self, file: Encoded) -> DataFile:
        made = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=file.path,
            file_format=FileFormat.PARQUET,
            partition=Record(*file.key),
            file_size_in_bytes=file.size,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **_statistics(file, self._schema),
        )
        made.spec_id = self._spec.spec_id
        return made


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of the files of a schema: how of each column, by field id.

    ``moments`` are columns whose bounds are told by ourselves; ``ids`` are the field ids of the
    columns of a file, by their paths.
    """

    plan: Mapping[int, Any]
    moments: Mapping[int, Any]
    ids: Mapping[str, int]


_known: BoundedCache[str, _Told] = BoundedCache(_SCHEMAS)


def _told(schema: Schema) -> _Told:
    # Imported here: it takes a while, and servers that only read do without.
    from pyiceberg.io.pyarrow import (
        MetricModeTypes,
        MetricsMode,
        compute_statistics_plan,
        parquet_path_to_id_mapping,
    )

    def make() -> tuple[_Told, int]:
        plan = compute_statistics_plan(schema, {})
        # Python has days of the years 1 to 9999 only, and that is what the library makes of them.
        moments = {id_: one for id_, one in plan.items() if isinstance(one.iceberg_type, _MOMENTS)}
        just_counted = MetricsMode(MetricModeTypes.COUNTS)
        plan |= {id_: replace(one, mode=just_counted) for id_, one in moments.items()}
        return _Told(plan, moments, parquet_path_to_id_mapping(schema)), 1 + len(plan)

    return _known.get_or_make(schema.model_dump_json(), make)


def _statistics(file: Encoded, schema: Schema) -> dict[str, Any]:
    """Return what a manifest says of a file: counts, sizes and bounds by field id."""
    from pyiceberg.io.pyarrow import data_file_statistics_from_parquet_metadata

    told = _told(schema)
    ids = dict(told.ids)
    statistics = data_file_statistics_from_parquet_metadata(file.footer, dict(told.plan), ids)
    leaves = [
        ids[file.footer.schema.column(place).path] for place in range(file.footer.num_columns)
    ]
    _add_moments(statistics, file.footer, leaves, told.moments)
    _correct(statistics, file.footer, leaves)
    found = statistics.to_serialized_dict()
    # Parquet's bounds leave NaN out; readers believe them where it is said how many there are.
    nans = {schema.fields[at].field_id: nans for at, nans in file.nans.items()}
    return {**found, "nan_value_counts": nans}


def _add_moments(
    statistics: Any, footer: pq.FileMetaData, leaves: Sequence[int], moments: Mapping[int, Any]
) -> None:
    """Add bounds of the columns *moments*, as the numbers that they are stored as.

    *leaves* are the field ids of the columns of the file, of which nested ones have several.
    """
    from pyiceberg.io.pyarrow import StatsAggregator

    for place, field_id in enumerate(leaves):
        if field_id not in moments:
            continue
        stored = footer.schema.column(place).physical_type
        bounds = StatsAggregator(moments[field_id].iceberg_type, stored)
        for number in range(footer.num_row_groups):
            found = footer.row_group(number).column(place).statistics
            if found is not None and found.has_min_max:
                bounds.update_min(found.min_raw)
                bounds.update_max(found.max_raw)
        statistics.column_aggregates[field_id] = bounds


def _correct(statistics: Any, footer: pq.FileMetaData, leaves: Sequence[int]) -> None:
    """Leave out bounds that do not hold for all of a file, and those that cannot be written."""
    bounds = statistics.column_aggregates
    for place, field_id in enumerate(leaves):
        if field_id not in bounds:
            continue
        if any(_unbounded(footer.row_group(n).column(place)) for n in range(footer.num_row_groups)):
            # Those of other row groups would be taken for the whole file's.
            del bounds[field_id]
            continue
        try:
            bounds[field_id].max_as_bytes()
        except UnicodeEncodeError:
            # What comes after the last character before the surrogates is none.
            bounds[field_id].trunc_length = None


def _unbounded(column: pq.ColumnChunkMetaData) -> bool:
    """Return whether *column* has values, and does not say between which they are.

    Arrow's writer leaves out bounds of values that are longer than 4 KiB.
    """
    found = column.statistics
    if found is None or not found.has_null_count:
        return True
    return not found.has_min_max and found.null_count < column.num_values

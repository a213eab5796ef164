"""Rows to Parquet files of bounded size, with field ids and statistics, by partition.

The files are written with Arrow's own writer: it keeps field ids, gives the footer without
reading the file again, and lets the rows come from wherever they are counted and guarded
(docs/decisions/012).
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record

from flightlake.lake.layout_terms import LayoutTerm, partition_columns, runs
from flightlake.lake.new_files import open_new, remove, written
from flightlake.lake.storable import as_stored, file_schema
from flightlake.lake.stores import StoreSettings

FILE_BYTES = 256 << 20
"""A file is ended once it has this many bytes."""
_GROUP_BYTES = 64 << 20
_GROUP_ROWS = 1 << 20
"""A row group is written once its rows take so many bytes in memory, or are so many."""


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
        file_bytes: After how many bytes a file is ended.
    """

    def __init__(
        self,
        store: StoreSettings,
        folder: str,
        schema: Schema,
        spec: PartitionSpec,
        terms: Sequence[LayoutTerm],
        subject: str,
        file_bytes: int = FILE_BYTES,
    ) -> None:
        self._store = store
        self._folder = folder
        self._schema = schema
        self._spec = spec
        self._terms = tuple(terms)
        self._subject = subject
        self._file_bytes = file_bytes
        self._arrow = file_schema(schema)
        self._paths: list[str] = []
        self._done: list[DataFile] = []
        self._file: _OpenFile | None = None
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
            key = tuple(_plain(column[start]) for column in keys)
            self._write(key, batch.slice(start, length))
        self.rows += batch.num_rows

    def finish(self) -> list[DataFile]:
        """Return the files, all of which are complete.

        Raises:
            NotReady: The store cannot be written.
        """
        self._end()
        return self._done

    def discard(self) -> None:
        """Delete all that was written; only for files that no commit can have named."""
        if self._file is not None:
            self._file.abandon()
            self._file = None
        remove(self._store, self._paths)

    def _write(self, key: tuple[Any, ...], rows: pa.RecordBatch) -> None:
        if self._file is not None and self._file.key != key:
            self._end()
        with written(self._subject):
            if self._file is None:
                path = f"{self._folder}/{len(self._paths):05d}.parquet"
                self._paths.append(path)
                self._file = _OpenFile(self._store, path, self._arrow, key)
            size = self._file.add(rows)
        if size >= self._file_bytes:
            self._end()

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        with written(self._subject):
            footer, size = file.end()
        made = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=file.path,
            file_format=FileFormat.PARQUET,
            partition=Record(*file.key),
            file_size_in_bytes=size,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **_statistics(footer, self._schema),
        )
        made.spec_id = self._spec.spec_id
        self._done.append(made)


class _OpenFile:
    """A Parquet file that is being written, of the partition *key*."""

    def __init__(
        self, store: StoreSettings, path: str, schema: pa.Schema, key: tuple[Any, ...]
    ) -> None:
        self.path = path
        self.key = key
        self._schema = schema
        self._stream = open_new(store, path)
        self._writer = pq.ParquetWriter(
            self._stream, schema, compression="zstd", store_schema=False, write_page_index=True
        )
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = self._rows = 0

    def add(self, rows: pa.RecordBatch) -> int:
        """Add rows; return how many bytes the file has by now."""
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        self._rows += rows.num_rows
        if self._bytes >= _GROUP_BYTES or self._rows >= _GROUP_ROWS:
            self._write_group()
        return int(self._stream.tell())

    def end(self) -> tuple[pq.FileMetaData, int]:
        """Complete the file; return its footer and size."""
        self._write_group()
        self._writer.close()
        size = int(self._stream.tell())
        self._stream.close()
        return self._writer.writer.metadata, size

    def abandon(self) -> None:
        """Let go of a file that is not wanted."""
        try:
            self._writer.close()
            self._stream.close()
        except (OSError, pa.ArrowException):
            pass  # it goes anyhow

    def _write_group(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, schema=self._schema)
            self._writer.write_table(table, row_group_size=_GROUP_ROWS)
            self._waiting, self._bytes, self._rows = [], 0, 0


def _statistics(footer: pq.FileMetaData, schema: Schema) -> dict[str, Any]:
    """Return what a manifest says of a file: counts, sizes and bounds by field id."""
    # Imported here: it takes a while, and servers that only read do without.
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )

    statistics = data_file_statistics_from_parquet_metadata(
        footer, compute_statistics_plan(schema, {}), parquet_path_to_id_mapping(schema)
    )
    return statistics.to_serialized_dict()


def _plain(value: pa.Scalar) -> Any:
    return value.as_py()

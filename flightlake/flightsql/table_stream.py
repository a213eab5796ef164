"""A finished table as a stream of batches, for results that are small and known."""

from collections.abc import Iterator

import pyarrow as pa


class TableStream:
    """The rows of *table* in record batches; at least one, even if it has no row.

    The ADBC driver takes a metadata stream without any batch for a broken connection.
    """

    def __init__(self, table: pa.Table) -> None:
        self.schema: pa.Schema = table.schema
        self._table: pa.Table | None = table

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._table is None:
            return
        batches = [batch for batch in self._table.to_batches() if batch.num_rows]
        yield from batches or [pa.RecordBatch.from_pylist([], schema=self.schema)]

    def close(self) -> None:
        """Let go of the rows; iterating anew gives nothing."""
        self._table = None

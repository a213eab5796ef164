"""Record batches cut and joined so that each fills a message of the wanted size.

Sizes are those of the encoded IPC message, measured by pyarrow, not estimates: a slice may share
buffers with its batch, and one long string among short ones makes an average worthless.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

LARGEST_MESSAGE = 4 * 2**20
"""Raw gRPC clients refuse more than 4 MiB by default (grpcio, tonic)."""

_ROOM = 16 * 2**10  # what FlightData adds to the IPC message, generously


def encoded_size(batch: pa.RecordBatch) -> int:
    """Return the bytes of *batch* as an IPC message, uncompressed, without its dictionaries."""
    return int(pa.ipc.get_record_batch_size(batch))


def slices(batch: pa.RecordBatch, target: int) -> Iterator[pa.RecordBatch]:
    """Yield *batch* in pieces of about *target* bytes, and never over ``LARGEST_MESSAGE``
    unless one row alone is larger.

    A batch of up to 1.5 targets stays whole: two halves would only cost.  Nothing is copied.
    """
    size = encoded_size(batch)
    if size <= min(target * 3 // 2, LARGEST_MESSAGE - _ROOM) or batch.num_rows <= 1:
        yield batch
        return
    count = min(-(-size // target), batch.num_rows)
    rows = -(-batch.num_rows // count)
    for start in range(0, batch.num_rows, rows):
        yield from _within_limit(batch.slice(start, rows))


def _within_limit(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= 1 or encoded_size(batch) <= LARGEST_MESSAGE - _ROOM:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _within_limit(batch.slice(0, half))
    yield from _within_limit(batch.slice(half))


def with_small_dictionaries(batch: pa.RecordBatch, target: int) -> Iterator[pa.RecordBatch]:
    """Yield *batch* in pieces whose dictionaries hold only what the piece uses, if one is large.

    A dictionary travels whole, before the rows; what is over a message's size is therefore cut
    down by cutting the rows.  A dictionary keeps its order.  Only top-level columns are looked at.
    """
    large = [
        position
        for position, column in enumerate(batch.columns)
        if pa.types.is_dictionary(column.type) and column.dictionary.nbytes > target
    ]
    if not large:
        yield batch
        return
    plain = pa.RecordBatch.from_arrays(
        [
            column.dictionary_decode() if position in large else column
            for position, column in enumerate(batch.columns)
        ],
        names=batch.schema.names,
    )
    start = 0
    for piece in slices(plain, target):
        columns = batch.slice(start, piece.num_rows).columns
        for position in large:
            columns[position] = _with_used_values(columns[position])
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)
        start += piece.num_rows


def _with_used_values(column: pa.DictionaryArray) -> pa.DictionaryArray:
    used = pc.unique(column.indices).drop_null()
    used = used.take(pc.sort_indices(used))
    indices = pc.index_in(column.indices, used, skip_nulls=True).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(
        indices, column.dictionary.take(used), ordered=column.type.ordered
    )


class Coalescer:
    """Joins small batches until they fill a message.

    Small messages cost both ends more than a copy does.  A batch is held back only while the
    source is quick: rows of a slow source leave as they come.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._held: list[pa.RecordBatch] = []
        self._size = 0

    def add(self, batch: pa.RecordBatch, quick: bool) -> Iterator[pa.RecordBatch]:
        """Take *batch* and yield what should leave now, in order."""
        size = encoded_size(batch)
        if self._size + size > self._target:
            yield from self.flush()
        if quick and size <= self._target // 2:
            self._held.append(batch)
            self._size += size
            return
        yield from self.flush()
        yield batch

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Yield what is held back, as one batch."""
        held, self._held, self._size = self._held, [], 0
        if len(held) == 1:
            yield held[0]
        elif held:
            yield pa.concat_batches(held)

"""Which data files a statement has to read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class DataFile:
    """A live data file: its path as the manifest has it, its bytes and its rows."""

    path: str
    size: int
    record_count: int


@dataclass(frozen=True, slots=True)
class DataFiles(Sequence[DataFile]):
    """Data files as columns (``paths``: string; ``sizes``, ``record_counts``: int64).

    A sequence of ``DataFile`` for those who want one; with many files, ask for the columns.
    """

    paths: pa.ChunkedArray
    sizes: pa.ChunkedArray
    record_counts: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[DataFile]:
        columns = (self.paths, self.sizes, self.record_counts)
        for path, size, records in zip(*(column.to_pylist() for column in columns), strict=True):
            yield DataFile(path, size, records)

    @overload
    def __getitem__(self, index: int) -> DataFile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[DataFile]: ...
    def __getitem__(self, index: int | slice) -> DataFile | Sequence[DataFile]:
        if isinstance(index, slice):
            return list(self)[index]
        return DataFile(
            self.paths[index].as_py(), self.sizes[index].as_py(), self.record_counts[index].as_py()
        )


NO_FILES = DataFiles(
    pa.chunked_array([], pa.string()),
    pa.chunked_array([], pa.int64()),
    pa.chunked_array([], pa.int64()),
)

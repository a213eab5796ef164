"""Row groups to Parquet files, several files at a time, each by one thread.

Encoding takes as long as computing does, and Arrow's writer encodes a file on one thread.  So
while the engine computes, row groups go to files of lanes: a lane has at most one open file and
one row group, so that what is held in memory is known beforehand.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flightlake.lake.dictionaries import repeating
from flightlake.lake.new_files import open_new
from flightlake.lake.stores import StoreSettings

D = TypeVar("D")

_GROUP_ROWS = 1 << 20
_QUICK_SECONDS = 30.0

Key = tuple[Any, ...]
"""The values of a partition."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How rows are cut, and how much of them is held.

    A file is ended once it has ``file_bytes``.  A row group is ended once its rows take
    ``group_bytes`` in memory, or are a million; ``at_once`` are encoded at a time, each of
    another file, while one more is collected.
    """

    file_bytes: int = 256 << 20
    group_bytes: int = 64 << 20
    at_once: int = 2

    @classmethod
    def within(cls, memory: int, cores: int) -> "Encoding":
        """Return one that holds at most a sixteenth of *memory* bytes of rows for *cores* cores.

        What the engine has taken for them may be twice as much: it makes strings with room.
        """
        at_once = max(1, min(cores, 8))
        share = memory // 16 // (at_once + 1)
        return cls(group_bytes=max(1 << 20, min(cls().group_bytes, share)), at_once=at_once)


ENCODING = Encoding()
"""For whoever was not told how much memory there is."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A complete file, and how many NaN its float columns have, by their position."""

    path: str
    key: Key
    footer: pq.FileMetaData
    size: int
    nans: dict[int, int]


@dataclass(slots=True)
class Group:
    """Rows that become a row group; all of one partition."""

    key: Key
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes

    def fills(self, encoding: Encoding) -> float:
        """Return how much of a row group this is; from 1 on it is a whole one."""
        return max(self.bytes / encoding.group_bytes, self.rows / _GROUP_ROWS)


class Encoders(Generic[D]):
    """The files of one folder while they are written; used by one thread.

    Args:
        store: Where.
        folder: A directory that nobody else writes to.
        schema: The Arrow schema of the files, with field ids.
        encoding: How much is done at a time.
        describe: Makes of a complete file what is kept of it until all are written: a footer is
            2 KiB for each column.  Called in any thread.
    """

    def __init__(
        self,
        store: StoreSettings,
        folder: str,
        schema: pa.Schema,
        encoding: Encoding,
        describe: Callable[[Encoded], D],
    ) -> None:
        self._store = store
        self._folder = folder
        self._schema = schema
        self._encoding = encoding
        self._numbers = count()
        self._threads = ThreadPoolExecutor(encoding.at_once, thread_name_prefix="encoder")
        self._lanes = [_Lane(encoding, self._open, describe) for _ in range(encoding.at_once)]
        self._dictionaries: list[str] | None = None
        self.paths: list[str] = []
        """Of all files that were begun."""

    def encode(self, group: Group) -> None:
        """Write *group*, some time later; wait while all lanes are busy.

        Raises:
            OSError, ArrowException: What was written before could not be.
        """
        if self._dictionaries is None:
            first = pa.Table.from_batches(group.batches, schema=self._schema)
            self._dictionaries = repeating(first)
        lane = self._lane(group)
        lane.key = group.key
        lane.work = self._threads.submit(lane.write, group)

    def finish(self) -> list[D]:
        """Return what is kept of all files, which are complete.

        Raises:
            OSError, ArrowException: One could not be written.
        """
        wait([lane.work for lane in self._lanes if lane.work is not None])
        ends = [self._threads.submit(lane.end) for lane in self._lanes if lane.idle()]
        for end in ends:
            end.result()
        self._threads.shutdown()
        done = [file for lane in self._lanes for file in lane.done]
        return [described for _, described in sorted(done, key=lambda file: file[0])]

    def abandon(self) -> None:
        """Let go of all files, once nothing is being written any more."""
        self._threads.shutdown()
        for lane in self._lanes:
            lane.abandon()

    def _lane(self, group: Group) -> "_Lane[D]":
        """Return an idle lane: one whose file *group* goes on, or another.

        A small rest waits for its partition's file rather than begin one more.
        """
        waits = group.fills(self._encoding) < 0.25
        while True:
            idle = [lane for lane in self._lanes if lane.idle()]
            for lane in idle:
                if lane.key == group.key:
                    return lane
            if idle and not (waits and any(lane.key == group.key for lane in self._lanes)):
                return idle[0]
            wait([lane.work for lane in self._lanes if lane.work], return_when=FIRST_COMPLETED)

    def _open(self, key: Key) -> "_OpenFile":
        path = f"{self._folder}/{next(self._numbers):05d}.parquet"
        self.paths.append(path)
        return _OpenFile(self._store, path, self._schema, key, self._dictionaries or [])


class _Lane(Generic[D]):
    """One file after the other, each row group by whichever thread; one at a time.

    ``key`` and ``work`` belong to the thread that hands work out.

    A file can only be ended with the keys that it was begun with.  Where they end, it is ended
    once there are new ones, which come minutes before; and at once, unless row groups have come
    quickly: nobody knows when the next one will.
    """

    def __init__(
        self,
        encoding: Encoding,
        open_file: "Callable[[Key], _OpenFile]",
        describe: Callable[[Encoded], D],
    ) -> None:
        self._file_bytes = encoding.file_bytes
        self._written = -_QUICK_SECONDS
        self._open = open_file
        self._describe = describe
        self._file: _OpenFile | None = None
        self.key: Key | None = None
        self.work: Future[None] | None = None
        self.done: list[tuple[str, D]] = []

    def idle(self) -> bool:
        """Return whether nothing is being written; raise what the last work ended with."""
        if self.work is not None:
            if not self.work.done():
                return False
            work, self.work = self.work, None
            work.result()
        return True

    def write(self, group: Group) -> None:
        if self._file is not None and (self._file.key != group.key or self._file.is_old()):
            self.end()
        if self._file is None:
            self._file = self._open(group.key)
        size = self._file.write(group)
        before, self._written = self._written, time.monotonic()
        slow = self._file.ages and self._written - before > _QUICK_SECONDS
        if size >= self._file_bytes or slow:
            self.end()

    def end(self) -> None:
        if self._file is not None:
            done, self._file = self._file.end(), None
            self.done.append((done.path, self._describe(done)))

    def abandon(self) -> None:
        if self._file is not None:
            self._file.abandon()
            self._file = None


class _OpenFile:
    """A Parquet file that is being written, of the partition *key*."""

    def __init__(
        self,
        store: StoreSettings,
        path: str,
        schema: pa.Schema,
        key: Key,
        dictionaries: Sequence[str],
    ) -> None:
        self.path = path
        self.key = key
        self.ages = store.keys is not None
        self._store = store
        self._held = store.held()
        self._schema = schema
        self._floats = [at for at, type_ in enumerate(schema.types) if pa.types.is_floating(type_)]
        self._nans = dict.fromkeys(self._floats, 0)
        self._stream = open_new(self._held, path)
        self._writer = pq.ParquetWriter(
            self._stream,
            schema,
            compression="zstd",
            store_schema=False,
            store_decimal_as_integer=True,  # as Iceberg wants decimals of up to 18 digits
            use_dictionary=list(dictionaries),
            write_page_index=True,
        )

    def is_old(self) -> bool:
        """Return whether its keys are about to end, and there are new ones."""
        return self.ages and self._store.held() != self._held

    def write(self, group: Group) -> int:
        """Write a row group; return how many bytes the file has by now."""
        table = pa.Table.from_batches(group.batches, schema=self._schema)
        group.batches.clear()
        for at in self._floats:
            self._nans[at] += pc.sum(pc.is_nan(table.column(at))).as_py() or 0
        self._writer.write_table(table, row_group_size=_GROUP_ROWS)
        return int(self._stream.tell())

    def end(self) -> Encoded:
        """Complete the file."""
        self._writer.close()
        size = int(self._stream.tell())
        self._stream.close()
        return Encoded(self.path, self.key, self._writer.writer.metadata, size, self._nans)

    def abandon(self) -> None:
        """Let go of a file that is not wanted, and may not even be closed."""
        # What could not be written once must not be tried again when this is collected.
        self._writer.is_open = False
        with suppress(OSError, pa.ArrowException):
            self._stream.close()

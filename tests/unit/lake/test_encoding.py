"""Rows become row groups and files of bounded size, in bounded memory, or nothing at all."""

import errno
import subprocess
import sys
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import PartitionSpec

from flightlake.errors import NotReady
from flightlake.lake import encoding as encoding_module
from flightlake.lake.data_files import DataFiles
from flightlake.lake.encoding import Encoders, Encoding, Group
from flightlake.lake.layout_terms import LayoutTerm, partition_spec
from flightlake.lake.storable import file_schema, iceberg_schema
from flightlake.lake.stores import StoreSettings

COLUMNS = pa.schema([("k", pa.int64()), ("x", pa.float64()), ("s", pa.string())])
STORE = StoreSettings("file")


def batch(start: int, rows: int, key: int | None = None) -> pa.RecordBatch:
    numbers = range(start, start + rows)
    keys = pa.array(numbers if key is None else [key] * rows, pa.int64())
    texts = pa.array([f"{number:0100d}" for number in numbers])
    return pa.record_batch(
        [keys, pa.array([float(number) for number in numbers]), texts], schema=COLUMNS
    )


def files_in(folder: Path, encoding: Encoding, *terms: LayoutTerm) -> DataFiles:
    schema = iceberg_schema(COLUMNS)
    spec = partition_spec(terms, schema, 0, None) if terms else PartitionSpec(spec_id=0)
    return DataFiles(STORE, str(folder), schema, spec, terms, "table t", encoding)


def test_row_groups_and_files_end_at_their_sizes_and_hold_all_rows(tmp_path: Path) -> None:
    files = files_in(tmp_path, Encoding(file_bytes=20_000, group_bytes=50_000, at_once=2))
    for start in range(0, 20_000, 100):
        files.write(batch(start, 100))
    done = files.finish()
    paths = [str(file.file_path) for file in done]
    assert sorted(paths) == sorted(map(str, tmp_path.iterdir()))
    assert len(done) > 2
    assert sum(file.record_count for file in done) == files.rows == 20_000
    rows = pa.concat_tables(pq.read_table(path) for path in paths).sort_by("k")
    assert rows.equals(pa.Table.from_batches([batch(0, 20_000)]).cast(rows.schema))
    for file in done:
        footer = pq.ParquetFile(file.file_path).metadata
        assert file.file_size_in_bytes == Path(file.file_path).stat().st_size
        # One row group beyond the size, at most; each but the last of all is of one size.
        assert file.file_size_in_bytes < 20_000 + 60_000
        assert {footer.row_group(n).num_rows for n in range(footer.num_row_groups)} <= {400, 500}
        assert file.null_value_counts == {1: 0, 2: 0, 3: 0}
        assert file.nan_value_counts == {2: 0}


def test_rows_that_fill_no_row_group_are_one_file(tmp_path: Path) -> None:
    files = files_in(tmp_path, Encoding(at_once=4))
    for start in range(0, 1000, 10):
        files.write(batch(start, 10))
    (file,) = files.finish()
    assert file.record_count == 1000
    assert pq.ParquetFile(file.file_path).metadata.num_row_groups == 1


def test_a_file_is_described_when_it_is_complete_so_that_no_footers_are_held(
    tmp_path: Path,
) -> None:
    schema = file_schema(iceberg_schema(COLUMNS))
    rows = batch(0, 10).cast(schema)
    described: list[str] = []
    encoders = Encoders(
        STORE, str(tmp_path), schema, Encoding(at_once=1), lambda file: described.append(file.path)
    )
    for key in range(5):
        group = Group((key,))
        group.add(rows)
        encoders.encode(group)
    # The last one is being written, and the one before it may be open still.
    assert len(described) >= 3
    encoders.finish()
    assert described == encoders.paths


def test_many_partitions_are_one_file_each_and_few_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, streams, most = encoding_module.open_new, [], 0

    def open_new(store: StoreSettings, path: str) -> pa.NativeFile:
        nonlocal most
        made = real(store, path)
        streams.append(made)
        most = max(most, sum(not stream.closed for stream in streams))
        return made

    monkeypatch.setattr(encoding_module, "open_new", open_new)
    files = files_in(tmp_path, Encoding(at_once=3), LayoutTerm("identity", "k"))
    for key in range(0, 1000, 4):
        parts = [batch(0, 2, key + part) for part in range(4)]
        files.write(pa.Table.from_batches(parts).combine_chunks().to_batches()[0])
    done = files.finish()
    assert sorted(file.partition[0] for file in done) == list(range(1000))
    assert {file.record_count for file in done} == {2}
    assert most <= 3


def test_nan_are_counted_and_left_out_of_bounds(tmp_path: Path) -> None:
    files = files_in(tmp_path, Encoding())
    texts = pa.array(["a", None, "c", "d"])
    values = pa.array([float("nan"), None, 1.5, float("nan")])
    files.write(pa.record_batch([pa.array([1, 2, 3, 4]), values, texts], schema=COLUMNS))
    (file,) = files.finish()
    assert file.nan_value_counts == {2: 2}
    assert file.null_value_counts == {1: 0, 2: 1, 3: 1}
    assert file.lower_bounds[2] == file.upper_bounds[2]


def test_only_what_repeats_has_a_dictionary(tmp_path: Path) -> None:
    files = files_in(tmp_path, Encoding())
    many = batch(0, 20_000)
    files.write(many.set_column(2, "s", pa.array([f"t{n % 50}" for n in range(20_000)])))
    (file,) = files.finish()
    group = pq.ParquetFile(file.file_path).metadata.row_group(0)
    assert [group.column(n).has_dictionary_page for n in range(3)] == [False, False, True]


@pytest.mark.parametrize("broken", [1, 2, 5])
def test_a_store_that_is_full_in_the_middle_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    real, opened, numbers = encoding_module.open_new, [], count(1)

    class Full:
        """A file that is not taken beyond its first bytes."""

        def __init__(self, file: pa.NativeFile) -> None:
            self._file, self._left, self.closed = file, 1000, False

        def write(self, data: bytes) -> int:
            self._left -= len(data)
            if self._left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            written: int = self._file.write(data)
            return written

        def close(self) -> None:
            self._file.close()
            self.closed = True

        def flush(self) -> None:
            self._file.flush()

    def open_new(store: StoreSettings, path: str) -> pa.NativeFile:
        opened.append(path)
        number = next(numbers)  # several threads open files at a time
        file = real(store, path)
        return pa.PythonFile(Full(file), "w") if number == broken else file

    monkeypatch.setattr(encoding_module, "open_new", open_new)
    files = files_in(tmp_path, Encoding(file_bytes=30_000, group_bytes=20_000, at_once=2))

    def write_all() -> None:
        for start in range(0, 100_000, 100):
            files.write(batch(start, 100))

    with pytest.raises(NotReady, match="table t cannot be written: its store does not answer, is"):
        write_all()
    assert len(opened) >= broken
    files.discard()
    assert list(tmp_path.iterdir()) == []


_MEMORY = """
import sys
from pathlib import Path
from pyiceberg.io import pyarrow
from flightlake.lake.encoding import Encoding
from tests.unit.lake.test_encoding import batch, files_in

files = files_in(Path(sys.argv[1]), Encoding(file_bytes=8 << 20, group_bytes=8 << 20, at_once=2))
some = [batch(0, 8192), batch(0, 8192)]
peak = lambda: next(
    int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
    if line.startswith("VmHWM")
)
for number in range(250):
    if number == 40:
        before = peak()
    files.write(some[number % 2].take(some[0].column(0)))
found = files.finish()
print(sum(file.record_count for file in found), (peak() - before) // 1024)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    # 240 MB of rows, of which three row groups of 8 MiB are held.
    command = [sys.executable, "-c", _MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rows, grown = map(int, done.stdout.split())
    assert rows == 250 * 8192
    assert grown < 80


def test_memory_that_was_set_is_kept_to() -> None:
    for memory in (64 << 20, 1 << 30, 1 << 40):
        for cores in (1, 2, 64):
            made = Encoding.within(memory, cores)
            held = (made.at_once + 1) * made.group_bytes
            assert held <= max(memory // 16, 9 << 20)
            assert 1 <= made.at_once <= 8
            assert 1 << 20 <= made.group_bytes <= 64 << 20

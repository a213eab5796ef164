"""Which files snapshots reach; what cannot be told is an error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyiceberg.table import Table

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, DamagedData
from flightlake.lake.reach import Reached, reached, stored_key
from flightlake.lake.stores import StoreSettings
from tests.fix_catalogs import orders, sqlite_lake

FILE = StoreSettings("file")


def _table(folder: Path) -> Table:
    lake = sqlite_lake(folder)
    table = lake.create("t")
    for number in range(3):
        table.append(orders(number, number + 1))
    table.delete("id = 1")
    return lake.writer.load_table((lake.root, "t"))


def _reached(table: Table, call: Cancellation | None = None) -> Reached:
    snapshots = table.metadata.snapshots
    return reached(table.metadata, snapshots, FILE, "t", call or Cancellation())


def _local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def test_all_files_of_all_snapshots_are_reached(tmp_path: Path) -> None:
    table = _table(tmp_path)
    found = _reached(table)
    files = {str(path) for path in tmp_path.glob("warehouse/**/*.parquet")}
    assert set(found.files) == files
    avro = {str(path) for path in tmp_path.glob("warehouse/**/*.avro")}
    assert set(found.manifests) | set(found.lists) == avro
    assert all(Path(path).stat().st_size == size for path, size in found.files.items())
    assert all(Path(path).stat().st_size == size for path, size in found.manifests.items())


def test_what_others_have_is_left_out() -> None:
    one = Reached({"a": 1, "b": 2}, {"m": 3}, {"l": 0})
    assert one.without(Reached({"b": 2}, {}, {"l": 0})) == Reached({"a": 1}, {"m": 3}, {})


def test_a_file_has_one_name_however_its_path_is_written() -> None:
    names = {"/a/b", "file:/a/b", "file:///a/b", "file:///a//b"}
    assert {stored_key(FILE, name) for name in names} == {"/a/b"}
    s3 = StoreSettings("s3", "lake")
    assert {stored_key(s3, f"{scheme}://lake/a//b") for scheme in ("s3", "s3a")} == {"lake/a/b"}


def _cut(content: bytes) -> bytes:
    return content[:-30]


def _empty(content: bytes) -> bytes:
    """Return an Avro file that ends where its first block would begin."""
    return content[: content.index(content[-16:]) + 16]


def _nothing(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("cut", [_cut, _empty, _nothing])
@pytest.mark.parametrize("which", ["list", "manifest"])
def test_what_is_cut_short_is_an_error(
    tmp_path: Path, which: str, cut: Callable[[bytes], bytes]
) -> None:
    table = _table(tmp_path)
    snapshot = table.metadata.snapshots[1]
    assert snapshot.manifest_list
    path = snapshot.manifest_list
    if which == "manifest":
        path = snapshot.manifests(table.io)[0].manifest_path
    file = _local(path)
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(DamagedData):
        _reached(table)


@pytest.mark.parametrize("which", ["list", "manifest"])
def test_what_is_missing_is_an_error(tmp_path: Path, which: str) -> None:
    table = _table(tmp_path)
    snapshot = table.metadata.snapshots[1]
    path = snapshot.manifest_list
    if which == "manifest":
        path = snapshot.manifests(table.io)[0].manifest_path
    assert path
    _local(path).unlink()
    with pytest.raises(DamagedData, match="missing"):
        _reached(table)


def test_a_snapshot_that_does_not_say_how_many_files_it_has_cannot_be_trusted(
    tmp_path: Path,
) -> None:
    table = _table(tmp_path)
    snapshot = table.metadata.snapshots[1]
    assert snapshot.summary is not None
    del snapshot.summary._additional_properties["total-data-files"]
    with pytest.raises(DamagedData, match="does not say how many files"):
        _reached(table)


def test_it_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    call = Cancellation()
    call.cancel()
    with pytest.raises(Cancelled):
        _reached(_table(tmp_path), call)

"""Deleting files: only below a folder, all of them, and not one more."""

from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled
from flightlake.lake.deletion import Deleted, below, delete
from flightlake.lake.stores import StoreSettings

FILE = StoreSettings("file")


def test_only_what_is_below_the_folder_counts() -> None:
    keys = ["/a/b/c", "/a/bc", "/a/b", "/a/b/../c", "/a/b/d/e", "/x/a/b/c"]
    assert below(FILE, "file:///a/b/", keys) == ["/a/b/c", "/a/b/d/e"]
    s3 = StoreSettings("s3", "lake")
    assert below(s3, "s3://lake/a", ["lake/a/b", "lake2/a/b", "a/b"]) == ["lake/a/b"]


def test_files_go_and_folders_that_are_empty_then(tmp_path: Path) -> None:
    for name in ("one/a", "one/b", "two/a", "two/b"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12")
    sizes = {str(tmp_path / name): 2 for name in ("one/a", "one/b", "two/a", "two/gone")}
    assert delete(FILE, sizes, Cancellation()) == Deleted(4, 8, 0)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "two",
        "two/b",
    ]


def test_what_cannot_be_deleted_is_counted(tmp_path: Path) -> None:
    (tmp_path / "folder/inside").mkdir(parents=True)
    assert delete(FILE, {str(tmp_path / "folder"): 2}, Cancellation()) == Deleted(0, 0, 1)


def test_nothing_is_deleted_once_it_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    call = Cancellation()
    call.cancel()
    with pytest.raises(Cancelled):
        delete(FILE, {str(path): 0}, call)
    assert path.exists()

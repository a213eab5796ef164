"""Where the corpus lies while it is written or read, and the archive it is kept in.

Iceberg's metadata names files by absolute paths, so the corpus has one place, outside of any
checkout; a lock keeps two runs from being there at once.
"""

import fcntl
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACE = Path("/tmp/flightlake-corpus")  # noqa: S108 - the same everywhere; locked, and removed after use
LOCK = PLACE.with_suffix(".lock")
ARCHIVE = Path(__file__).with_name("corpus.tar.xz")

CATALOG = "lake"
"""The name the rows of the catalog's database carry."""
NAMESPACE = "corpus"
DATABASE = PLACE / "catalog.db"
WAREHOUSE = PLACE / "warehouse"
ANSWERS = PLACE / "answers"


@contextmanager
def held() -> Iterator[None]:
    """Wait until nobody is at the place, and hold it; it is empty before and gone after."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        clear()
        try:
            yield
        finally:
            clear()


def clear() -> None:
    """Remove what lies there."""
    if PLACE.exists():
        shutil.rmtree(PLACE)


def unpack() -> None:
    """Put the archive's content there."""
    PLACE.mkdir()
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(PLACE, filter="data")


def pack() -> None:
    """Write what lies there to the archive; no owner, time or order of this machine in it."""
    made = ARCHIVE.with_suffix(".new")
    with tarfile.open(made, "w:xz", preset=9) as archive:
        for path in sorted(PLACE.rglob("*")):
            if path.is_file() and not path.name.endswith(".crc"):
                archive.add(path, path.relative_to(PLACE), filter=_anonymous)
    made.replace(ARCHIVE)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime, member.mode = 0, 0o644
    return member

"""Private files that several processes share: written whole or not at all, under a lock."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_private(path: Path, text: str, *, exclusive: bool = False) -> None:
    """Write *text* to *path* with mode 0600, so that readers see all of it or nothing.

    The file and its directory are synced.  A symbolic link is followed, and an existing file
    keeps its owner (so that root may edit what the service reads).

    Raises:
        FileExistsError: The file exists and *exclusive* is true.
        OSError: It cannot be written.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if not exclusive:
                _keep_owner(target, file.fileno())
            os.fsync(file.fileno())
        if exclusive:
            os.link(draft, target)
        else:
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(target.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock among processes, by the file *path* (created if it is missing)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def signature(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when *path* is replaced or edited, or None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _keep_owner(target: Path, descriptor: int) -> None:
    with suppress(OSError):
        owner = target.stat()
        if owner.st_uid != os.geteuid():
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Where the engine spills: a directory of this process, and what killed ones left behind."""

import fcntl
import os
import shutil
import uuid
from pathlib import Path

from flightlake.errors import PreconditionFailed

_LOCK = "lock"


class SpillDirectory:
    """A new directory below *parent*, locked while this process lives, removed by ``close``.

    Directories that nobody has locked are of processes that were killed; they are removed first.
    """

    def __init__(self, parent: Path) -> None:
        """Make the directory.

        Raises:
            PreconditionFailed: *parent* cannot be written.
        """
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(parent)
            self.path = parent / f"spill-{uuid.uuid4().hex}"
            self.path.mkdir(mode=0o700)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise PreconditionFailed(
                f"the spill directory {parent} cannot be used: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob("spill-*"):
        try:
            lock = os.open(directory / _LOCK, os.O_RDWR)
        except OSError:
            continue  # being made, or removed, by another process at this moment
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(lock)

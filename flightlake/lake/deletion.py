"""Files of a store that are deleted, once it is certain that nobody reaches them."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs

from flightlake.cancellation import Cancellation
from flightlake.lake.blobs import filesystem
from flightlake.lake.reach import stored_key
from flightlake.lake.stores import StoreSettings

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many ``files`` were deleted, of about how many ``bytes``, and how many ``failed`` to be.

    A file that was not there any more counts as deleted.
    """

    files: int = 0
    bytes: int = 0
    failed: int = 0


def below(store: StoreSettings, folder: str, keys: Iterable[str]) -> list[str]:
    """Return those of *keys* that are below *folder*."""
    start = stored_key(store, folder).rstrip("/") + "/"
    return [key for key in keys if key.startswith(start) and ".." not in key.split("/")]


def delete(store: StoreSettings, sizes: Mapping[str, int], call: Cancellation) -> Deleted:
    """Delete the files that *sizes* names by their keys in *store*, each with its bytes.

    Of a local store, folders that this leaves empty go, too.

    Raises:
        FlightlakeError: The reason of *call*; what was deleted by then stays deleted.
    """
    files = filesystem(store)

    def one(key: str) -> int | None:
        call.check()
        try:
            files.delete_file(key)
        except FileNotFoundError:
            pass
        except (OSError, pa.ArrowException):
            return None
        return sizes[key]

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="delete") as threads:
        done = list(threads.map(one, sizes))
    if isinstance(files, pafs.LocalFileSystem):
        for folder in {str(Path(key).parent) for key in sizes}:
            with suppress(OSError):  # which is not empty, or is not there
                os.rmdir(folder)
    gone = [size for size in done if size is not None]
    return Deleted(len(gone), sum(gone), len(done) - len(gone))

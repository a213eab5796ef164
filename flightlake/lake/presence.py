"""Whether data files are there at all: asked where the engine has not shown it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow.fs as pafs

from flightlake.errors import DamagedData
from flightlake.lake import blobs
from flightlake.lake.stores import StoreSettings

_PER_REQUEST = 256
_THREADS = 16


def require_present(store: StoreSettings, paths: Sequence[str], table: str) -> None:
    """Return if every data file at *paths* is there; *table* is its table's name for messages.

    Data files are written once and never again under the same name: one that exists now has
    existed at every moment since its snapshot was committed.

    Raises:
        DamagedData: A file is missing, or empty.
        NotReady: The store does not answer.
    """
    subject = f"a data file of table {table}"
    system = blobs.filesystem(store)
    keys = [blobs.key_in(store, path) for path in paths]
    parts = [keys[start : start + _PER_REQUEST] for start in range(0, len(keys), _PER_REQUEST)]

    def look(part: list[str]) -> bool:
        with blobs.translated(subject):
            # The engine leaves out an empty file, too, and no Parquet file is empty.
            return all(
                info.type == pafs.FileType.File and info.size != 0
                for info in system.get_file_info(part)
            )

    if len(parts) == 1:
        found = [look(parts[0])]
    else:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="presence") as threads:
            found = list(threads.map(look, parts))
    if not all(found):
        raise DamagedData(
            f"{subject} is missing from its store, or empty; restore it or remove it from the table"
        )

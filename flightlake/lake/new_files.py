"""Files that are written once, under names that nobody else has: data, manifests, metadata."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO

import pyarrow as pa
import pyarrow.fs as pafs
from pyiceberg.io import FileIO, InputFile, OutputFile, OutputStream

from flightlake.errors import FlightlakeError, NotReady
from flightlake.lake import blobs
from flightlake.lake.blobs import Content, filesystem, key_in
from flightlake.lake.stores import StoreSettings

_FAILURES = 3


@contextmanager
def written(subject: str) -> Iterator[None]:
    """Turn what a file system raises into our errors; *subject* names what is written.

    Raises:
        NotReady: The store does not answer, is full, or refuses to be written.
    """
    try:
        yield
    except PermissionError as refused:
        raise NotReady(f"{subject} may not be written by this server") from refused
    except (OSError, pa.ArrowException) as failure:
        if any(sign in str(failure) for sign in blobs.REFUSALS):
            raise NotReady(f"{subject} may not be written by this server") from failure
        raise NotReady(
            f"{subject} cannot be written: its store does not answer, is full, or refuses it"
        ) from failure


def open_new(store: StoreSettings, path: str) -> pa.NativeFile:
    """Open the file at *path* for writing; its directories are made where stores have such.

    Raises:
        OSError: It cannot be made; see ``written``.
    """
    files, key = filesystem(store), key_in(store, path)
    if isinstance(files, pafs.LocalFileSystem):
        files.create_dir(key.rpartition("/")[0], recursive=True)
    return files.open_output_stream(key)


def put(store: StoreSettings, path: str, content: bytes, subject: str) -> None:
    """Write *content* to *path*.

    Raises:
        NotReady: The store does not answer, is full, or refuses to be written.
    """
    with written(subject), open_new(store, path) as opened:
        opened.write(content)


def remove(store: StoreSettings, paths: Iterable[str]) -> None:
    """Delete files as well as can be; one that stays is garbage, and nothing worse.

    A store that fails several times in a row is left alone: it may take its time for each file.
    """
    failures = 0
    for path in paths:
        try:
            filesystem(store).delete_file(key_in(store, path))
        except FileNotFoundError:  # it was begun, and never ended
            continue
        except (FlightlakeError, OSError, pa.ArrowException):
            failures += 1
            if failures == _FAILURES:
                return
        else:
            failures = 0


class StoreFiles(FileIO):
    """The files of one store for pyiceberg's readers and writers of manifests.

    ``made`` are the paths of what was written.
    """

    def __init__(self, store: StoreSettings, subject: str) -> None:
        super().__init__({})
        self._store = store
        self._subject = subject
        self.made: list[str] = []

    @property
    def place(self) -> tuple[str, str, str]:
        """Which store it is."""
        return self._store.place

    def new_input(self, location: str) -> InputFile:
        return Content(location, blobs.read(self._store, location, self._subject))

    def new_output(self, location: str) -> OutputFile:
        return _NewFile(location, self)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError("manifests are not deleted one by one")

    def keep(self, path: str, content: bytes) -> None:
        """Write a file that is complete."""
        self.made.append(path)
        put(self._store, path, content, self._subject)


class _NewFile(OutputFile):
    def __init__(self, location: str, files: StoreFiles) -> None:
        super().__init__(location)
        self._files = files
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def exists(self) -> bool:
        return False

    def to_input_file(self) -> InputFile:
        return self._files.new_input(self.location)

    def create(self, overwrite: bool = False) -> OutputStream:
        return _Buffer(self)

    def keep(self, content: bytes) -> None:
        self._size = len(content)
        self._files.keep(self.location, content)


class _Buffer(BytesIO):
    """Holds what is written until it is closed, which writes the file."""

    def __init__(self, file: _NewFile) -> None:
        super().__init__()
        self._file = file

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            super().close()
            self._file.keep(content)

"""Faults at every step of a statement: each file that is opened, written to or closed, and each
question to the catalog is a step; a test says at which one what happens."""

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs

from flightlake.errors import NotReady
from flightlake.lake import blobs
from tests.fix_materialized import Odd

T = TypeVar("T")

FAULTS = (
    *("dies before", "dies within", "dies after"),
    *("fails before", "fails within", "fails after"),
    *("goes out", "is done twice", "is cancelled", "has a rival"),
)
"""What can happen at a step.  What *goes out* stays so until the end of the statement."""
WRITES = ("open", "write", "close", "swap")


class Death(BaseException):
    """The process is gone: it raises nothing, cleans nothing up, and does nothing any more."""


@dataclass
class Weather:
    """Counts the steps of a statement, and lets ``fault`` happen at number ``at``.

    ``rival`` is what somebody else does, and ``cancel`` what the client does, at that step.
    ``die`` ends the process; without it, the dead can do nothing any more.  What *pauses* goes on
    after ``pause``.
    """

    at: int = -1
    fault: str = ""
    rival: Callable[[], object] = lambda: None
    cancel: Callable[[], object] = lambda: None
    die: Callable[[], object] = lambda: None
    pause: Callable[[], object] = lambda: None
    counting: bool = False
    seen: list[str] = field(default_factory=list)
    struck: bool = False
    open: list["_File"] = field(default_factory=list)
    _gone: str = ""
    _lock: Any = field(default_factory=threading.Lock)

    def begin(self, at: int = -1, fault: str = "") -> None:
        """Begin a statement."""
        self.at, self.fault, self.seen = at, fault, []
        self.struck, self._gone, self.counting = False, "", True

    def end(self) -> None:
        """End the statement: the dead are buried, and what went out is back."""
        self.counting, self._gone = False, ""
        for file in self.open:
            file.bury()
        self.open.clear()

    def step(self, name: str, work: Callable[[], T], half: Callable[[], object] | None = None) -> T:
        """Do *work*, or what the fault makes of it; *half* does a part of it."""
        if not self.counting:
            return work()
        with self._lock:
            number = len(self.seen)
            self.seen.append(name)
        if self._gone:
            raise self._end_of(name)
        if number != self.at:
            return work()
        self.struck = True
        return self._strike(name, work, half)

    def _strike(self, name: str, work: Callable[[], T], half: Callable[[], object] | None) -> T:
        what, _, when = self.fault.partition(" ")
        if when == "cancelled":
            self.cancel()
        elif when == "a rival":
            # Its own steps are not counted.
            self.counting = False
            self.rival()
            self.counting = True
        elif when == "done twice":
            if name == "swap":
                work()
        elif what == "pauses":
            self.pause()
        elif what in ("dies", "fails", "goes"):
            if when == "within" and half is not None:
                half()
            elif when == "after":
                work()
            if what != "fails":
                self._gone = what
            raise self._end_of(name)
        return work()

    def _end_of(self, name: str) -> BaseException:
        if self._gone == "dies":
            self.die()
            return Death()
        if name in ("pointer", "swap", "load", "new_location"):
            return NotReady("the catalog does not answer")
        return OSError(errno.ENOSPC, "No space left on device /secret/path")


class _File:
    """A local file whose every write is a step, and is on the disk when it returns."""

    def __init__(self, weather: Weather, path: str) -> None:
        self._weather = weather
        self._raw: BinaryIO | None = None
        self.closed = False
        weather.open.append(self)
        weather.step("open", lambda: self._open(path))

    def _open(self, path: str) -> None:
        self._raw = Path(path).open("wb", buffering=0)  # noqa: SIM115 - ``bury`` closes it

    def write(self, content: Any) -> int:
        data = bytes(content)
        if self.closed:
            return len(data)
        half = data[: len(data) // 2]
        return self._weather.step("write", lambda: self._put(data), lambda: self._put(half))

    def _put(self, data: bytes) -> int:
        return self._raw.write(data) if self._raw else 0

    def tell(self) -> int:
        return self._raw.tell() if self._raw else 0

    def flush(self) -> None:
        pass

    def close(self) -> None:
        if not self.closed:
            self.bury()
            self._weather.step("close", lambda: None)

    def bury(self) -> None:
        """Close the file as the end of a process does: what collects garbage writes no more."""
        self.closed = True
        if self._raw is not None:
            self._raw.close()


class _Handler(pafs.FileSystemHandler):  # type: ignore[misc]
    """The local file system, as far as tables are kept in it, step by step."""

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self.real = pafs.LocalFileSystem()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handler) and other.weather is self.weather

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self.weather)

    def get_type_name(self) -> str:
        return "stormy"

    def normalize_path(self, path: str) -> str:
        return str(self.real.normalize_path(path))

    def get_file_info(self, paths: Any) -> Any:
        return self.real.get_file_info(paths)

    def get_file_info_selector(self, selector: Any) -> Any:
        return self.real.get_file_info(selector)

    def create_dir(self, path: str, recursive: bool) -> None:
        self.real.create_dir(path, recursive=recursive)

    def delete_file(self, path: str) -> None:
        self.weather.step("delete", lambda: self.real.delete_file(path))

    def open_input_stream(self, path: str) -> Any:
        return self.weather.step("read", lambda: self.real.open_input_stream(path))

    def open_input_file(self, path: str) -> Any:
        return self.weather.step("read", lambda: self.real.open_input_file(path))

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return pa.PythonFile(_File(self.weather, path), mode="w")

    def _never(self, *arguments: Any) -> None:
        raise NotImplementedError("nothing in a table is changed in place")

    delete_dir = delete_dir_contents = delete_root_dir_contents = _never
    move = copy_file = open_append_stream = _never


class Stormy(Odd):
    """A catalog of which each question is a step."""

    def __init__(self, catalog: Any, weather: Weather) -> None:
        super().__init__(catalog)
        self.weather = weather

    def pointer(self, *name: str) -> Any:
        return self.weather.step("pointer", lambda: self.catalog.pointer(*name))

    def swap(self, *change: Any) -> Any:
        return self.weather.step("swap", lambda: self.catalog.swap(*change))

    def swap_name(self, *change: Any) -> Any:
        return self.weather.step("swap", lambda: self.catalog.swap_name(*change))

    def new_location(self, *name: str) -> Any:
        return self.weather.step("new_location", lambda: self.catalog.new_location(*name))

    def load(self, *name: Any) -> Any:
        return self.weather.step("load", lambda: self.catalog.load(*name))


@contextmanager
def stormy_files(weather: Weather) -> Iterator[None]:
    """Let all files of tables in folders be read and written under *weather*."""
    real = blobs._FILESYSTEMS["file"]
    odd = pafs.PyFileSystem(_Handler(weather))
    blobs._FILESYSTEMS["file"] = lambda store: odd  # type: ignore[index]
    blobs._filesystem.cache_clear()
    try:
        yield
    finally:
        blobs._FILESYSTEMS["file"] = real  # type: ignore[index]
        blobs._filesystem.cache_clear()

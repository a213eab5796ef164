"""Which files the snapshots of a table reach: what may not be deleted as long as they are there.

Everything is read strictly.  A manifest that is cut short, or a list that names fewer files than
its snapshot says it has, is an error: whoever deletes what is not reached must not go on.

Source: Iceberg spec, "Manifest Lists", "Snapshots" (summary: optional fields).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, FlightlakeError
from flightlake.lake import blobs
from flightlake.lake.blobs import key_in
from flightlake.lake.manifest_cache import ManifestCache
from flightlake.lake.manifest_lists import ManifestRef, decode_manifest_list
from flightlake.lake.pinned import Pinned
from flightlake.lake.stores import StoreSettings

T = TypeVar("T")

_SLASHES = re.compile("/{2,}")
_THREADS = 8
_AHEAD = 8
_FEW = 64
"""Manifest lists that are read, and manifests that are decoded, at once."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Files by what the store calls them (``stored_key``), each with its bytes as written down.

    ``files`` are data and delete files, ``manifests`` what names them, ``lists`` what names
    these; the size of a list is not written down, and 0.
    """

    files: Mapping[str, int] = field(default_factory=dict)
    manifests: Mapping[str, int] = field(default_factory=dict)
    lists: Mapping[str, int] = field(default_factory=dict)

    def without(self, others: "Reached") -> "Reached":
        """Return what *others* does not have."""
        return Reached(
            {key: size for key, size in self.files.items() if key not in others.files},
            {key: size for key, size in self.manifests.items() if key not in others.manifests},
            {key: size for key, size in self.lists.items() if key not in others.lists},
        )


def stored_key(store: StoreSettings, path: str) -> str:
    """Return what *store* calls the file at *path*, the same however *path* is written.

    Raises:
        Unsupported: The path leads somewhere else.
    """
    return _SLASHES.sub("/", key_in(store, path))


def reached(
    metadata: TableMetadata,
    snapshots: Iterable[Snapshot],
    store: StoreSettings,
    table: str,
    call: Cancellation,
) -> Reached:
    """Return what *snapshots* of a table reach; *table* is its name for messages.

    Raises:
        DamagedData: Something is missing, broken or cut short, or it cannot be told.
        Unsupported: Something is in another store.
        NotReady: The store does not answer.
        FlightlakeError: The reason of *call*.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="reach") as threads:
        reader = _Reader(metadata, store, table, call, threads)
        for some in _lots(list(snapshots)):
            for snapshot, content in zip(some, threads.map(reader.list_of, some), strict=True):
                reader.read(snapshot, content)
    return Reached(reader.files, reader.manifests, reader.lists)


def _lots(things: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(things), _FEW):
        yield things[start : start + _FEW]


class _Reader:
    """Reads what snapshots name; each manifest once."""

    def __init__(
        self,
        metadata: TableMetadata,
        store: StoreSettings,
        table: str,
        call: Cancellation,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._subject = f"a manifest list of table {table}"
        self._pinned = Pinned(table, metadata, metadata.schema(), None, store)
        self._call = call
        # Nothing is kept: what is deleted by must be what the store holds now.
        self._cache = ManifestCache(threads, _AHEAD, 0)
        self._counts: dict[str, int] = {}
        self.files: dict[str, int] = {}
        self.manifests: dict[str, int] = {}
        self.lists: dict[str, int] = {}

    def list_of(self, snapshot: Snapshot) -> bytes:
        """Return the content of the manifest list of *snapshot*; many can be read at once."""
        self._call.check()
        if not snapshot.manifest_list:
            raise self._damaged("a snapshot has no manifest list")
        return blobs.read(self._pinned.store, snapshot.manifest_list, self._subject)

    def read(self, snapshot: Snapshot, content: bytes) -> None:
        """Take note of all that *snapshot* reaches by its manifest list, *content*."""
        self._call.check()
        refs = self._refs(content)
        self.lists[self._key(str(snapshot.manifest_list))] = 0
        for some in _lots([ref for ref in refs if ref.path not in self._counts]):
            for ref, manifest in zip(
                some, self._cache.of(self._pinned, some, self._call), strict=True
            ):
                if ref.live is None:
                    raise self._damaged("a manifest does not say how many files it has")
                paths = manifest.paths.to_pylist()
                for path, size in zip(paths, manifest.sizes.tolist(), strict=True):
                    self.files[self._key(path)] = size
                self.manifests[self._key(ref.path)] = ref.length
                self._counts[ref.path] = len(paths)
        self._require_all(snapshot, refs)

    def _refs(self, content: bytes) -> tuple[ManifestRef, ...]:
        try:
            return decode_manifest_list(content).manifests
        except FlightlakeError:
            raise
        except Exception as broken:
            raise DamagedData(f"{self._subject} is broken") from broken

    def _require_all(self, snapshot: Snapshot, refs: Iterable[ManifestRef]) -> None:
        """Raise if a list is shorter than its snapshot says: nothing else would tell."""
        for deletes, name in ((False, "total-data-files"), (True, "total-delete-files")):
            said = snapshot.summary.get(name) if snapshot.summary else None
            if said is None or not said.isdecimal():
                raise self._damaged("a snapshot does not say how many files it has")
            found = sum(self._counts[ref.path] for ref in refs if ref.deletes == deletes)
            if found < int(said):
                raise self._damaged("a snapshot names fewer files than it should")

    def _key(self, path: str) -> str:
        return stored_key(self._pinned.store, path)

    def _damaged(self, what: str) -> DamagedData:
        return DamagedData(f"{what}, in table {self._pinned.table}; nothing of it is deleted")

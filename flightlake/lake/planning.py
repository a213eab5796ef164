"""From a pinned snapshot and a predicate to the files that have to be read."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, FlightlakeError, Unsupported
from flightlake.lake import blobs, refusals
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.columns import Footers
from flightlake.lake.deleted_rows import DeletedRows
from flightlake.lake.deletes import DeleteIndex, index_deletes
from flightlake.lake.files import NO_FILES, DataFiles
from flightlake.lake.manifest_cache import ManifestCache
from flightlake.lake.manifest_lists import ManifestList, ManifestRef, decode_manifest_list
from flightlake.lake.parts import FilePlan, Part
from flightlake.lake.pinned import Pinned
from flightlake.lake.portions import Difference, Portion, difference
from flightlake.lake.predicates import Predicate
from flightlake.lake.pruning import files_that_may_match, manifests_that_may_match
from flightlake.lake.reading import Chosen, PartPlanner

T = TypeVar("T")
_Key = tuple[tuple[str, str, str], str]

_FILES_AT_ONCE = 50_000
_FILE_BYTES = 1 << 10  # of a data file in a decoded manifest, about


@dataclass(frozen=True, slots=True)
class Choice:
    """The data files that may hold rows a predicate is true for: as columns, and by manifest.

    They are those left of ``considered`` files.
    """

    files: DataFiles
    by_manifest: tuple[Chosen, ...]
    considered: int


class Planner:
    """Plans for all tables of a process, over a cache of decoded metadata.  Thread-safe.

    Args:
        max_bytes: What may be kept of the metadata of tables: manifests and manifest lists,
            what footers and delete files say.
        threads: How many manifests and footers are read at once.
    """

    def __init__(self, max_bytes: int = 512 << 20, threads: int = 16) -> None:
        share = max_bytes // 16
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lake")
        self._lists: BoundedCache[_Key, ManifestList] = BoundedCache(share)
        self._manifests = ManifestCache(self._threads, 2 * threads, 6 * share)
        self._at_once = min(_FILES_AT_ONCE, 6 * share // _FILE_BYTES)
        self._footers = Footers(self._threads, 2 * share)
        self._indexes: BoundedCache[_Key, DeleteIndex] = BoundedCache(share)
        self._deleted_rows = DeletedRows(3 * share)  # for positions, and again for vectors

    @property
    def manifest_bytes(self) -> int:
        """The bytes that decoded manifests take now."""
        return self._manifests.taken

    def plan(
        self, pinned: Pinned, predicate: Predicate, cancellation: Cancellation | None = None
    ) -> FilePlan:
        """Return the files of *pinned* that may hold rows *predicate* is true for.

        Raises:
            Unsupported: The table needs something that is not supported, by name.
            DamagedData: A manifest is missing or broken.
            NotReady: The store does not answer.
            FlightlakeError: The reason of *cancellation*.
        """
        choice = self.choose(pinned, predicate, cancellation)
        parts = PartPlanner(pinned, self._footers, self._deleted_rows, cancellation).parts(
            choice.by_manifest, choice.files, self._deletes(pinned, cancellation)
        )
        return FilePlan(choice.files, choice.considered, parts)

    def choose(
        self, pinned: Pinned, predicate: Predicate, cancellation: Cancellation | None = None
    ) -> Choice:
        """Return the data files of *plan*, chosen by metadata alone: none of them is opened.

        Raises:
            As ``plan``.
        """
        refs = self._refs(pinned)
        data = [ref for ref in refs if not ref.deletes and ref.live != 0]
        worth = manifests_that_may_match(predicate, data, pinned.metadata, pinned.schema)
        considered = sum(ref.live or 0 for ref, read in zip(data, worth, strict=True) if not read)
        chosen: list[Chosen] = []
        # Some at a time: what is not chosen from need not stay in memory.
        for some in _lots(
            [ref for ref, read in zip(data, worth, strict=True) if read], self._at_once
        ):
            manifests = self._manifests.of(pinned, some, cancellation)
            rows = files_that_may_match(predicate, some, manifests, pinned.metadata, pinned.schema)
            considered += sum(map(len, manifests))
            chosen += [Chosen(*of) for of in zip(some, manifests, rows, strict=True) if len(of[2])]
        return Choice(_selected(pinned, chosen), tuple(chosen), considered)

    def difference(
        self, before: Pinned, after: Pinned, cancellation: Cancellation | None = None
    ) -> Difference:
        """Return by which files *after* differs from *before*, the same table.

        Raises:
            As ``plan``.
        """
        return difference(
            self._refs(before),
            self._refs(after),
            lambda refs: self._manifests.of(after, refs, cancellation),
            after.table,
        )

    def some_match(self, pinned: Pinned, portions: Sequence[Portion], predicate: Predicate) -> bool:
        """Return whether a file of *portions* may hold rows *predicate* is true for."""
        return any(_that_may_match(one.chosen, predicate, pinned) for one in portions)

    def plan_portions(
        self,
        pinned: Pinned,
        portions: Sequence[Portion],
        predicate: Predicate,
        cancellation: Cancellation | None = None,
    ) -> FilePlan:
        """Return those files of *portions* that may hold rows *predicate* is true for.

        Raises:
            As ``plan``.
        """
        chosen: list[Chosen] = []
        parts: list[Part] = []
        for portion in portions:
            mine = replace(pinned, manifest_list=portion.manifest_list)
            some = _that_may_match(portion.chosen, predicate, mine)
            planner = PartPlanner(mine, self._footers, self._deleted_rows, cancellation)
            parts += planner.parts(some, _selected(mine, some), self._deletes(mine, cancellation))
            chosen += some
        considered = sum(portion.files for portion in portions)
        return FilePlan(_selected(pinned, chosen), considered, tuple(parts))

    def _refs(self, pinned: Pinned) -> Sequence[ManifestRef]:
        if pinned.manifest_list is None:
            return ()
        refs = self._list(pinned, pinned.manifest_list).manifests
        if any(ref.encrypted for ref in refs):
            raise Unsupported(f"table {pinned.table} is encrypted, which is not supported")
        return refs

    def _list(self, pinned: Pinned, path: str) -> ManifestList:
        subject = f"the manifest list of table {pinned.table}"

        def make() -> tuple[ManifestList, int]:
            content = blobs.read(pinned.store, path, subject)
            made = _decoded(lambda: decode_manifest_list(content), subject)
            return made, made.nbytes

        return self._lists.get_or_make((pinned.store.place, path), make)

    def _deletes(self, pinned: Pinned, cancellation: Cancellation | None) -> DeleteIndex | None:
        """Return the index of the snapshot's delete files; None if it has none."""
        mine = [ref for ref in self._refs(pinned) if ref.deletes and ref.live != 0]
        if not mine or pinned.manifest_list is None:
            return None

        def make() -> tuple[DeleteIndex, int]:
            manifests = self._manifests.of(pinned, mine, cancellation)
            index = index_deletes(mine, manifests, pinned.metadata, pinned.table)
            return index, 1000 * (1 + index.count)

        return self._indexes.get_or_make((pinned.store.place, pinned.manifest_list), make)


def _that_may_match(chosen: Sequence[Chosen], predicate: Predicate, pinned: Pinned) -> list[Chosen]:
    if not chosen:
        return []
    refs, manifests = [some.ref for some in chosen], [some.manifest for some in chosen]
    rows = files_that_may_match(predicate, refs, manifests, pinned.metadata, pinned.schema)
    found = [
        Chosen(some.ref, some.manifest, np.intersect1d(some.rows, may))
        for some, may in zip(chosen, rows, strict=True)
    ]
    return [some for some in found if len(some.rows)]


def _lots(refs: Sequence[ManifestRef], most: int) -> Iterator[list[ManifestRef]]:
    """Yield *refs* in lots of *most* files, or little more."""
    lot: list[ManifestRef] = []
    files = 0
    for ref in refs:
        lot.append(ref)
        files += most if ref.live is None else ref.live
        if files >= most:
            yield lot
            lot, files = [], 0
    if lot:
        yield lot


def _decoded(decode: Callable[[], T], subject: str) -> T:
    try:
        return decode()
    except FlightlakeError:
        raise
    except Exception as broken:
        raise DamagedData(f"{subject} is broken") from broken


def _selected(pinned: Pinned, chosen: Sequence[Chosen]) -> DataFiles:
    if not chosen:
        return NO_FILES
    paths, sizes, counts = [], [], []
    for some in chosen:
        manifest, rows = some.manifest, some.rows
        if manifest.encrypted.any():
            raise Unsupported(f"table {pinned.table} is encrypted, which is not supported")
        indices = pa.array(rows)
        refusals.check_formats(manifest.formats.take(indices), pinned.table)
        whole = len(rows) == len(manifest)
        paths.append(manifest.paths if whole else manifest.paths.take(indices))
        sizes.append(pa.array(manifest.sizes[rows]))
        counts.append(pa.array(manifest.record_counts[rows]))
    return DataFiles(
        pa.chunked_array(paths, pa.string()),
        pa.chunked_array(sizes, pa.int64()),
        pa.chunked_array(counts, pa.int64()),
    )

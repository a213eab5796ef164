"""From a pinned snapshot and a predicate to the files that have to be read."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, FlightlakeError, Unsupported
from flightlake.lake import blobs, refusals
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.columns import Footers
from flightlake.lake.deleted_rows import DeletedRows
from flightlake.lake.deletes import DeleteIndex, index_deletes
from flightlake.lake.files import NO_FILES, DataFiles
from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifest_lists import ManifestList, ManifestRef, decode_manifest_list
from flightlake.lake.manifests import Manifest
from flightlake.lake.parts import FilePlan
from flightlake.lake.pinned import Pinned
from flightlake.lake.predicates import Predicate
from flightlake.lake.pruning import Rows, files_that_may_match, manifests_that_may_match
from flightlake.lake.reading import Chosen, PartPlanner

T = TypeVar("T")
_Key = tuple[tuple[str, str, str], str]


class Planner:
    """Plans for all tables of a process, over a cache of decoded manifests.  Thread-safe.

    Args:
        max_bytes: What decoded manifests and manifest lists may take.
        threads: How many manifests and footers are read at once.
    """

    def __init__(self, max_bytes: int = 256 << 20, threads: int = 16) -> None:
        self._lists: BoundedCache[_Key, ManifestList] = BoundedCache(max_bytes // 8)
        self._manifests: BoundedCache[_Key, Manifest] = BoundedCache(max_bytes)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lake")
        self._footers = Footers(self._threads, max_bytes // 4)
        self._indexes: BoundedCache[_Key, DeleteIndex] = BoundedCache(max_bytes // 8)
        self._deleted_rows = DeletedRows(max_bytes // 2)

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
        if pinned.manifest_list is None:
            return FilePlan(NO_FILES, 0)
        refs = self._list(pinned, pinned.manifest_list).manifests
        if any(ref.encrypted for ref in refs):
            raise Unsupported(f"table {pinned.table} is encrypted, which is not supported")
        data = [ref for ref in refs if not ref.deletes and ref.live != 0]
        worth = manifests_that_may_match(predicate, data, pinned.metadata, pinned.schema)
        skipped = sum(ref.live or 0 for ref, read in zip(data, worth, strict=True) if not read)
        data = [ref for ref, read in zip(data, worth, strict=True) if read]
        manifests = self._read(pinned, data, cancellation)
        chosen = files_that_may_match(predicate, data, manifests, pinned.metadata, pinned.schema)
        files = _selected(pinned, manifests, chosen)
        worth_reading = [Chosen(*some) for some in zip(data, manifests, chosen, strict=True)]
        parts = PartPlanner(pinned, self._footers, self._deleted_rows, cancellation).parts(
            worth_reading, files, self._deletes(pinned, refs, cancellation)
        )
        return FilePlan(files, skipped + sum(map(len, manifests)), parts)

    def _list(self, pinned: Pinned, path: str) -> ManifestList:
        subject = f"the manifest list of table {pinned.table}"

        def make() -> tuple[ManifestList, int]:
            content = blobs.read(pinned.store, path, subject)
            made = _decoded(lambda: decode_manifest_list(path, content), subject)
            return made, made.nbytes

        return self._lists.get_or_make((pinned.store.place, path), make)

    def _deletes(
        self, pinned: Pinned, refs: Sequence[ManifestRef], cancellation: Cancellation | None
    ) -> DeleteIndex | None:
        """Return the index of the snapshot's delete files; None if it has none."""
        mine = [ref for ref in refs if ref.deletes and ref.live != 0]
        if not mine or pinned.manifest_list is None:
            return None

        def make() -> tuple[DeleteIndex, int]:
            manifests = self._read(pinned, mine, cancellation)
            index = index_deletes(mine, manifests, pinned.metadata, pinned.table)
            return index, 1000 * (1 + index.count)

        return self._indexes.get_or_make((pinned.store.place, pinned.manifest_list), make)

    def _read(
        self, pinned: Pinned, refs: Sequence[ManifestRef], cancellation: Cancellation | None
    ) -> list[Manifest]:
        """Return the manifests of *refs*, in their order; those not cached are read at once."""
        keys = [(pinned.store.place, ref.path) for ref in refs]
        found = [self._manifests.get(key) for key in keys]
        missing = {
            index: self._threads.submit(self._fetch, pinned, refs[index], cancellation)
            for index, manifest in enumerate(found)
            if manifest is None
        }
        return [
            manifest if manifest is not None else missing[index].result()
            for index, manifest in enumerate(found)
        ]

    def _fetch(
        self, pinned: Pinned, ref: ManifestRef, cancellation: Cancellation | None
    ) -> Manifest:
        if cancellation is not None:
            cancellation.check()
        subject = f"a manifest of table {pinned.table}"
        content = blobs.read(pinned.store, ref.path, subject)
        if len(content) != ref.length:
            raise DamagedData(f"{subject} is not as long as it should be")
        manifest = _decoded(lambda: decode_manifests([content])[0], subject)
        if ref.live is not None and len(manifest) < ref.live:
            raise DamagedData(f"{subject} has fewer entries than it should have")
        self._manifests.put((pinned.store.place, ref.path), manifest, manifest.nbytes)
        return manifest


def _decoded(decode: Callable[[], T], subject: str) -> T:
    try:
        return decode()
    except FlightlakeError:
        raise
    except Exception as broken:
        raise DamagedData(f"{subject} is broken") from broken


def _selected(pinned: Pinned, manifests: Sequence[Manifest], chosen: Sequence[Rows]) -> DataFiles:
    paths, sizes, counts = [], [], []
    for manifest, rows in zip(manifests, chosen, strict=True):
        if len(rows) == 0:
            continue
        if manifest.encrypted.any():
            raise Unsupported(f"table {pinned.table} is encrypted, which is not supported")
        refusals.check_formats(manifest.formats.take(pa.array(rows)), pinned.table)
        whole = len(rows) == len(manifest)
        paths.append(manifest.paths if whole else manifest.paths.take(pa.array(rows)))
        sizes.append(pa.array(manifest.sizes[rows]))
        counts.append(pa.array(manifest.record_counts[rows]))
    return DataFiles(
        pa.chunked_array(paths, pa.string()),
        pa.chunked_array(sizes, pa.int64()),
        pa.chunked_array(counts, pa.int64()),
    )

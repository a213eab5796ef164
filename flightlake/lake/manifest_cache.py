"""The manifests of all tables of a process: read side by side, decoded in lots, kept."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, FlightlakeError
from flightlake.lake import blobs
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.manifests import Manifest
from flightlake.lake.pinned import Pinned

_LOT = 16
_LOT_BYTES = 512 << 10
_Key = tuple[tuple[str, str, str], str]


class ManifestCache:
    """Gives manifests, read at most once while there is room.  Thread-safe.

    Args:
        threads: Reads files of remote stores.
        ahead: How many files are read before they are decoded, at most.
        max_bytes: What decoded manifests may take.
    """

    def __init__(self, threads: Executor, ahead: int, max_bytes: int) -> None:
        self._kept: BoundedCache[_Key, Manifest] = BoundedCache(max_bytes)
        self._threads = threads
        self._ahead = ahead

    @property
    def taken(self) -> int:
        """The bytes taken now."""
        return self._kept.bytes

    def of(
        self, pinned: Pinned, refs: Sequence[ManifestRef], cancellation: Cancellation | None = None
    ) -> list[Manifest]:
        """Return the manifests of *refs*, in their order.

        Raises:
            DamagedData: One is missing or broken, or has fewer entries than it should.
            Unsupported: One is in a store that is not read.
            NotReady: The store does not answer.
            FlightlakeError: The reason of *cancellation*.
        """
        keys = [(pinned.store.place, ref.path) for ref in refs]
        found = [self._kept.get(key) for key in keys]
        missing = [place for place, manifest in enumerate(found) if manifest is None]
        lot: list[tuple[int, bytes]] = []
        size = 0
        contents = self._contents(pinned, [refs[place] for place in missing], cancellation)
        for number, (place, content) in enumerate(zip(missing, contents, strict=True), 1):
            lot.append((place, content))
            size += len(content)
            if len(lot) == _LOT or size >= _LOT_BYTES or number == len(missing):
                made = _decoded(pinned, [(refs[place], content) for place, content in lot])
                for (place, _), manifest in zip(lot, made, strict=True):
                    found[place] = manifest
                    self._kept.put(keys[place], manifest, manifest.nbytes)
                lot, size = [], 0
        return [manifest for manifest in found if manifest is not None]

    def _contents(
        self, pinned: Pinned, refs: Sequence[ManifestRef], cancellation: Cancellation | None
    ) -> Iterator[bytes]:
        """Yield the content of each of *refs*; no more are in memory than are read ahead."""

        def read(ref: ManifestRef) -> bytes:
            if cancellation is not None:
                cancellation.check()
            return _content(pinned, ref)

        if pinned.store.scheme == "file":  # the disk does not keep anybody waiting
            yield from map(read, refs)
            return
        waiting = iter(refs)
        begun: deque[Future[bytes]] = deque()
        try:
            for ref in waiting:
                begun.append(self._threads.submit(read, ref))
                if len(begun) >= self._ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def _content(pinned: Pinned, ref: ManifestRef) -> bytes:
    subject = f"a manifest of table {pinned.table}"
    content = blobs.read(pinned.store, ref.path, subject)
    if len(content) != ref.length:
        raise DamagedData(f"{subject} is not as long as it should be")
    return content


def _decoded(pinned: Pinned, lot: Sequence[tuple[ManifestRef, bytes]]) -> list[Manifest]:
    subject = f"a manifest of table {pinned.table}"
    try:
        made = decode_manifests([content for _, content in lot])
    except FlightlakeError:
        raise
    except Exception as broken:
        raise DamagedData(f"{subject} is broken") from broken
    for (ref, _), manifest in zip(lot, made, strict=True):
        if ref.live is not None and len(manifest) < ref.live:
            raise DamagedData(f"{subject} has fewer entries than it should have")
        if not ref.deletes and manifest.content.any():
            raise DamagedData(f"{subject} lists delete files among data files")
    return made

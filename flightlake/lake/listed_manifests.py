"""The manifests that a snapshot lists, as whoever writes the next one wants them.

A list never changes, and most snapshots are put on one that this process has written itself.
"""

from collections.abc import Sequence

from pyiceberg.manifest import ManifestFile, read_manifest_list
from pyiceberg.table.snapshots import Snapshot

from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.new_files import StoreFiles

_KEPT_BYTES = 20 << 20
_MANIFEST_BYTES = 700
_FIELD_BYTES = 260
"""What a manifest takes, and each partition field that its list tells of beside the bounds."""

_kept: BoundedCache[tuple[tuple[str, str, str], str], tuple[ManifestFile, ...]]
_kept = BoundedCache(_KEPT_BYTES)


def listed(snapshot: Snapshot | None, files: StoreFiles) -> list[ManifestFile]:
    """Return the manifests of *snapshot*, in their order; none without a snapshot.

    Raises:
        DamagedData: The list is missing.
        NotReady: The store does not answer.
    """
    if snapshot is None:
        return []

    def read() -> tuple[tuple[ManifestFile, ...], int]:
        # Not ``snapshot.manifests``: what another list, of whatever table in whatever store, has
        # told of a manifest of the same path would be taken for what this one tells.
        found = tuple(read_manifest_list(files.new_input(snapshot.manifest_list)))
        return found, _size(found)

    return list(_kept.get_or_make((files.place, snapshot.manifest_list), read))


def keep(path: str, files: StoreFiles, manifests: Sequence[ManifestFile]) -> None:
    """Take note that the list that was written to *path* is of *manifests*."""
    _kept.put((files.place, path), tuple(manifests), _size(manifests))


def _size(manifests: Sequence[ManifestFile]) -> int:
    """Return how many bytes *manifests* take, roughly; bounds of strings have any length."""
    fields = [field for manifest in manifests for field in manifest.partitions or ()]
    bounds = [bound for field in fields for bound in (field.lower_bound, field.upper_bound)]
    told = _MANIFEST_BYTES * (1 + len(manifests)) + _FIELD_BYTES * len(fields)
    return told + sum(len(bound) for bound in bounds if bound is not None)

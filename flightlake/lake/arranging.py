"""Manifests put together, and files taken out of them whose rows are in other files.

Source: Iceberg spec, "Manifests", "Sequence Number Inheritance".
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestFile

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, Unsupported
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.partition_choice import with_files
from flightlake.lake.small_files import Smallness, together

_THREADS = 8
_ENTRIES = 5_000
"""Of one manifest: so many take a few MiB."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Manifests of a table in another order.

    ``kept`` stay; each of ``merged`` becomes one manifest of the entries it has; ``gone`` are
    entries of files whose rows are in other files from now on.  But for ``kept``, all are of the
    table's own partition spec.
    """

    kept: Sequence[ManifestFile]
    merged: Sequence[Sequence[ManifestEntry]]
    gone: Sequence[ManifestEntry]


@dataclass(slots=True)
class Arranger:
    """Finds arrangements of one table; what it has read it need not read again.

    Args:
        going: The bytes and rows of each file that goes, by its path.
        small: What is small.
        spec_id: Of the table.
        call: Ends it.
    """

    going: Mapping[str, tuple[int, int]]
    small: Smallness
    spec_id: int
    call: Cancellation
    _read: dict[str, list[ManifestEntry]] = field(default_factory=dict)

    def arranged(
        self, manifests: Iterable[ManifestFile], likely: Iterable[str], files: StoreFiles
    ) -> Arrangement | None:
        """Return how *manifests* are arranged without the files that go.

        None if one of these is not there any more, or is another.

        Args:
            manifests: Of the head of the table.
            likely: The paths of those that have files that go, as far as is known.
            files: Reads them.

        Raises:
            Unsupported: The table has delete files.
            DamagedData: A manifest is missing, or not whole.
            NotReady: The store does not answer.
            FlightlakeError: The reason of ``call``.
        """
        there = with_files(manifests)
        if any(manifest.content != ManifestContent.DATA for manifest in there):
            raise Unsupported("the table has delete files, and its files are not put together")
        mine = [one for one in there if one.partition_spec_id == self.spec_id]
        known = set(likely)
        touched = [one for one in mine if one.manifest_path in known] if self.going else []
        gone = self._gone(touched, files)
        if len(gone) < len(self.going):  # others have written them into other manifests since
            touched = mine
            gone = self._gone(touched, files)
        if {_told(entry) for entry in gone} != {(path, *of) for path, of in self.going.items()}:
            return None
        paths = {one.manifest_path for one in touched if self._has_gone(one)}
        paths |= self._crowded(mine)
        taken = [one for one in mine if one.manifest_path in paths]
        kept = [one for one in there if one.manifest_path not in paths]
        left = [
            entry
            for entries in self._entries(taken, files)
            for entry in entries
            if entry.data_file.file_path not in self.going
        ]
        merged = [left[start : start + _ENTRIES] for start in range(0, len(left), _ENTRIES)]
        return Arrangement(kept, merged, gone)

    def crowded(self, manifests: Iterable[ManifestFile]) -> bool:
        """Return whether so many of *manifests* are small that they are put together."""
        mine = [one for one in with_files(manifests) if one.partition_spec_id == self.spec_id]
        return bool(self._crowded(mine))

    def _crowded(self, manifests: Sequence[ManifestFile]) -> set[str]:
        some = [one for one in manifests if one.manifest_length < self.small.manifest_bytes]
        some.sort(key=lambda one: one.manifest_length)
        count = together([one.manifest_length for one in some], self.small.least)
        return {one.manifest_path for one in some[:count]}

    def _has_gone(self, manifest: ManifestFile) -> bool:
        entries = self._read[manifest.manifest_path]
        return any(entry.data_file.file_path in self.going for entry in entries)

    def _gone(self, manifests: Sequence[ManifestFile], files: StoreFiles) -> list[ManifestEntry]:
        return [
            entry
            for entries in self._entries(manifests, files)
            for entry in entries
            if entry.data_file.file_path in self.going
        ]

    def _entries(
        self, manifests: Sequence[ManifestFile], files: StoreFiles
    ) -> list[list[ManifestEntry]]:
        def read(manifest: ManifestFile) -> list[ManifestEntry]:
            self.call.check()
            return _live(manifest, files)

        missing = [one for one in manifests if one.manifest_path not in self._read]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="arrange") as threads:
            for manifest, entries in zip(missing, threads.map(read, missing), strict=True):
                self._read[manifest.manifest_path] = entries
        return [self._read[one.manifest_path] for one in manifests]


def _told(entry: ManifestEntry) -> tuple[str, int, int]:
    file = entry.data_file
    return file.file_path, file.file_size_in_bytes, file.record_count


def _live(manifest: ManifestFile, files: StoreFiles) -> list[ManifestEntry]:
    found = manifest.fetch_manifest_entry(files)
    if len(found) != (manifest.added_files_count or 0) + (manifest.existing_files_count or 0):
        raise DamagedData("a manifest of the table is not whole")
    return found

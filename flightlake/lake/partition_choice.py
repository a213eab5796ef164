"""Some of the partitions of a table, and how much of it they hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile

from flightlake.errors import PreconditionFailed
from flightlake.lake.listed_manifests import listed
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.writing import Committed


@dataclass(frozen=True, slots=True)
class PartitionChoice:
    """The partitions whose ``place``-th value is one of ``values``, as Iceberg keeps them.

    None is the partition of null.
    """

    place: int
    values: frozenset[Any]

    def holds(self, file: DataFile) -> bool:
        """Return whether *file* is in one of these partitions.

        Raises:
            PreconditionFailed: Its partition is told in another way than these are.
        """
        value = file.partition[self.place]
        if value is not None and not all(isinstance(value, kind) for kind in self._kinds):
            raise PreconditionFailed("the partitions of the table are told in another way")
        return value in self.values

    @property
    def _kinds(self) -> Iterable[type]:
        return {type(value) for value in self.values if value is not None}


@dataclass(frozen=True, slots=True)
class Share:
    """How many ``rows`` a table has, and how many of them are in the ``chosen`` partitions."""

    rows: int
    chosen: int


def with_files(manifests: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Return those of *manifests* that hold files; others only tell which have gone."""
    return [one for one in manifests if one.has_added_files() or one.has_existing_files()]


def share(table: Committed, choice: PartitionChoice) -> Share | None:
    """Return which share of the rows of *table* is in the partitions of *choice*.

    None if that cannot be told: the table has delete files, or files of other partition specs.

    Raises:
        DamagedData: A manifest is missing.
        NotReady: The store does not answer.
    """
    snapshot = table.metadata.current_snapshot()
    if snapshot is None:
        return Share(0, 0)
    files = StoreFiles(table.store, f"table {table.identifier}")
    rows = chosen = 0
    for manifest in with_files(listed(snapshot, files)):
        foreign = manifest.partition_spec_id != table.metadata.default_spec_id
        if foreign or manifest.content != ManifestContent.DATA:
            return None
        for entry in manifest.fetch_manifest_entry(files):
            rows += entry.data_file.record_count
            chosen += entry.data_file.record_count if choice.holds(entry.data_file) else 0
    return Share(rows, chosen)

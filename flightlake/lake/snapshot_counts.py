"""What the summary of a snapshot counts: files, rows and bytes.

Source: Iceberg spec, appendix F, "Optional Snapshot Summary Fields".
"""

from collections.abc import Mapping, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.table.snapshots import Snapshot


def counted(added: Sequence[DataFile], deleted: Sequence[DataFile]) -> dict[str, int]:
    """Return what a snapshot that brings *added* and takes away *deleted* says of it."""
    counts = {
        "added-data-files": len(added),
        "added-records": sum(file.record_count for file in added),
        "added-files-size": sum(file.file_size_in_bytes for file in added),
        "deleted-data-files": len(deleted),
        "deleted-records": sum(file.record_count for file in deleted),
        "removed-files-size": sum(file.file_size_in_bytes for file in deleted),
    }
    return {name: count for name, count in counts.items() if count}


def totals(files: Sequence[DataFile]) -> dict[str, int]:
    """Return the totals of a table that holds *files* and nothing else."""
    return {
        "total-data-files": len(files),
        "total-records": sum(file.record_count for file in files),
        "total-files-size": sum(file.file_size_in_bytes for file in files),
        **dict.fromkeys(_OF_DELETES, 0),
    }


_OF_DELETES = ("total-delete-files", "total-position-deletes", "total-equality-deletes")
_SUMS = (
    ("total-data-files", "added-data-files", "deleted-data-files"),
    ("total-records", "added-records", "deleted-records"),
    ("total-files-size", "added-files-size", "removed-files-size"),
)


def summed(parent: Snapshot | None, counts: Mapping[str, int]) -> dict[str, int]:
    """Return the totals after *counts*, as far as *parent* says what they were before."""
    before: Mapping[str, str] = dict.fromkeys(_OF_DELETES, "0") if parent is None else {}
    if parent is not None and parent.summary is not None:
        before = parent.summary.additional_properties
    found = {name: int(before[name]) for name in _OF_DELETES if before.get(name, "").isdigit()}
    for total, added, removed in _SUMS:
        said = before.get(total, "0" if parent is None else "")
        if said.isdigit():
            found[total] = int(said) + counts.get(added, 0) - counts.get(removed, 0)
    return found

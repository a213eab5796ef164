"""Which delete files apply to which data files.

Source: Iceberg spec, "Scan Planning" and "Row-level Deletes".
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.table.metadata import TableMetadata

from flightlake.errors import DamagedData, Unsupported
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.manifests import Manifest

_POSITIONS, _EQUALITY = 1, 2
_FILE_PATH_ID = 2147483546

PartitionKey = tuple[int, tuple[Any, ...]]
"""The id of a partition spec, and the values of its fields."""


@dataclass(frozen=True, slots=True, eq=False)
class DeleteFile:
    """A live delete file.

    ``data_file`` is the one file it is about, if that is known; ``blob`` is offset and size of
    a deletion vector in the file, ``equality_ids`` not empty for equality deletes; these apply
    ``everywhere`` if their spec does not part the table.
    """

    path: str
    size: int
    record_count: int
    sequence: int
    partition: PartitionKey
    data_file: str | None = None
    blob: tuple[int, int] | None = None
    equality_ids: tuple[int, ...] = ()
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Applicable:
    """What applies to one data file: a vector, or files of positions; and files of values."""

    vector: DeleteFile | None
    positions: tuple[DeleteFile, ...]
    equality: tuple[DeleteFile, ...]


@dataclass(slots=True)
class DeleteIndex:
    """The delete files of one snapshot, found by what they can apply to."""

    _vectors: dict[str, DeleteFile] = field(default_factory=dict)
    _of_file: defaultdict[str, list[DeleteFile]] = field(default_factory=lambda: defaultdict(list))
    _of_partition: defaultdict[PartitionKey, list[DeleteFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _equality: defaultdict[PartitionKey, list[DeleteFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _global: list[DeleteFile] = field(default_factory=list)
    count: int = 0

    def applicable(
        self, path: str, sequence: int, partition: PartitionKey, table: str
    ) -> Applicable:
        """Return what applies to the data file at *path*.

        What names one data file applies to it whatever partition it is filed under; so does
        Iceberg's own library, though the specification says otherwise.

        Raises:
            DamagedData: A deletion vector that is older than its data file.
        """
        vector = self._vectors.get(path)
        if vector is not None and sequence > vector.sequence:
            raise DamagedData(f"a deletion vector of table {table} is older than its data file")
        candidates = [*self._of_file.get(path, ()), *self._of_partition.get(partition, ())]
        positions = tuple(delete for delete in candidates if sequence <= delete.sequence)
        by_value = [*self._global, *self._equality.get(partition, ())]
        equality = tuple(delete for delete in by_value if sequence < delete.sequence)
        # A vector holds what earlier files of positions say of its data file.
        return Applicable(vector, () if vector is not None else positions, equality)

    def add(self, delete: DeleteFile, table: str) -> None:
        """Add a delete file.

        Raises:
            DamagedData: A second deletion vector for a data file.
        """
        self.count += 1
        if delete.equality_ids:
            if delete.everywhere:
                self._global.append(delete)
            else:
                self._equality[delete.partition].append(delete)
        elif delete.blob is not None:
            if delete.data_file is None or delete.data_file in self._vectors:
                raise DamagedData(f"the deletion vectors of table {table} contradict each other")
            self._vectors[delete.data_file] = delete
        elif delete.data_file is not None:
            self._of_file[delete.data_file].append(delete)
        else:
            self._of_partition[delete.partition].append(delete)


def index_deletes(
    refs: Sequence[ManifestRef],
    manifests: Sequence[Manifest],
    metadata: TableMetadata,
    table: str,
) -> DeleteIndex:
    """Return the index of all delete files in delete *manifests*, which *refs* name.

    Raises:
        Unsupported: A delete file of a format that is not read, or encrypted.
        DamagedData: Two vectors for one data file, or equality deletes without columns.
    """
    index = DeleteIndex()
    specs = metadata.specs()
    for ref, manifest in zip(refs, manifests, strict=True):
        if manifest.encrypted.any():
            raise Unsupported(f"table {table} is encrypted, which is not supported")
        spec = specs.get(ref.spec_id)
        if spec is None:
            raise DamagedData(f"table {table} has delete files of an unknown partition spec")
        # Void fields do not part the table, so they make no spec partitioned.
        partitioned = any(str(member.transform) != "void" for member in spec.fields)
        for row in range(len(manifest)):
            index.add(_delete_file(manifest, row, ref, not partitioned, table), table)
    return index


def _delete_file(
    manifest: Manifest, row: int, ref: ManifestRef, everywhere: bool, table: str
) -> DeleteFile:
    details, content = manifest.deletes, int(manifest.content[row])
    if details is None or content not in (_POSITIONS, _EQUALITY):
        raise DamagedData(f"a delete manifest of table {table} lists a data file")
    format_ = manifest.formats[row].as_py()
    vector = content == _POSITIONS and format_ == "PUFFIN"
    if format_ != "PARQUET" and not vector:
        raise Unsupported(f"table {table} has {format_} delete files; only Parquet is read")
    equality_ids = details.equality_ids[row] if content == _EQUALITY else ()
    if content == _EQUALITY and not equality_ids:
        raise DamagedData(f"table {table} has equality deletes that name no column")
    blob = None
    if vector:
        offset, size = details.offsets[row], details.blob_sizes[row]
        if offset is None or size is None:
            raise DamagedData(f"a deletion vector of table {table} does not say where it is")
        blob = (offset, size)
    path, size, record_count = manifest.file(row)
    return DeleteFile(
        path=path,
        size=size,
        record_count=record_count,
        sequence=manifest.sequence(row, ref.sequence),
        partition=(ref.spec_id, manifest.partition_key(row)),
        data_file=details.referenced[row] or _only_path(manifest, row, content),
        blob=blob,
        equality_ids=equality_ids,
        everywhere=everywhere,
    )


def _only_path(manifest: Manifest, row: int, content: int) -> str | None:
    """Return the one path that a file of positions names, by its bounds."""
    if content != _POSITIONS:
        return None
    lower, upper = (bound.of(_FILE_PATH_ID) for bound in (manifest.lower, manifest.upper))
    low, high = _text(lower, row), _text(upper, row)
    # Bounds may be cut short.  The upper one is raised then, but to be mistaken here would be
    # to miss deletes, so it has to look like the whole name of a data file, too.
    return low if low is not None and low == high and low.endswith(".parquet") else None


def _text(bounds: pa.Array, row: int) -> str | None:
    value = bounds[row].as_py()
    return None if value is None else value.decode("utf-8", "replace")

"""How the files of a table are read: in parts, each of files that are read alike.

A table whose files all have its columns under their names, and no deletes, is one part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from flightlake.lake.files import DataFiles
from flightlake.lake.nesting import Reshaped


@dataclass(frozen=True, slots=True)
class Column:
    """How one column comes out of a part's files.

    ``name`` and ``type`` are what it is to be; ``stored`` is its name in the files, None where
    they do not have it: then ``absent`` stands for it, a scalar of ``type``, maybe null.
    ``reshaped`` says how a nested column is made, where a cast to ``type`` does not make it.
    """

    name: str
    type: pa.DataType
    stored: str | None
    absent: pa.Scalar | None = None
    reshaped: Reshaped | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DeletedValues:
    """Equality delete files that are read alike; told apart by ``sequence`` and ``partition``."""

    part: "Part"
    sequence: int
    partition: int


@dataclass(frozen=True, slots=True, eq=False)
class EqualityDeletes:
    """Rows deleted by value: those that are equal, null to null, in all columns ``names``.

    ``files`` have these columns.  With ``by_sequence`` a row is deleted only by files whose
    sequence number is greater than its own file's; with ``by_partition`` only by those of its
    own file's partition.  Without them that is so of all files anyway.
    """

    names: tuple[str, ...]
    files: tuple[DeletedValues, ...]
    by_sequence: bool
    by_partition: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Files that are read alike.

    ``schema`` is what the engine scans them with: their own names, and types from which those
    of the columns are had by a cast (mostly they are the same; ``lake.nans`` says why not).
    ``columns`` are those of the table, in order.  ``deleted_rows`` has for each file (by its
    path) that has deletes by position those positions: int64, sorted, each once.  All of
    ``equality`` is to be applied to all files, whose columns of its names are ``keys``, whose
    sequence number is ``sequence``, and whose partition has the number ``partition``.
    ``nans`` are the names in the files of columns that may hold NaN.
    """

    files: DataFiles
    schema: pa.Schema
    columns: tuple[Column, ...]
    deleted_rows: Mapping[str, pa.Array]
    equality: tuple[EqualityDeletes, ...] = ()
    keys: tuple[Column, ...] = ()
    sequence: int = 0
    partition: int = 0
    nans: frozenset[str] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether the scanned rows are the table's rows as they are."""
        return (
            not self.deleted_rows
            and not self.nans
            and not self.equality
            and len(self.schema) == len(self.columns)
            and all(
                column.stored == column.name == field.name
                and column.type == field.type
                and column.reshaped is None
                for column, field in zip(self.columns, self.schema, strict=True)
            )
        )


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The data files that may hold rows a predicate is true for, at one snapshot.

    ``considered`` is how many live data files the snapshot has, read or not; where a skipped
    manifest of a v1 table does not say how many it has, those are left out.  ``parts`` are how
    the files are read; each file is in one of them.
    """

    files: DataFiles
    considered: int
    parts: tuple[Part, ...] = ()

    @property
    def record_count(self) -> int:
        """The rows of all ``files`` by their manifests: what a scan without filters returns."""
        total = pc.sum(self.files.record_counts).as_py()
        return int(total or 0)

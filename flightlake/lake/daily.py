"""The files of a table that is cut by day: old days go as a whole, past days become one file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, ManifestContent

from flightlake.errors import PreconditionFailed
from flightlake.lake import blobs
from flightlake.lake.listed_manifests import listed
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.partition_choice import PartitionChoice
from flightlake.lake.snapshots import Change, exchanged
from flightlake.lake.writing import Committed

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Days:
    """The files of the tables's head by their day, which is its only partition."""

    table: Committed
    files: dict[date, list[DataFile]] = field(repr=False)

    def before(self, day: date) -> Change | None:
        """Return what becomes of the table (``snapshots``) whose days before *day* go.

        None if it has none.
        """
        old = [one for one in self.files if one < day]
        return self._exchange(old) if old else None

    def anew(self, day: date) -> Change:
        """Return what becomes of the table of which *day* is what was written."""
        return self._exchange([day])

    def crowded(self, before: date, files: int, rows: int) -> list[date]:
        """Return the days before *before* that have more than *files*, and at most *rows*."""
        return sorted(
            day
            for day, found in self.files.items()
            if day < before
            and len(found) > files
            and sum(file.record_count for file in found) <= rows
        )

    def rows(self, day: date, columns: pa.Schema) -> pa.Table:
        """Return the rows of one day as *columns*; those that a file has not are null.

        Raises:
            DamagedData: A file is missing.
            NotReady: The store does not answer.
        """
        return pa.concat_tables([self._read(file, columns) for file in self.files[day]])

    def texts(self, day: date, column: str) -> set[str]:
        """Return the values of a column of texts on one day; raises as ``rows``."""
        rows = self.rows(day, pa.schema([pa.field(column, pa.utf8())]))
        return set(rows[column].to_pylist())

    def _exchange(self, days: Sequence[date]) -> Change:
        values = {file.partition[0] for day in days for file in self.files[day]}
        return partial(exchanged, PartitionChoice(0, frozenset(values)))

    def _read(self, file: DataFile, columns: pa.Schema) -> pa.Table:
        subject = f"a file of table {self.table.identifier}"
        content = blobs.read(self.table.store, file.file_path, subject)
        found = pq.read_table(io.BytesIO(content))
        made = [
            found[wanted.name].cast(wanted.type)
            if wanted.name in found.schema.names
            else pa.nulls(len(found), wanted.type)
            for wanted in columns
        ]
        return pa.table(made, names=columns.names)


def days_of(table: Committed) -> Days:
    """Return the files of *table*.

    Raises:
        PreconditionFailed: It is not cut by day alone, or has delete files.
        DamagedData: A manifest is missing.
        NotReady: The store does not answer.
    """
    snapshot = table.metadata.current_snapshot()
    source = StoreFiles(table.store, f"table {table.identifier}")
    found: dict[date, list[DataFile]] = {}
    for manifest in listed(snapshot, source):
        foreign = manifest.partition_spec_id != table.metadata.default_spec_id
        if manifest.content != ManifestContent.DATA or foreign:
            raise PreconditionFailed(f"table {table.identifier} has been changed by somebody else")
        for entry in manifest.fetch_manifest_entry(source):
            found.setdefault(_day(entry.data_file), []).append(entry.data_file)
    return Days(table, found)


def _day(file: DataFile) -> date:
    found = file.partition[0]
    return found if isinstance(found, date) else _EPOCH + timedelta(days=int(found))

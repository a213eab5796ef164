"""The metadata of a table as tables: ``orders$snapshots`` and the like.

Source: the names and columns are pyiceberg's, which are Iceberg's own
(https://py.iceberg.apache.org/api/#inspecting-tables).
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pyarrow as pa
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.table import Table
from pyiceberg.table.inspect import InspectTable

from flightlake.errors import FlightlakeError, Unsupported
from flightlake.lake import blobs
from flightlake.lake.blobs import Content
from flightlake.lake.stores import StoreSettings
from flightlake.lake.table import IcebergTable

_OF_SNAPSHOT: Mapping[str, Callable[[InspectTable, int | None], pa.Table]] = {
    "data_files": InspectTable.data_files,
    "delete_files": InspectTable.delete_files,
    "entries": InspectTable.entries,
    "files": InspectTable.files,
    "partitions": InspectTable.partitions,
}
_OF_TABLE: Mapping[str, Callable[[InspectTable], pa.Table]] = {
    "all_data_files": InspectTable.all_data_files,
    "all_delete_files": InspectTable.all_delete_files,
    "all_files": InspectTable.all_files,
    "all_manifests": InspectTable.all_manifests,
    "history": InspectTable.history,
    "manifests": InspectTable.manifests,
    "metadata_log_entries": InspectTable.metadata_log_entries,
    "refs": InspectTable.refs,
    "snapshots": InspectTable.snapshots,
}
NAMES = frozenset({*_OF_SNAPSHOT, *_OF_TABLE})
"""What can stand behind the ``$``."""


def inspect(table: IcebergTable, name: str) -> pa.Table:
    """Return the metadata table *name* (one of ``NAMES``) of *table* at its snapshot.

    It is read whole: one row per snapshot, manifest, file, …

    Raises:
        Unsupported: It cannot be made for this table.
        DamagedData: A metadata file is missing.
        NotReady: The store does not answer.
    """
    source = _Store(table.store, str(table.identifier))
    opened = Table(("", ""), table.metadata, "", source, None)  # type: ignore[arg-type]
    try:
        if name in _OF_TABLE:
            return _OF_TABLE[name](InspectTable(opened))
        return _OF_SNAPSHOT[name](InspectTable(opened), table.snapshot_id)
    except FlightlakeError:
        raise
    except Exception as failure:
        raise Unsupported(
            f"the metadata of table {table.identifier} cannot be shown as '{name}'"
        ) from failure


class _Store(FileIO):
    """Reads metadata files for pyiceberg as we read them ourselves; writes nothing."""

    def __init__(self, store: StoreSettings, table: str) -> None:
        super().__init__()
        self._store = store
        self._subject = f"a metadata file of table {table}"

    def new_input(self, location: str) -> InputFile:
        return Content(location, blobs.read(self._store, location, self._subject))

    def new_output(self, location: str) -> OutputFile:
        _refuse()

    def delete(self, location: str | InputFile | OutputFile) -> None:
        _refuse()


def _refuse(*_: Any) -> NoReturn:
    raise Unsupported("metadata is only read here")

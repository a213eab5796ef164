"""Changes of tables that pyiceberg does not make: compaction, and what calls itself wrongly."""

import uuid

import pyarrow as pa
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Summary


def compact(table: Table) -> None:
    """Write all rows of *table* anew, as they are, and say so."""
    table.refresh()
    files = [task.file for task in table.scan().plan_files()]
    change_files(table, Operation.REPLACE, table.scan().to_arrow(), files)


def change_files(table: Table, says: Operation, rows: pa.Table, gone: list[DataFile]) -> None:
    """Commit one snapshot that adds *rows*, takes away *gone*, and calls itself what it *says*."""
    table.refresh()
    with table.transaction() as change:
        metadata = change.table_metadata
        with change.update_snapshot().overwrite() as snapshot:
            for file in gone:
                snapshot.delete_data_file(file)
            if len(rows):
                made = _dataframe_to_data_files(metadata, rows, table.io, uuid.uuid4())
                for file in made:
                    snapshot.append_data_file(file)
            summarize = snapshot._summary

            def summary(properties: dict[str, str]) -> Summary:
                found = summarize(properties)
                return Summary(says, **found.additional_properties)

            snapshot._summary = summary  # type: ignore[method-assign, assignment]
    table.refresh()

"""Tables in Glue, made and changed: which metadata file is a table's.

Glue compares the version of a table, so a change is sent with that of the table that was looked
at.  Deleting is held against nothing; the table is looked at right before.

Source: AWS Glue API, ``CreateTable``, ``UpdateTable`` (``VersionId``, ``SkipArchive``),
``DeleteTable``; Iceberg's ``GlueTableOperations``.
"""

from collections.abc import Mapping
from typing import Any

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.types import NestedField

from flightlake.lake.hive_types import hive_type
from flightlake.lake.metastore import parameters_of

OTHERS = (
    "AlreadyExistsException",
    "ConcurrentModificationException",
    "EntityNotFoundException",
    "VersionMismatchException",
)
"""What Glue says if the table is not what it was."""
_KEPT = (
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "TargetTable",
)
"""What of a table that is read can be written back, and is not ours."""


def swapped(
    client: Any,
    where: Mapping[str, str],
    name: str,
    old: str | None,
    new: str | None,
    metadata: TableMetadata | None,
) -> bool:
    """Put *new* in the place of *old*; see ``PointedTables.swap``.

    Args:
        client: Of boto3, which sends nothing twice.
        where: The database, and the catalog if that must be said.
        name: The table's name.
        old, new, metadata: As ``PointedTables.swap`` has them.

    Raises:
        Exception: What boto3 raises; with one of ``OTHERS`` it was not done.
    """
    if old is None:
        table: dict[str, Any] = {"Name": name, "TableType": "EXTERNAL_TABLE"}
        client.create_table(**where, TableInput=_input(table, str(new), None, metadata))
        return True
    table = client.get_table(**where, Name=name)["Table"]
    if table["Name"] != name or (table.get("Parameters") or {}).get("metadata_location") != old:
        return False
    if new is None:
        client.delete_table(**where, Name=name)
        return True
    version = {"VersionId": table["VersionId"]} if "VersionId" in table else {}
    made = _input(table, new, old, metadata)
    client.update_table(**where, TableInput=made, SkipArchive=True, **version)
    return True


def _input(
    table: Mapping[str, Any], new: str, old: str | None, metadata: TableMetadata | None
) -> dict[str, Any]:
    """Return *table* as it is sent, showing what is in the metadata file *new*."""
    assert metadata is not None  # noqa: S101 - of what is put there, it is known
    storage = dict(table.get("StorageDescriptor") or {})
    columns = [_column(field) for field in metadata.schema().fields]
    return {
        **{key: table[key] for key in _KEPT if key in table},
        "Name": table["Name"],
        "Parameters": parameters_of(table.get("Parameters") or {}, new, old, metadata),
        "StorageDescriptor": {**storage, "Columns": columns, "Location": metadata.location},
    }


def _column(field: NestedField) -> dict[str, Any]:
    told = {
        "iceberg.field.id": str(field.field_id),
        "iceberg.field.optional": str(field.optional).lower(),
        "iceberg.field.current": "true",
    }
    made = {"Name": field.name, "Type": hive_type(field.field_type, "timestamp")}
    comment = {"Comment": field.doc} if field.doc else {}
    return {**made, **comment, "Parameters": told}

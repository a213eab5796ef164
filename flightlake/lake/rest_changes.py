"""What is sent to a REST catalog to change a table, and what it must hold against the table.

Source: Iceberg REST catalog OpenAPI specification, ``CommitTableRequest``, ``CreateTableRequest``,
``RenameTableRequest``, ``TableRequirement``, ``TableUpdate``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    AddSortOrderUpdate,
    AssertCreate,
    AssertCurrentSchemaId,
    AssertDefaultSortOrderId,
    AssertDefaultSpecId,
    AssertLastAssignedFieldId,
    AssertLastAssignedPartitionId,
    AssertRefSnapshotId,
    AssertTableUUID,
    AssignUUIDUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSortOrderUpdate,
    SetDefaultSpecUpdate,
    SetLocationUpdate,
    SetPropertiesUpdate,
    TableRequirement,
    TableUpdate,
    UpgradeFormatVersionUpdate,
)

from flightlake.lake.writing import Committed, Fresh
from flightlake.names import TableIdentifier, to_namespace


def commit_body(base: Committed | Fresh, updates: Sequence[TableUpdate]) -> bytes:
    """Return the request that applies *updates* to *base*, or makes the table with them."""
    metadata = base.metadata
    changes = [update for update in updates if not _is_so(update, metadata)]
    if isinstance(base, Fresh):
        requirements: list[TableRequirement] = [AssertCreate()]
        changes = [*_beginning(metadata), *changes]
    else:
        requirements = _unchanged(metadata)
    body = {
        "identifier": _identifier(base.identifier),
        "requirements": [_plain(requirement) for requirement in requirements],
        "updates": [_update(change) for change in _merged(changes)],
    }
    return json.dumps(body).encode()


def stage_body(
    identifier: TableIdentifier,
    schema: Schema,
    spec: PartitionSpec,
    properties: Mapping[str, str],
    location: str | None = None,
) -> bytes:
    """Return the request that prepares a table which nobody sees yet."""
    request = CreateTableRequest.model_validate(
        {
            "name": identifier.table,
            "location": location,
            "schema": schema,
            "partition-spec": spec,
            "write-order": UNSORTED_SORT_ORDER,
            "stage-create": True,
            "properties": dict(properties),
        }
    )
    return request.model_dump_json().encode()


def rename_body(identifier: TableIdentifier, to: TableIdentifier) -> bytes:
    """Return the request that gives a table another name."""
    body = {"source": _identifier(identifier), "destination": _identifier(to)}
    return json.dumps(body).encode()


def _unchanged(metadata: TableMetadata) -> list[TableRequirement]:
    """Return all that can be asked to be as it is in *metadata*; there is nothing on properties."""
    head = metadata.current_snapshot_id
    return [
        AssertTableUUID(uuid=metadata.table_uuid),
        AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": head}),
        AssertCurrentSchemaId.model_validate({"current-schema-id": metadata.current_schema_id}),
        AssertLastAssignedFieldId.model_validate(
            {"last-assigned-field-id": metadata.last_column_id}
        ),
        AssertDefaultSpecId.model_validate({"default-spec-id": metadata.default_spec_id}),
        AssertLastAssignedPartitionId.model_validate(
            {"last-assigned-partition-id": metadata.last_partition_id}
        ),
        AssertDefaultSortOrderId.model_validate(
            {"default-sort-order-id": metadata.default_sort_order_id}
        ),
    ]


def _beginning(metadata: TableMetadata) -> Iterable[TableUpdate]:
    """Return what makes *metadata*, which is that of a table without snapshots, from nothing."""
    yield AssignUUIDUpdate(uuid=metadata.table_uuid)
    yield UpgradeFormatVersionUpdate.model_validate({"format-version": metadata.format_version})
    yield AddSchemaUpdate.model_validate({"schema": metadata.schema()})
    yield SetCurrentSchemaUpdate()  # -1: that which was added last
    yield AddPartitionSpecUpdate(spec=metadata.spec())
    yield SetDefaultSpecUpdate()
    yield AddSortOrderUpdate.model_validate({"sort-order": metadata.sort_order()})
    yield SetDefaultSortOrderUpdate()
    yield SetLocationUpdate(location=metadata.location)
    yield SetPropertiesUpdate(updates=metadata.properties)


def _merged(updates: Sequence[TableUpdate]) -> Iterable[TableUpdate]:
    """Yield *updates* with all properties that are set in one, as some catalogs want it (Nessie).

    No property is both set and removed.
    """
    properties: dict[str, str] = {}
    for update in updates:
        if isinstance(update, SetPropertiesUpdate):
            properties |= update.updates
        else:
            yield update
    if properties:
        yield SetPropertiesUpdate(updates=properties)


def _is_so(update: TableUpdate, metadata: TableMetadata) -> bool:
    if isinstance(update, SetCurrentSchemaUpdate):
        return update.schema_id == metadata.current_schema_id
    if isinstance(update, SetDefaultSpecUpdate):
        return update.spec_id == metadata.default_spec_id
    return False


def _identifier(identifier: TableIdentifier) -> dict[str, Any]:
    return {"namespace": list(to_namespace(identifier.db_schema)), "name": identifier.table}


def _plain(part: TableRequirement | TableUpdate) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(part.model_dump_json())
    return found


def _update(update: TableUpdate) -> dict[str, Any]:
    found = _plain(update)
    if isinstance(update, AddSchemaUpdate):
        # No longer in the specification; catalogs of before that refuse to do without (Nessie).
        found["last-column-id"] = update.schema_.highest_field_id
    return found

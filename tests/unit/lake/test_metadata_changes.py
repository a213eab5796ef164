"""Metadata after a change is what the library makes of it, and that before it stays."""

from collections.abc import Sequence

import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil, new_table_metadata
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    AddSnapshotUpdate,
    RemovePropertiesUpdate,
    RemoveSnapshotsUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
    update_table_metadata,
)
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from flightlake.lake.metadata_changes import changed

FIRST = Schema(NestedField(1, "id", LongType(), required=True), schema_id=0)
SECOND = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType(), required=False),
    schema_id=1,
)
SPEC = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "id"), spec_id=1)


def new() -> TableMetadata:
    return new_table_metadata(
        FIRST, PartitionSpec(), UNSORTED_SORT_ORDER, "file:///t", {"format-version": "2", "a": "1"}
    )


def snapshot(id_: int, parent: int | None, number: int) -> list[TableUpdate]:
    made = Snapshot.model_validate(
        {
            "snapshot-id": id_,
            "parent-snapshot-id": parent,
            "sequence-number": number,
            "timestamp-ms": 4_000_000_000_000 + number,
            "manifest-list": f"file:///t/{id_}.avro",
            "summary": Summary(Operation.APPEND, **{"total-records": "3"}),
            "schema-id": 0,
        }
    )
    ref = {"ref-name": "main", "type": SnapshotRefType.BRANCH, "snapshot-id": id_}
    return [AddSnapshotUpdate(snapshot=made), SetSnapshotRefUpdate.model_validate(ref)]


CHANGES: list[list[TableUpdate]] = [
    snapshot(5, None, 1),
    [
        AddSchemaUpdate(schema=SECOND),
        AddPartitionSpecUpdate(spec=SPEC),
        SetCurrentSchemaUpdate.model_validate({"schema-id": 1}),
        SetDefaultSpecUpdate.model_validate({"spec-id": 1}),
        *snapshot(6, 5, 2),
        SetPropertiesUpdate(updates={"b": "2"}),
    ],
    [RemovePropertiesUpdate(removals=["a"]), *snapshot(7, 6, 3)],
    [RemoveSnapshotsUpdate.model_validate({"snapshot-ids": [5]}), *snapshot(8, 7, 4)],
]


def test_changes_one_after_the_other_are_those_of_the_library() -> None:
    ours = theirs = new()
    location = None
    for number, updates in enumerate(CHANGES):
        before = ours.model_dump_json()
        made = changed(ours, updates, location)
        assert ours.model_dump_json() == before
        theirs = update_table_metadata(theirs, tuple(updates), metadata_location=location)
        assert made == theirs
        assert type(made) is type(theirs)
        assert made.model_dump_json() == theirs.model_dump_json()
        assert TableMetadataUtil.parse_raw(made.model_dump_json()) == made
        ours, location = made, f"file:///t/{number}.metadata.json"


@pytest.mark.parametrize(
    "updates", [snapshot(5, None, 1)[1:], [SetCurrentSchemaUpdate.model_validate({"schema-id": 9})]]
)
def test_a_change_that_does_not_go_with_the_table_is_refused(
    updates: Sequence[TableUpdate],
) -> None:
    with pytest.raises(ValueError, match=r"unknown snapshot|does not exist"):
        changed(new(), updates, None)

"""A table holds a view's rows while it was only compacted since they were written."""

from typing import Any

import pytest
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from flightlake.lake import materialized
from flightlake.lake.materialized import is_materialized_view, reached_by_compaction


def table(*operations: str, lost: int | None = None, **properties: str) -> TableMetadata:
    """Return a table with one snapshot for each of *operations*, from 1; *lost* has expired."""
    made = new_table_metadata(
        Schema(), UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, "file:///t", dict(properties)
    )
    snapshots: list[dict[str, Any]] = [
        {
            "snapshot-id": number,
            "parent-snapshot-id": number - 1 or None,
            "sequence-number": number,
            "timestamp-ms": number,
            "manifest-list": "file:///m",
            "summary": {"operation": operation},
        }
        for number, operation in enumerate(operations, start=1)
        if number != lost
    ]
    document = made.model_dump(by_alias=True)
    document |= {"snapshots": snapshots, "current-snapshot-id": len(operations) or None}
    return type(made).model_validate(document)


@pytest.mark.parametrize(
    ("metadata", "snapshot_id", "reached"),
    [
        (table("append"), 1, True),
        (table("append", "replace", "replace"), 1, True),
        (table("append", "append"), 1, False),
        (table("append", "overwrite", "replace"), 1, False),
        (table("append", "replace", "delete"), 1, False),
        (table("append", "replace", "replace", lost=2), 1, False),
        (table("replace"), 7, False),
        (table(), 1, False),
    ],
)
def test_only_compaction_keeps_the_rows(
    metadata: TableMetadata, snapshot_id: int, reached: bool
) -> None:
    assert reached_by_compaction(metadata, snapshot_id) is reached


def test_a_view_is_known_by_its_own_uuid() -> None:
    plain = table("append")
    assert not is_materialized_view(plain)
    own = {materialized.DEFINITION: "{}", materialized.UUID: str(plain.table_uuid)}
    assert is_materialized_view(plain.model_copy(update={"properties": own}))
    copied = {**own, materialized.UUID: "another"}
    assert not is_materialized_view(plain.model_copy(update={"properties": copied}))

"""Whether a change was made, told from the table as it is after it."""

from typing import Any

import pytest
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate

from flightlake.lake.commits import OutcomeUnknown, Refused, commit, renamed
from flightlake.lake.stores import StoreSettings
from flightlake.lake.writing import Committed, Refusal
from flightlake.names import TableIdentifier

NAME = TableIdentifier("lake", "shop", "v")
OURS, BASE = 7, 1


def metadata(*snapshots: tuple[int, int | None, int], hides: bool = False) -> TableMetadata:
    """Return a table with snapshots: id, parent, sequence number; the last one is the head.

    *hides*: told by a catalog that tells of no more than the head.
    """
    told = [
        {
            "snapshot-id": id_,
            "parent-snapshot-id": None if hides else parent,
            "sequence-number": number,
            "timestamp-ms": number,
            "manifest-list": f"file:///m{id_}",
            "summary": {"operation": "append"},
        }
        for id_, parent, number in (snapshots[-1:] if hides else snapshots)
    ]
    document: dict[str, Any] = {
        "format-version": 2,
        "table-uuid": "f79c3e09-677c-4bbd-a479-3f349cb785e7",
        "location": "file:///v",
        "last-sequence-number": snapshots[-1][2],
        "last-updated-ms": 9,
        "last-column-id": 1,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": []}],
        "current-schema-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "default-spec-id": 0,
        "last-partition-id": 999,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "default-sort-order-id": 0,
        "current-snapshot-id": snapshots[-1][0],
        "snapshots": told,
        "refs": {"main": {"snapshot-id": snapshots[-1][0], "type": "branch"}},
    }
    return TableMetadataUtil.parse_obj(document)


class Refusing:
    """A catalog that refuses everything, and says that the table is *now*."""

    def __init__(self, now: TableMetadata) -> None:
        self.now = now

    def attempt(self, base: Any, updates: Any) -> Refusal:
        return Refusal()

    def current(self, identifier: TableIdentifier) -> Committed:
        return Committed(identifier, "file:///v/m.json", self.now, StoreSettings("file"))


def sent(now: TableMetadata) -> Committed:
    base = Committed(NAME, "file:///v/b.json", metadata((BASE, None, 1)), StoreSettings("file"))
    snapshot = Snapshot(
        snapshot_id=OURS,
        parent_snapshot_id=BASE,
        sequence_number=2,
        timestamp_ms=2,
        manifest_list="file:///ours",
        summary=Summary(Operation.APPEND),
    )
    catalog: Any = Refusing(now)
    updates = [AddSnapshotUpdate(snapshot=snapshot)]
    return commit(catalog, base, updates, lambda found: found.snapshot_by_id(OURS) is not None)


@pytest.mark.parametrize(
    "now",
    [
        metadata((BASE, None, 1), (OURS, BASE, 2)),
        metadata((BASE, None, 1), (OURS, BASE, 2), (8, OURS, 3)),
        metadata((OURS, BASE, 2), hides=True),
        metadata((8, OURS, 3)),  # ours has expired
    ],
)
def test_a_change_that_is_below_the_head_was_made(now: TableMetadata) -> None:
    assert sent(now).metadata is now


@pytest.mark.parametrize(
    "now",
    [
        metadata((BASE, None, 1)),
        metadata((BASE, None, 1), (8, BASE, 2)),
        metadata((BASE, None, 1), (8, BASE, 2), (9, 8, 3)),
        metadata((8, BASE, 2), hides=True),  # which has the number of ours
        metadata((BASE, None, 1), (5, None, 0)),  # rolled back
    ],
)
def test_a_change_whose_place_somebody_else_has_was_not_made(now: TableMetadata) -> None:
    with pytest.raises(Refused):
        sent(now)


@pytest.mark.parametrize("now", [metadata((9, 8, 3), hides=True), metadata((9, 8, 3))])
def test_nothing_is_believed_where_the_way_back_is_hidden(now: TableMetadata) -> None:
    with pytest.raises(OutcomeUnknown):
        sent(now)


class Renaming:
    """A catalog that says no to the second of two requests to rename, of which it did the first."""

    def __init__(self, does: bool) -> None:
        self.does = does
        self.names = {NAME: metadata((BASE, None, 1))}

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        if self.does:
            self.names[to] = self.names.pop(NAME)
        return False

    def current(self, identifier: TableIdentifier) -> Committed | None:
        found = self.names.get(identifier)
        store = StoreSettings("file")
        return None if found is None else Committed(identifier, "file:///v/m.json", found, store)


def test_a_table_that_has_its_new_name_was_renamed_whatever_the_last_answer_says() -> None:
    catalog: Any = Renaming(does=True)
    table, to = catalog.current(NAME), TableIdentifier("lake", "shop", "w")
    renamed(catalog, table, to)
    assert catalog.current(NAME) is None
    refusing: Any = Renaming(does=False)
    with pytest.raises(Refused):
        renamed(refusing, table, to)

"""What came before a snapshot is walked once, also where damaged metadata leads in a circle."""

from pathlib import Path
from typing import Any

import pytest

from flightlake.lake.ancestry import ancestry
from flightlake.lake.branches import forwarded
from flightlake.lake.changes import Unclear, changes
from flightlake.lake.materialized import reached_by_compaction
from flightlake.lake.table import IcebergTable
from flightlake.lake.unread import unread
from tests.fix_catalogs import orders, sqlite_lake
from tests.fix_metadata import edit


@pytest.fixture
def table(tmp_path: Path) -> IcebergTable:
    """Return a table of three snapshots, of which the second comes after the third."""
    lake = sqlite_lake(tmp_path)
    written = lake.create("orders")
    for number in range(3):
        written.append(orders(number))
    written.manage_snapshots().create_branch(written.snapshots()[-1].snapshot_id, "b").commit()

    def turn(document: dict[str, Any]) -> None:
        first, second, third = sorted(
            document["snapshots"], key=lambda one: int(one["sequence-number"])
        )
        second["parent-snapshot-id"] = third["snapshot-id"]
        for one in (second, third):
            one["summary"]["operation"] = "replace"
        document["refs"]["main"]["snapshot-id"] = first["snapshot-id"]
        document["current-snapshot-id"] = first["snapshot-id"]

    edit(lake, "orders", turn)
    return lake.load("orders")


def ids(table: IcebergTable) -> list[int]:
    found = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
    return [one.snapshot_id for one in found]


def test_each_snapshot_is_given_once(table: IcebergTable) -> None:
    first, second, third = ids(table)
    assert [one.snapshot_id for one in ancestry(table.metadata, third)] == [third, second]
    assert [one.snapshot_id for one in ancestry(table.metadata, first)] == [first]
    assert not list(ancestry(table.metadata, None))
    assert not list(ancestry(table.metadata, 1))


def test_a_circle_does_not_lead_to_a_snapshot_outside_of_it(table: IcebergTable) -> None:
    first, _, third = ids(table)
    assert isinstance(changes(table, first, third), Unclear)
    turned = table.at_snapshot(third)
    assert [snapshot for snapshot, _ in unread(turned, first, None, None)] == [third]
    now = table.metadata.model_copy(update={"current_snapshot_id": third})
    assert not reached_by_compaction(now, first)
    assert forwarded(table.metadata, "b", {}) is None

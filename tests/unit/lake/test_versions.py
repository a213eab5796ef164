"""What a version means for a table: snapshots, branches, tags and moments."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.types import StringType

from flightlake.errors import NotFound
from flightlake.lake.versions import TimestampAsOf, VersionAsOf
from tests.fix_catalogs import Lake, orders, sqlite_lake

NAME = "orders"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three snapshots; the column ``later`` came between the second and the third."""
    made = sqlite_lake(tmp_path)
    table = made.create(NAME)
    table.append(orders(1))
    table.append(orders(2))
    with table.update_schema() as change:
        change.add_column("later", StringType())
    table.append(orders(3).append_column("later", [["x"]]))
    first, second, _ = (snapshot.snapshot_id for snapshot in table.metadata.snapshots)
    table.manage_snapshots().create_tag(first, "audit").create_branch(second, "work").commit()
    return made


def snapshot_ids(lake: Lake) -> list[int]:
    return [snapshot.snapshot_id for snapshot in lake.load(NAME).metadata.snapshots]


def test_a_snapshot_is_read_with_its_own_schema(lake: Lake) -> None:
    first = snapshot_ids(lake)[0]
    table = lake.load(NAME).as_of(VersionAsOf(first))
    assert table.snapshot_id == first
    assert table.schema.names == ["id", "item"]


def test_a_tag_is_read_with_the_schema_of_its_snapshot(lake: Lake) -> None:
    table = lake.load(NAME).as_of(VersionAsOf("audit"))
    assert (table.snapshot_id, table.schema.names) == (snapshot_ids(lake)[0], ["id", "item"])


def test_a_branch_is_read_with_the_current_schema(lake: Lake) -> None:
    table = lake.load(NAME).as_of(VersionAsOf("work"))
    assert table.snapshot_id == snapshot_ids(lake)[1]
    assert table.schema.names == ["id", "item", "later"]


def test_a_snapshot_id_may_be_written_as_text(lake: Lake) -> None:
    first = snapshot_ids(lake)[0]
    assert lake.load(NAME).as_of(VersionAsOf(str(first))).snapshot_id == first


def test_a_moment_means_the_last_snapshot_before_it(lake: Lake) -> None:
    table = lake.load(NAME)
    for number, entry in enumerate(table.metadata.snapshot_log):
        moment = datetime.fromtimestamp(entry.timestamp_ms / 1000, UTC)
        assert table.as_of(TimestampAsOf(moment)).snapshot_id == snapshot_ids(lake)[number]
    later = moment + timedelta(days=1)
    assert table.as_of(TimestampAsOf(later)).snapshot_id == snapshot_ids(lake)[-1]


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (VersionAsOf(5), "has no snapshot 5"),
        (VersionAsOf("5"), "has no snapshot 5"),
        (VersionAsOf("audti"), "no branch or tag 'audti'; did you mean 'audit'"),
        (TimestampAsOf(datetime(1999, 1, 1, tzinfo=UTC)), "had no snapshot at 1999-01-01"),
    ],
)
def test_a_version_that_is_not_there_is_not_found(
    lake: Lake, as_of: VersionAsOf | TimestampAsOf, said: str
) -> None:
    with pytest.raises(NotFound, match=said):
        lake.load(NAME).as_of(as_of)

"""Which snapshots of a table can go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyiceberg.table.metadata import TableMetadata, TableMetadataV2

from flightlake.lake.retention import expirable

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def _ms(days_ago: float) -> int:
    return int((NOW - days_ago * DAY).timestamp() * 1000)


def _metadata(
    snapshots: dict[int, tuple[int | None, float]],
    refs: dict[str, Any] | None = None,
    log: list[tuple[int, float]] | None = None,
    **properties: str,
) -> TableMetadata:
    """Return a table; *snapshots* are ids with parent and age in days, the last is current."""
    current = list(snapshots)[-1]
    return TableMetadataV2.model_validate(
        {
            "format-version": 2,
            "location": "file:///t",
            "last-column-id": 0,
            "last-updated-ms": _ms(0),
            "schemas": [{"type": "struct", "schema-id": 0, "fields": []}],
            "current-schema-id": 0,
            "partition-specs": [{"spec-id": 0, "fields": []}],
            "default-spec-id": 0,
            "last-partition-id": 999,
            "sort-orders": [{"order-id": 0, "fields": []}],
            "default-sort-order-id": 0,
            "current-snapshot-id": current,
            "last-sequence-number": 9,
            "properties": properties,
            "snapshots": [
                {
                    "snapshot-id": id_,
                    "sequence-number": id_,
                    "timestamp-ms": _ms(age),
                    "manifest-list": f"file:///t/{id_}",
                    "summary": {"operation": "append"},
                    **({} if parent is None else {"parent-snapshot-id": parent}),
                }
                for id_, (parent, age) in snapshots.items()
            ],
            "snapshot-log": [
                {"snapshot-id": id_, "timestamp-ms": _ms(age)}
                for id_, age in (log or [(id_, age) for id_, (_, age) in snapshots.items()])
            ],
            "refs": {"main": {"snapshot-id": current, "type": "branch"}, **(refs or {})},
        }
    )


LINE = {1: (None, 50.0), 2: (1, 40.0), 3: (2, 30.0), 4: (3, 20.0), 5: (4, 10.0)}


def _gone(metadata: TableMetadata, *recorded: int, days: float = 1) -> list[int]:
    return expirable(metadata, NOW, days * DAY, recorded)


@pytest.mark.parametrize(
    ("days", "gone"), [(1, [1, 2, 3, 4]), (15, [1, 2, 3]), (25, [1, 2]), (41, []), (9999, [])]
)
def test_snapshots_go_so_long_after_they_were_replaced(days: float, gone: list[int]) -> None:
    assert _gone(_metadata(LINE), days=days) == gone


def test_a_table_without_snapshots_has_none_to_lose() -> None:
    metadata = _metadata(LINE).model_copy(
        update={"snapshots": [], "refs": {}, "current_snapshot_id": None, "snapshot_log": []}
    )
    assert _gone(metadata, 7) == []


def test_heads_of_branches_and_tags_stay_whatever_their_age() -> None:
    refs = {
        "b": {"snapshot-id": 2, "type": "branch", "max-ref-age-ms": 1},
        "t": {"snapshot-id": 3, "type": "tag", "max-ref-age-ms": 1},
    }
    assert _gone(_metadata(LINE, refs)) == [1, 4]


def test_a_branch_keeps_as_many_as_it_asks_for() -> None:
    refs = {"b": {"snapshot-id": 3, "type": "branch", "min-snapshots-to-keep": 2}}
    assert _gone(_metadata(LINE, refs)) == [1, 4]


def test_a_branch_keeps_what_is_as_young_as_it_asks_for() -> None:
    age = int((45 * DAY).total_seconds() * 1000)
    refs = {"b": {"snapshot-id": 3, "type": "branch", "max-snapshot-age-ms": age}}
    assert _gone(_metadata(LINE, refs)) == [1, 4]


def test_properties_of_the_table_ask_for_main() -> None:
    metadata = _metadata(LINE, **{"history.expire.min-snapshots-to-keep": "3"})
    assert _gone(metadata) == [1, 2]
    age = str(int((35 * DAY).total_seconds() * 1000))
    assert _gone(_metadata(LINE, **{"history.expire.max-snapshot-age-ms": age})) == [1, 2]
    assert _gone(_metadata(LINE, **{"history.expire.min-snapshots-to-keep": "many"})) == [
        1,
        2,
        3,
        4,
    ]


def test_a_recorded_snapshot_stays_with_what_came_after_it() -> None:
    assert _gone(_metadata(LINE), 3) == [1, 2]
    assert _gone(_metadata(LINE), 2, 4) == [1]


def test_a_recorded_snapshot_that_is_not_before_the_head_stays_alone() -> None:
    forked = {1: (None, 50.0), 2: (1, 40.0), 3: (2, 30.0), 4: (1, 20.0), 5: (4, 10.0)}
    log = [(1, 50.0), (2, 40.0), (3, 30.0), (4, 20.0), (5, 10.0)]
    assert _gone(_metadata(forked, log=log), 3) == [1, 2, 4]


def test_a_recorded_snapshot_that_is_not_there_keeps_nothing() -> None:
    assert _gone(_metadata(LINE), 77) == [1, 2, 3, 4]


def test_what_was_rolled_back_a_moment_ago_is_still_read() -> None:
    log = [(1, 50.0), (2, 40.0), (3, 30.0), (5, 10.0), (4, 0.6), (5, 0.5)]
    assert _gone(_metadata(LINE, log=log)) == [1, 2, 3]


def test_what_a_branch_replaced_a_moment_ago_is_still_read() -> None:
    branched = {1: (None, 50.0), 2: (1, 40.0), 3: (2, 0.5), 4: (1, 45.0)}
    refs = {"b": {"snapshot-id": 3, "type": "branch"}}
    assert _gone(_metadata(branched, refs, log=[(1, 50.0), (4, 45.0)])) == [1]


def test_snapshots_that_are_their_own_ancestors_end() -> None:
    metadata = _metadata({1: (2, 50.0), 2: (1, 40.0)})
    assert _gone(metadata, 1) == []

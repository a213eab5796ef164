"""Which snapshots views keep account of."""

import json

import pytest

from flightlake.refresh.recorded import recorded, states
from tests.fix_materialized import Mills, with_news
from tests.fix_upkeep import committed


def test_states_and_heads_of_branches_name_what_rows_were_made_of(mills: Mills) -> None:
    mill = with_news(mills())
    source = mill.table("orders")
    first, second = (snapshot.snapshot_id for snapshot in source.snapshots())
    uuid = str(source.metadata.table_uuid)
    assert recorded([committed(mill, "v")]) == {uuid: frozenset({first})}
    table = mill.table("v")
    with table.manage_snapshots() as manage:
        manage.create_branch(table.metadata.current_snapshot_id, "old")
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert recorded([committed(mill, "v")]) == {uuid: frozenset({first, second})}
    mill.table("v").manage_snapshots().remove_branch("old").commit()
    assert recorded([committed(mill, "v")]) == {uuid: frozenset({second})}


def test_states_of_branches_are_states_as_long_as_the_branch_is_there(mills: Mills) -> None:
    mill = with_news(mills())
    table = mill.table("v")
    head = table.metadata.current_snapshot_id
    assert head is not None
    table.manage_snapshots().create_branch(head, "b").commit()
    found = json.loads(mill.table("v").properties["flightlake.mv.state"])
    found["sources"][0]["snapshot-id"] = 77
    with mill.table("v").transaction() as change:
        change.set_properties(
            {"flightlake.mv.state@b": json.dumps(found), "flightlake.mv.state@c": json.dumps(found)}
        )
    view = committed(mill, "v")
    assert len(states(view)) == 2
    assert any(77 in ids for ids in recorded([view]).values())


@pytest.mark.parametrize(
    "told",
    [
        "[1",
        '{"source-states": [{"type": "table", "uuid": "u", "snapshot-id": Infinity}]}',
        '{"source-states": ["orders"]}',
    ],
)
def test_what_cannot_be_read_names_nothing(mills: Mills, told: str) -> None:
    mill = with_news(mills())
    mill.table("v").append(mill.table("v").scan().to_arrow(), {"refresh-state": told})
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.state": "{}"})
    assert recorded([committed(mill, "v")]) == {}

"""What a table says of its view is read back, and anything else is not taken for it."""

import json
from datetime import UTC, datetime

import pytest

from flightlake.errors import PreconditionFailed
from flightlake.lake import materialized
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import AS_OF_MARK, TableIdentifier
from flightlake.refresh.records import (
    Definition,
    Source,
    State,
    definition_of,
    properties,
    state_of,
    summary,
)

VIEW = TableIdentifier("lake", "gold", "v")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
DEFINITION = Definition(
    "SELECT 'ü', \"a\"\n-- note\nFROM t", "lake", "gold.eu", (LayoutTerm("day", "At"),), "AUTO", 3
)
TABLE = TableIdentifier("lake", "bronze.eu", f"orders{AS_OF_MARK}VERSION AS OF 7")
STATE = State(
    3, 11, "r1", "FULL", "because", 5, NOW, 1.25,
    (
        Source(TABLE, "table", "u1", 7, 0, "named"),
        Source(TableIdentifier("lake", "s", "empty"), "table", "u2", None, 0),
        Source(TableIdentifier("lake", "s", "w"), "view", "u3", 2, None),
    ),
)  # fmt: skip


def test_definition_and_state_come_back_as_they_were() -> None:
    found = properties("table-uuid", DEFINITION, STATE)
    assert definition_of(found, VIEW) == DEFINITION
    assert state_of(found, "table-uuid") == STATE
    assert all(name.startswith(materialized.PREFIX) for name in found)


def test_the_state_of_another_table_is_none() -> None:
    # ClickHouse's issue 120365: a state without identity is taken for one's own.
    assert state_of(properties("table-uuid", DEFINITION, STATE), "other") is None


def test_the_summary_has_the_form_of_the_specification_s_draft() -> None:
    said = json.loads(summary(STATE, NOW)["refresh-state"])
    assert said["view-version-id"] == 3
    assert said["refresh-start-timestamp-ms"] == 1767323045678
    assert said["source-states"] == [
        {
            "type": "table", "name": "orders", "namespace": ["bronze", "eu"], "catalog": "lake",
            "uuid": "u1", "as-of": "VERSION AS OF 7", "snapshot-id": 7,  # as-of is not the draft's
        },
        {
            "type": "table", "name": "empty", "namespace": ["s"], "catalog": "lake", "uuid": "u2",
            "snapshot-id": -1,
        },
        {
            "type": "view", "name": "w", "namespace": ["s"], "catalog": "lake", "uuid": "u3",
            "version-id": 2,
        },
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"query": 1}', '{"query": "SELECT 1"}'])
def test_what_was_not_written_here_is_not_understood(text: str) -> None:
    with pytest.raises(PreconditionFailed, match="CREATE OR REPLACE"):
        definition_of({materialized.DEFINITION: text}, VIEW)
    assert state_of({materialized.STATE: text}, "u") is None
    assert state_of({}, "u") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", "Infinity"),
        ("snapshot-id", "9" * 30),
        ("seconds", "NaN"),
        ("seconds", "1e300"),
        ("as-of", '"2026-01-02T03:04:05"'),
        ("sources", '["orders"]'),
        ("reason", "[" * 100_000 + "]" * 100_000),
    ],
)
def test_a_state_with_values_that_no_table_has_is_none(name: str, value: str) -> None:
    found = properties("table-uuid", DEFINITION, STATE)
    state = json.loads(found[materialized.STATE])
    state[name] = "here"
    found[materialized.STATE] = json.dumps(state).replace('"here"', value)
    assert state_of(found, "table-uuid") is None

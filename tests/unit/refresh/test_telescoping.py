"""The terms of what came: for each table that changed, those before it new, those after it old."""

import pytest

from flightlake.engine.plan_terms import Blocked
from flightlake.flightsql.payloads import Pin
from flightlake.lake.changes import Changes, Step
from flightlake.lake.portions import Portion
from flightlake.names import TableIdentifier
from flightlake.refresh.records import Source
from flightlake.refresh.telescoping import Term, telescoped
from flightlake.refresh.windows import Window

A, B, C = (TableIdentifier("c", "s", name) for name in "abc")
PINS = {name: Pin(2, 0, str(name)) for name in (A, B, C)}


def came(name: TableIdentifier) -> Window:
    before, now = (Source(name, "table", str(name), snapshot, 0) for snapshot in (1, 2))
    return Window(before, now, Changes((Step(2, "append"),), (Portion(()),)))


def read(term: Term) -> dict[str, object]:
    """Return for each table its snapshot, or that only what came is read of it."""
    return {
        name.table: "new rows" if name in term.only else pin.snapshot_id
        for name, pin in term.pins.items()
    }


def test_tables_before_the_one_are_new_and_those_after_it_old() -> None:
    terms = telescoped([{A: 1, B: 1, C: 1}], [came(A), came(B), came(C)], PINS)
    assert not isinstance(terms, Blocked)
    assert [read(term) for term in terms] == [
        {"a": "new rows", "b": 1, "c": 1},
        {"a": 2, "b": "new rows", "c": 1},
        {"a": 2, "b": 2, "c": "new rows"},
    ]


def test_tables_that_did_not_change_have_no_term() -> None:
    terms = telescoped([{A: 2, B: 1}], [came(B)], PINS)
    assert not isinstance(terms, Blocked)
    assert [read(term) for term in terms] == [{"a": 2, "b": "new rows", "c": 2}]


def test_branches_without_the_table_are_emptied_by_tables_of_their_own() -> None:
    terms = telescoped([{A: 1, B: 1}, {C: 1}], [came(A), came(C)], PINS)
    assert not isinstance(terms, Blocked)
    assert [read(term) for term in terms] == [
        {"a": "new rows", "b": 2, "c": None},
        {"a": None, "b": None, "c": "new rows"},
    ]


def test_a_table_in_every_branch_is_one_term() -> None:
    terms = telescoped([{A: 1}, {A: 1, B: 1}], [came(A)], PINS)
    assert not isinstance(terms, Blocked)
    assert [read(term) for term in terms] == [{"a": "new rows", "b": 2, "c": 2}]


def test_a_table_that_is_named_and_not_read_adds_nothing() -> None:
    assert telescoped([{A: 1}], [came(B)], PINS) == ()


@pytest.mark.parametrize(
    ("products", "reason"),
    [
        ([{A: 2}], "joins c.s.a with itself"),
        ([{A: 1}, {}], "does not read c.s.a, nor any table of its own"),
        ([{A: 1, B: 1}, {B: 1}], "does not read c.s.a, nor any table of its own"),
        ([{A: 1, TableIdentifier("c", "s", "other"): 1}], "a name that is not known"),
    ],
)
def test_what_is_not_linear_is_refused(
    products: list[dict[TableIdentifier, int]], reason: str
) -> None:
    found = telescoped(products, [came(A)], PINS)
    assert isinstance(found, Blocked)
    assert reason in found.reason

from collections.abc import Sequence
from dataclasses import replace

import pytest

from flightlake.names import TableIdentifier
from flightlake.project.changes import Kind, Plan, Removed, changes
from flightlake.project.checking import Checked
from flightlake.project.files import Project, ViewFile
from flightlake.project.server import Column, Explained, Present
from flightlake.project.telling import plan_document, plan_lines

COLUMNS = (Column("id", "int"), Column("n", "decimal(9, 2)"))
PRESENT = Present("SELECT 1", COLUMNS, (), 1234, 5 * 1024 * 1024, "same", "", ())
EXPLAINED = Explained((), (), COLUMNS, "{}", (), "same", PRESENT)


def view(name: str) -> TableIdentifier:
    return TableIdentifier("lake", "gold", name)


def plan(
    explained: dict[str, Explained],
    reads: dict[str, str] | None = None,
    removed: Sequence[Removed] = (),
    prune: bool = False,
) -> Plan:
    """Return the plan for views by name, in an order in which they can be made."""
    names = tuple(map(view, explained))
    files = tuple(ViewFile(name, f"{name.table}.sql", (), "", 1) for name in names)
    checked = Checked(
        Project("shop", files, ()),
        names,
        {view(name): told for name, told in explained.items()},
        {name: tuple(map(view, (reads or {}).get(name.table, ""))) for name in names},
    )
    return changes(checked, removed, prune)


def kinds(made: Plan) -> list[str]:
    return [f"{change.kind.value} {change.view.table}" for change in made.changes]


def test_what_is_as_it_shall_be_is_left_alone() -> None:
    made = plan({"a": EXPLAINED})
    assert (made.changes, made.unchanged) == ((), 1)


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        (replace(EXPLAINED, present=None), "create", ""),
        (replace(EXPLAINED, fingerprint="other"), "replace", "its query changes"),
        (
            replace(EXPLAINED, present=replace(PRESENT, fingerprint="", problem="t is gone")),
            "replace",
            "the query that it has does not run any more (t is gone)",
        ),
        (
            replace(EXPLAINED, columns=COLUMNS[::-1]),
            "replace",
            "what it reads has other columns than before",
        ),
        (replace(EXPLAINED, settings=("PARTITIONED BY (id)",)), "replace", "its partitions change"),
        (replace(EXPLAINED, settings=("PRIORITY = 7",)), "settings", "its settings change"),
        (
            replace(EXPLAINED, present=replace(PRESENT, older=("x",))),
            "refresh",
            "its rows are of an earlier definition of x",
        ),
    ],
)
def test_each_difference_has_its_remedy(told: Explained, kind: str, reason: str) -> None:
    (change,) = plan({"a": told}).changes
    assert (change.kind.value, "".join(change.reasons)) == (kind, reason)


def test_what_reads_rows_that_change_is_refreshed_and_what_is_made_anew_is_not_twice() -> None:
    other = replace(EXPLAINED, fingerprint="other")
    settings = replace(EXPLAINED, settings=("PRIORITY = 7",))
    made = plan(
        {"a": other, "b": EXPLAINED, "c": other, "d": settings, "e": EXPLAINED, "f": settings},
        {"b": "a", "c": "a", "d": "b", "e": "f"},
    )
    assert kinds(made) == [
        "replace a",
        "refresh b",
        "replace c",
        "settings d",
        "refresh d",
        "settings f",
    ]
    assert made.unchanged == 1


@pytest.mark.parametrize(
    ("columns", "breaking"),
    [
        ((*COLUMNS, Column("more", "string")), False),
        ((Column("id", "long"), Column("n", "decimal(10, 2)")), False),
        ((Column("id", "int"), Column("n", "decimal(8, 2)")), True),
        ((Column("id", "int"), Column("n", "decimal(9, 3)")), True),
        ((Column("id", "string"), COLUMNS[1]), True),
        ((COLUMNS[0],), True),
        ((COLUMNS[0], Column("N", "decimal(9, 2)")), True),
    ],
)
def test_columns_that_others_may_miss_are_breaking(
    columns: tuple[Column, ...], breaking: bool
) -> None:
    (change,) = plan({"a": replace(EXPLAINED, columns=columns)}).changes
    assert change.kind is Kind.REPLACE
    assert change.columns.breaking is breaking
    assert (
        "BREAKING" in "\n".join(plan_lines(plan({"a": replace(EXPLAINED, columns=columns)})))
    ) is breaking


def test_views_that_go_are_dropped_before_those_they_read_if_that_is_asked_for() -> None:
    removed = [
        Removed(view("x"), (), 1, 0),
        Removed(view("y"), ("lake.gold.x", "lake.shop.orders"), 2, 0),
        Removed(view("z"), ("lake.gold.y",), 3, 0),
    ]
    made = plan({"a": EXPLAINED}, removed=removed)
    assert kinds(made) == ["leave z", "leave y", "leave x"]
    assert made.to_do == ()
    made = plan({"a": EXPLAINED}, removed=removed, prune=True)
    assert kinds(made) == ["drop z", "drop y", "drop x"]


def test_a_plan_is_told_to_people_and_to_programs() -> None:
    told = replace(
        EXPLAINED,
        fingerprint="other",
        columns=(COLUMNS[0], Column("m", "string")),
        settings=("TARGET_LAG = '2 hours'",),
        present=replace(PRESENT, settings=("TARGET_LAG = '1 hour'",)),
    )
    made = plan({"a": told, "b": EXPLAINED, "c": replace(EXPLAINED, present=None)}, {"b": "a"})
    assert list(plan_lines(made)) == [
        "project shop: 1 to make, 1 to make anew, 1 to refresh, 0 unchanged",
        "",
        "~ lake.gold.a  (a.sql)",
        "    its query changes",
        "    + column m string",
        "    - column n decimal(9, 2)",
        "    BREAKING for those who read these columns",
        "    - TARGET_LAG = '1 hour'",
        "    + TARGET_LAG = '2 hours'",
        "    has 1,234 rows, 5.0 MiB now",
        "",
        "r lake.gold.b  (b.sql)",
        "    it reads lake.gold.a, whose rows change",
        "    has 1,234 rows, 5.0 MiB now",
        "",
        "+ lake.gold.c  (c.sql)",
    ]
    document = plan_document(made)
    assert [one["kind"] for one in document["changes"]] == ["replace", "refresh", "create"]
    assert document["changes"][0] == {
        "kind": "replace",
        "view": "lake.gold.a",
        "path": "a.sql",
        "reasons": ["its query changes"],
        "columns": {
            "added": [{"name": "m", "type": "string"}],
            "removed": [{"name": "n", "type": "decimal(9, 2)"}],
            "retyped": [],
            "breaking": True,
        },
        "settings": ["TARGET_LAG = '2 hours'"],
        "settings_before": ["TARGET_LAG = '1 hour'"],
        "rows": 1234,
        "bytes": 5 * 1024 * 1024,
    }

"""Random stories of views on main and on a branch, changed and refreshed here and there.

After each step every view holds its query at the snapshots it recorded, on both; what was done
on the branch has changed nothing of main, and the other way round.
"""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from flightlake.errors import Code, FlightlakeError
from flightlake.refresh.asking import Asked
from flightlake.refresh.grammar import parse
from tests.fix_catalogs import orders
from tests.fix_materialized import WRITER, Mill, Mills, mills

__all__ = ["mills"]

STORIES, STEPS = 8, 9
VIEWS = ("silver", "gold", "extra")
QUERIES: Mapping[str, tuple[str, ...]] = {
    "silver": (
        "SELECT id, item FROM orders",
        "SELECT id, item FROM orders WHERE id % 2 = 0",
        "SELECT id, item, id * 2 AS twice FROM orders",
        "SELECT item, count(*) AS id FROM orders GROUP BY item",
    ),
    "gold": (
        "SELECT count(*) AS n, max(id) AS last FROM silver",
        "SELECT id FROM silver WHERE id > 3",
    ),
    "extra": ("SELECT a.id FROM orders a JOIN silver b ON a.id = b.id",),
}
REFUSALS = (
    Code.NOT_FOUND, Code.ALREADY_EXISTS, Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED,
    Code.FAILED_PRECONDITION,
)  # fmt: skip
"""A view that is not there, or cannot be so, as what it reads is gone or otherwise by now."""
LAYOUTS = ("", "PARTITIONED BY (id)", "PARTITIONED BY (bucket(2, id))")


def run(mill: Mill, branch: str, sql: str) -> list[dict[str, Any]]:
    asked = Asked(WRITER, mill.lake.name, mill.lake.root, branch, mill.call)
    rows: list[dict[str, Any]] = mill.views.run(parse(sql), asked).to_pylist()
    return rows


def seen(mill: Mill, view: str, branch: str) -> object:
    """Return all that a table says of one side; None if there is no such table."""
    if view not in mill.catalog.tables(mill.lake.root):
        return None
    metadata = mill.table(view).metadata
    told = {
        name: text
        for name, text in metadata.properties.items()
        if name.startswith("flightlake.") and name.endswith("@trial") == bool(branch)
    }
    if branch:
        ref = metadata.refs.get("trial")
        return None if ref is None else (ref.snapshot_id, told)
    head = metadata.current_snapshot_id
    if head is None:
        return None
    return (head, metadata.current_schema_id, metadata.default_spec_id, told)


def step(mill: Mill, chance: random.Random) -> str:
    """Do something; return on which side: ``main``, ``branch``, ``both`` or ``sources``."""
    kind = chance.choice(
        ["append", "delete", "define", "define", "define", "refresh", "refresh", "merge", "drop"]
    )
    if kind == "append":
        mill.table("orders").append(orders(*(chance.randrange(9) for _ in range(3))))
        return "sources"
    if kind == "delete":
        mill.table("orders").delete(f"id = {chance.randrange(9)}")
        return "sources"
    view, branch = chance.choice(VIEWS), chance.choice(["", "trial", "trial"])
    if kind == "merge":
        sql, branch = f"MERGE MATERIALIZED VIEW {view} FROM BRANCH 'trial'", ""
    elif kind == "drop":
        sql, branch = f"DROP MATERIALIZED VIEW {view}", "trial"
    elif kind == "refresh":
        sql = f"REFRESH MATERIALIZED VIEW {view}"
    else:
        query, layout = chance.choice(QUERIES[view]), chance.choice(LAYOUTS)
        sql = f"CREATE OR REPLACE MATERIALIZED VIEW {view} {layout} AS {query}"
    try:
        run(mill, branch, sql)
    except FlightlakeError as refused:
        if refused.code not in REFUSALS:
            raise
    return "both" if kind == "merge" else "branch" if branch else "main"


@pytest.mark.filterwarnings("ignore:Delete operation did not match")
@pytest.mark.parametrize("seed", range(STORIES))
def test_both_sides_hold_their_queries_and_neither_touches_the_other(
    mills: Mills, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - so that a story can be told again
    mill = mills()
    mill.lake.create("orders").append(orders(1, 2, 3, 4, 5))
    for view in ("silver", "gold"):
        run(mill, "", f"CREATE MATERIALIZED VIEW {view} AS {QUERIES[view][0]}")
    for _ in range(STEPS):
        before = {(view, side): seen(mill, view, side) for view in VIEWS for side in ("", "trial")}
        where = step(mill, chance)
        for view in VIEWS:
            if where != "both":
                if where != "main":
                    assert seen(mill, view, "") == before[view, ""], (where, view)
                if where != "branch":
                    assert seen(mill, view, "trial") == before[view, "trial"], (where, view)
        for side in ("", "trial"):
            for row in run(mill, side, "SHOW MATERIALIZED VIEWS"):
                try:
                    told = run(mill, side, f"VERIFY MATERIALIZED VIEW {row['view']}")
                except FlightlakeError as gone:
                    if gone.code not in REFUSALS:
                        raise
                else:
                    assert told[0]["state"] == "OK", (side, told)

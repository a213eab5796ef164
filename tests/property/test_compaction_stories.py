"""Stories of changes, refreshes, compactions and upkeep, in any order: after each step all rows are
those of the query, every snapshot that is left has the rows it had, and no refresh is misled."""

import os
import random
from collections.abc import Callable

import pyarrow as pa
import pytest

from flightlake.lake.small_files import Smallness
from tests.fix_materialized import Mills, mills
from tests.fix_upkeep import Keeper, everything, keeper, reachable, readable, verified

__all__ = ["mills"]

_SOURCE = pa.schema([("k", pa.int64()), ("n", pa.int64())])
_VIEWS = {
    "plain": "SELECT k, n FROM source WHERE n % 5 <> 0",
    "parted": "SELECT k, n + 1 AS m FROM source",
    "summed": "SELECT k, count(*) AS c FROM parted GROUP BY k",
    "above": "SELECT m FROM parted",
}
_CUT = {"parted": " PARTITIONED BY (k)", "summed": " PARTITIONED BY (k)"}
Step = Callable[[Keeper, random.Random], object]


def _came(kept: Keeper, chance: random.Random) -> None:
    rows = [(chance.randint(0, 3), chance.randint(0, 99)) for _ in range(chance.randint(1, 4))]
    columns = [[row[place] for row in rows] for place in (0, 1)]
    kept.mill.table("source").append(pa.table(columns, schema=_SOURCE))


def _went(kept: Keeper, chance: random.Random) -> None:
    rows = kept.mill.stored("source")
    if rows:
        row = chance.choice(rows)
        kept.mill.table("source").delete(f"k = {row['k']} AND n >= {row['n']}")


def _refreshed(kept: Keeper, chance: random.Random) -> None:
    for view in _VIEWS:
        if chance.random() < 0.8:
            kept.mill.run(f"REFRESH MATERIALIZED VIEW {view}")


def _much(kept: Keeper, chance: random.Random) -> None:
    for _ in range(3):
        _came(kept, chance)
        _refreshed(kept, chance)


def _compacted(kept: Keeper, chance: random.Random) -> None:
    kept.compacted()


def _kept(kept: Keeper, chance: random.Random) -> None:
    kept.pass_days(chance.choice([0.4, 1.1]))
    kept.kept()


def _tagged(kept: Keeper, chance: random.Random) -> None:
    table = kept.mill.table(chance.choice(list(_VIEWS)))
    head = table.metadata.current_snapshot_id
    assert head is not None
    table.manage_snapshots().create_tag(head, f"t{len(table.metadata.refs)}").commit()


_STEPS: list[tuple[Step, int]] = [
    *((_came, 3), (_went, 1), (_refreshed, 3), (_much, 3), (_compacted, 5), (_kept, 2)),
    (_tagged, 1),
]


@pytest.mark.parametrize("seed", range(int(os.environ.get("FLIGHTLAKE_STORIES", "2"))))
def test_files_are_put_together_and_nothing_else_changes(mills: Mills, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    kept = keeper(mills, small=Smallness(least=3))
    mill = kept.mill
    mill.lake.create("source", _SOURCE)
    _came(kept, chance)
    for view, query in _VIEWS.items():
        mill.run(f"CREATE MATERIALIZED VIEW {view}{_CUT.get(view, '')} AS {query}")
    known: dict[str, dict[int, list[dict[str, object]]]] = {view: {} for view in _VIEWS}
    steps, weights = zip(*_STEPS, strict=True)
    told: list[str] = []
    for _ in range(10):
        (step,) = chance.choices(steps, weights)
        told.append(step.__name__)
        step(kept, chance)
        for view in _VIEWS:
            now = readable(mill, view)
            same = {one: rows for one, rows in known[view].items() if one in now}
            assert same == {one: now[one] for one in same}, told
            known[view] |= now
            assert verified(mill, view).state == "OK", told
    for _ in range(4):
        mill.table("source").append(pa.table({"k": [1], "n": [7]}, _SOURCE))
        mill.run("REFRESH MATERIALIZED VIEW plain")
    assert kept.compacted()["plain"].files >= 4, told
    for view in _VIEWS:
        found = mill.one(f"REFRESH MATERIALIZED VIEW {view}")
        assert "changed by somebody else" not in str(found["reason"]), told
        assert verified(mill, view).state == "OK", told
    kept.pass_days(3)
    kept.kept()
    kept.pass_days(3)
    kept.kept()
    for view in _VIEWS:
        assert everything(mill, view) == reachable(mill, view), told

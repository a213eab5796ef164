"""Whatever happens to views and whenever their upkeep ends, what can be reached can be read."""

import os
import random
import re
from collections.abc import Callable

import pyarrow as pa
import pytest

from tests.fix_materialized import Mill, Mills, mills
from tests.fix_upkeep import (
    Keeper,
    everything,
    keeper,
    kept_until,
    orphaned,
    reachable,
    readable,
    verified,
)

__all__ = ["mills"]

_OURS = re.compile(r".*(/data/[0-9a-f]{32}/.*|-(list|new|gone-\d+)\.avro|\.metadata\.json)")
_VIEWS = ("v", "w")
Step = Callable[[Keeper, random.Random], object]


def _rows(chance: random.Random) -> pa.Table:
    return pa.table({"id": [chance.randint(0, 3) for _ in range(chance.randint(1, 3))]})


def _refresh(kept: Keeper, chance: random.Random) -> None:
    mill = kept.mill
    mill.table("orders").append(_rows(chance))
    for view in _VIEWS[: chance.randint(1, 2)]:
        mill.run(f"REFRESH MATERIALIZED VIEW {view}")
        assert verified(mill, view).state == "OK"


def _die(kept: Keeper, chance: random.Random) -> None:
    orphaned(kept.mill, chance.choice(_VIEWS))


def _upkeep(kept: Keeper, chance: random.Random) -> None:
    kept.kept()


def _half(kept: Keeper, chance: random.Random) -> None:
    kept_until(kept, chance.randint(0, 12))


def _wait(kept: Keeper, chance: random.Random) -> None:
    kept.pass_days(chance.choice([0.3, 0.6, 1.2]))


def _foreign(kept: Keeper, chance: random.Random) -> None:
    table = kept.mill.table(chance.choice(_VIEWS))
    table.append(pa.table({name: [9] for name in table.schema().column_names}))


def _rollback(kept: Keeper, chance: random.Random) -> None:
    table = kept.mill.table(chance.choice(_VIEWS))
    there = {snapshot.snapshot_id for snapshot in table.snapshots()}
    with table.manage_snapshots() as manage:
        manage.set_current_snapshot(chance.choice(sorted(there)))


def _branch(kept: Keeper, chance: random.Random) -> None:
    table = kept.mill.table(chance.choice(_VIEWS))
    chosen = chance.choice(table.snapshots()).snapshot_id
    with table.manage_snapshots() as manage:
        if chance.random() < 0.5:
            manage.create_tag(chosen, f"t{len(table.metadata.refs)}")
        else:
            manage.create_branch(chosen, f"b{len(table.metadata.refs)}")


def _forget(kept: Keeper, chance: random.Random) -> None:
    table = kept.mill.table(chance.choice(_VIEWS))
    names = sorted(set(table.metadata.refs) - {"main"})
    if names:
        with table.manage_snapshots() as manage:
            name = chance.choice(names)
            (manage.remove_tag if name.startswith("t") else manage.remove_branch)(name)


_STEPS: list[tuple[Step, int]] = [
    *((_refresh, 6), (_die, 2), (_upkeep, 3), (_half, 3), (_wait, 4)),
    *((_foreign, 1), (_rollback, 1), (_branch, 1), (_forget, 1)),
]


@pytest.mark.parametrize("seed", range(int(os.environ.get("FLIGHTLAKE_STORIES", "6"))))
def test_every_snapshot_stays_what_it_was_until_it_goes(mills: Mills, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    kept = keeper(mills)
    mill: Mill = kept.mill
    mill.lake.create("orders", pa.schema([("id", pa.int64())])).append(_rows(chance))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id, id * 2 AS twice FROM v")
    known: dict[str, dict[int, list[dict[str, object]]]] = {view: {} for view in _VIEWS}
    steps, weights = zip(*_STEPS, strict=True)
    told: list[str] = []
    for _ in range(12):
        (step,) = chance.choices(steps, weights)
        told.append(step.__name__)
        step(kept, chance)
        for view in _VIEWS:
            now = readable(mill, view)
            same = {one: rows for one, rows in known[view].items() if one in now}
            assert same == {one: now[one] for one in same}, told
            known[view] |= now
            assert mill.table(view).metadata.current_snapshot_id in now, told
            # What a view was made of never expires under it.
            assert verified(mill, view).state != "UNVERIFIABLE", told
    kept.pass_days(3)
    kept.kept()
    kept.kept()
    for view in _VIEWS:
        left = {str(path) for path in everything(mill, view) - reachable(mill, view)}
        assert not [path for path in left if _OURS.fullmatch(path)], told
        assert readable(mill, view)

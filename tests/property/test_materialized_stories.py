"""Whatever happens to its sources, a refreshed view is its query at the snapshots it records.

The expected rows are computed here, from the tables as pyiceberg reads them.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tests.fix_materialized import Mill, Mills, mills

__all__ = ["mills"]

SCHEMA = pa.schema([("k", pa.int64()), ("v", pa.int64())])
Rows = list[dict[str, Any]]


def _by_key(left: Rows, right: Rows) -> Rows:
    names = {row["k"] for row in left}
    return [
        {
            "k": key,
            "n": sum(row["k"] == key for row in left),
            "total": _sum([row["v"] for row in left if row["k"] == key]),
        }
        for key in names
    ]


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _joined(left: Rows, right: Rows) -> Rows:
    found = []
    for row in left:
        matches = [other for other in right if row["k"] is not None and other["k"] == row["k"]]
        found += [{"k": row["k"], "a": row["v"], "b": other["v"]} for other in matches]
        if not matches:
            found.append({"k": row["k"], "a": row["v"], "b": None})
    return found


def _absent(left: Rows, right: Rows) -> Rows:
    keys = {row["k"] for row in right}
    return [{"k": row["k"]} for row in left if row["k"] is None or row["k"] not in keys]


VIEWS: dict[str, tuple[str, Callable[[Rows, Rows], Rows]]] = {
    "by_key": ("SELECT k, count(*) AS n, sum(v) AS total FROM a GROUP BY k", _by_key),
    "joined": ("SELECT a.k, a.v AS a, b.v AS b FROM a LEFT JOIN b ON a.k = b.k", _joined),
    "absent": ("SELECT k FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k)", _absent),
}


def _some_rows(chance: random.Random) -> pa.Table:
    count = chance.randint(1, 4)
    values = [None, 0, 1, 2]
    rows = {name: [chance.choice(values) for _ in range(count)] for name in ("k", "v")}
    return pa.table(rows, schema=SCHEMA)


def _change(mill: Mill, chance: random.Random) -> str:
    name = chance.choice("ab")
    table = mill.table(name)
    what = chance.choice(["append", "append", "delete", "overwrite", "rollback", "rename", "anew"])
    snapshots = table.snapshots()
    if what == "append":
        table.append(_some_rows(chance))
    elif what == "delete" and snapshots:
        table.delete(f"k = {chance.randint(0, 2)}")
    elif what == "overwrite":
        table.overwrite(_some_rows(chance))
    elif what == "rollback" and snapshots:
        wanted = chance.choice(snapshots).snapshot_id
        table.manage_snapshots().set_current_snapshot(wanted).commit()
    elif what == "rename":
        with table.update_schema() as schema:
            schema.rename_column("v", "w")
        with mill.table(name).update_schema() as schema:
            schema.rename_column("w", "v")
    elif what == "anew":
        mill.lake.writer.drop_table((mill.lake.root, name))
        mill.lake.create(name, SCHEMA)
    return f"{what} {name}"


def _recorded(mill: Mill, view: str) -> dict[str, Rows]:
    """Return the sources of *view* as they were at the snapshots that it says it was made of."""
    snapshot = mill.table(view).current_snapshot()
    assert snapshot is not None
    found = {"a": [], "b": []}
    for source in json.loads(str(snapshot.summary["refresh-state"]))["source-states"]:
        table = mill.table(source["name"])
        assert source["uuid"] == str(table.metadata.table_uuid)
        if source["snapshot-id"] != -1:
            rows = table.scan(snapshot_id=source["snapshot-id"]).to_arrow()
            found[source["name"]] = rows.rename_columns(["k", "v"]).to_pylist()
    return found


def _bag(rows: Rows) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.filterwarnings("ignore:Delete operation did not match any records")
@pytest.mark.parametrize("seed", range(4))
def test_a_refreshed_view_is_its_query_at_the_recorded_snapshots(mills: Mills, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    mill = mills()
    for name in "ab":
        mill.lake.create(name, SCHEMA)
    for view, (query, _) in VIEWS.items():
        layout = chance.choice(["", "PARTITIONED BY (k)"])
        mill.run(f"CREATE MATERIALIZED VIEW {view} {layout} AS {query}")
    story = []
    for _ in range(8):
        story += [_change(mill, chance) for _ in range(chance.randint(0, 2))]
        view = chance.choice(list(VIEWS))
        row = mill.one(f"REFRESH MATERIALIZED VIEW {view}")
        story.append(f"{row['strategy']} {view}: {row['reason']}")
        sources = _recorded(mill, view)
        assert _bag(mill.stored(view)) == _bag(VIEWS[view][1](sources["a"], sources["b"])), story
        now = {name: mill.table(name).scan().to_arrow().to_pylist() for name in "ab"}
        assert _bag(mill.stored(view)) == _bag(VIEWS[view][1](now["a"], now["b"])), story

"""Stories of sources that change and of views that are refreshed, each way that there is.

What a view has to hold is computed by an engine of the test's own, over the rows that pyiceberg
reads at the snapshots that the view says it was made of.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionContext
from pyiceberg.table.snapshots import Operation

from flightlake.refresh import choosing
from flightlake.refresh.records import State, state_of
from tests.fix_materialized import Mill
from tests.fix_position_deletes import delete_row
from tests.fix_table_changes import change_files, compact

TABLES = ("a", "b", "c")

_DAYS = [date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(2024, 3, 1)]
_MOMENTS = [datetime(1969, 12, 31, 23, 59), datetime(1970, 1, 1), datetime(2024, 2, 29, 5, 30)]
KEYS: Mapping[str, tuple[pa.DataType, list[Any], list[str]]] = {
    "int": (pa.int32(), [0, 1, -7, 1 << 30], ["{}"]),
    "long": (pa.int64(), [0, 1, -7, 1 << 40], ["{}"]),
    "text": (pa.string(), ["", "it's", "ü$1", "z"], ["{}"]),
    "date": (pa.date32(), _DAYS, ["{}", "year({})", "month({})", "day({})"]),
    "moment": (pa.timestamp("us"), _MOMENTS, ["{}", "month({})", "day({})", "hour({})"]),
    "instant": (
        pa.timestamp("us", "UTC"),
        [moment.replace(tzinfo=UTC) for moment in _MOMENTS],
        ["{}", "year({})", "day({})"],
    ),
    "decimal": (pa.decimal128(12, 3), [Decimal("0.000"), Decimal("-1.500")], ["{}"]),
    "bool": (pa.bool_(), [True, False], ["{}"]),
}
"""Types of the key column: values, and how a view can be cut by it."""

HAPPENS = (
    *["append"] * 14, *["compact"] * 3, *["delete"] * 2, "overwrite", "nothing", "lie", "mark",
    "rollback", "expire", "rename", "anew",
)  # fmt: skip

QUERIES: Mapping[str, tuple[str, bool]] = {
    "filtered": ("SELECT k, v FROM a WHERE v > 1", True),
    "computed": ("SELECT v * 2 + 1 AS w, k FROM b WHERE v IS NOT NULL", False),
    "rare": ("SELECT k, v FROM a WHERE v > 90", True),
    "joined": ("SELECT a.k, a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k", True),
    "crossed": ("SELECT a.v AS x, b.v AS y FROM a, b WHERE a.v < b.v", False),
    "of_three": (
        "SELECT c.k, a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k JOIN c ON b.v = c.v",
        True,
    ),
    "united": ("SELECT k, v FROM a UNION ALL SELECT k, v FROM b", True),
    "twice": ("SELECT k, v FROM a WHERE v > 1 UNION ALL SELECT k, v + 10 AS v FROM a", True),
    "half": ("SELECT k, v FROM a UNION ALL SELECT a.k, b.v FROM a JOIN b ON a.k = b.k", True),
    "mixed": ("SELECT k, v FROM c UNION ALL SELECT a.k, b.v FROM a JOIN b ON a.k = b.k", True),
    "selves": ("SELECT x.k, x.v AS v, y.v AS w FROM a x JOIN a y ON x.k = y.k", True),
    "pairs": ("WITH t AS (SELECT k, v FROM a) SELECT p.v, q.v AS w FROM t p, t q", False),
    "grouped": ("SELECT k, count(*) AS n, sum(v) AS total FROM a GROUP BY k", True),
    "nested": (
        "SELECT k, max(n) AS n FROM (SELECT k, v, count(*) AS n FROM a GROUP BY k, v) GROUP BY k",
        True,
    ),
    "counted": ("SELECT count(*) AS n FROM b", False),
    "distinct": ("SELECT DISTINCT k FROM b", True),
    "either": ("SELECT k FROM a UNION SELECT k FROM b", True),
    "ranked": ("SELECT k, v, count(*) OVER (PARTITION BY k, v) AS n FROM a", True),
    "left": ("SELECT a.k, a.v AS x, b.v AS y FROM a LEFT JOIN b ON a.k = b.k", True),
    "lost": ("SELECT b.k, a.v AS x FROM a LEFT JOIN b ON a.k = b.k AND b.v > 1", True),
    "whole": ("SELECT a.k, b.v FROM a FULL JOIN b ON a.k = b.k", True),
    "absent": ("SELECT k, v FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k)", True),
    "listed": ("SELECT k FROM a WHERE v IN (SELECT v FROM b)", True),
    "first": ("SELECT k, v FROM a ORDER BY k, v LIMIT 3", True),
    "enriched": (
        "SELECT t.k, t.n, b.v FROM (SELECT k, count(*) AS n FROM a GROUP BY k) t LEFT JOIN b"
        " ON b.k = t.k",
        True,
    ),
}
"""Queries, and whether their views can be cut by ``k``."""


@dataclass
class Story:
    """One lake, some views, and what happens."""

    mill: Mill
    chance: random.Random
    happens: list[str]
    tables: list[str] = field(default_factory=lambda: list(TABLES))
    kind: str = ""
    told: list[str] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)
    views: dict[str, str] = field(default_factory=dict)

    def begin(self, names: list[str]) -> None:
        self.kind = self.chance.choice(sorted(KEYS))
        for name in TABLES:
            self.create(name)
            self.mill.table(name).append(self.rows(8))
        cuts = KEYS[self.kind][2]
        for name in names:
            query, cut = QUERIES[name]
            layout = f"PARTITIONED BY ({self.chance.choice(cuts).format('k')})" if cut else ""
            self.views[name] = query
            self.mill.run(f"CREATE MATERIALIZED VIEW {name} {layout} AS {query}")

    def create(self, name: str) -> None:
        schema = pa.schema([("k", KEYS[self.kind][0]), ("v", pa.int64())])
        options: dict[str, Any] = {"properties": {"write.parquet.row-group-limit": "2"}}
        if self.chance.random() < 0.5:
            # Manifests are merged: files that were there before are listed anew.
            options["properties"] |= {
                "commit.manifest-merge.enabled": "true",
                "commit.manifest.min-count-to-merge": "2",
            }
        table = self.mill.lake.create(name, schema, **options)
        if self.chance.random() < 0.5:
            with table.update_spec() as spec:
                spec.add_identity("v")

    def rows(self, most: int = 3) -> pa.Table:
        type_, values, _ = KEYS[self.kind]
        count = self.chance.randint(1, most)
        rare = 99 if self.chance.random() < 0.1 else 3
        return pa.table(
            {
                "k": [self.chance.choice([None, *values]) for _ in range(count)],
                "v": [self.chance.choice([None, 0, 1, 2, rare]) for _ in range(count)],
            },
            schema=pa.schema([("k", type_), ("v", pa.int64())]),
        )

    def change(self) -> None:
        name = self.chance.choice(self.tables)
        what = self.chance.choice(self.happens)
        self.told.append(f"{what} {name}")
        table = self.mill.table(name)
        snapshots = table.snapshots()
        if what == "append":
            table.append(self.rows())
        elif what == "delete":
            table.delete(f"v = {self.chance.randint(0, 2)}")
        elif what == "overwrite":
            table.overwrite(self.rows(6))
        elif what == "nothing":
            table.overwrite(table.scan().to_arrow())
        elif what == "compact" and snapshots:
            compact(table)
        elif what == "mark" and len(table.scan().to_arrow()) and table.spec().is_unpartitioned():
            compact(table)
            delete_row(table, 0)
        elif what == "lie":
            files = [task.file for task in table.scan().plan_files()]
            gone = files[: self.chance.randint(0, 1)]
            says = self.chance.choice([Operation.APPEND, Operation.OVERWRITE, Operation.DELETE])
            change_files(table, says, self.rows(), gone)
        elif what == "rollback" and snapshots:
            wanted = self.chance.choice(snapshots).snapshot_id
            table.manage_snapshots().set_current_snapshot(wanted).commit()
        elif what == "expire" and len(snapshots) > 1:
            limit = datetime.fromtimestamp(snapshots[-1].timestamp_ms / 1000, UTC)
            table.maintenance.expire_snapshots().older_than(limit + timedelta(seconds=1)).commit()
        elif what == "rename":
            with table.update_schema() as schema:
                schema.rename_column("v", "w")
            with self.mill.table(name).update_schema() as schema:
                schema.rename_column("w", "v")
        elif what == "anew":
            self.mill.lake.writer.drop_table((self.mill.lake.root, name))
            self.create(name)

    def refresh(self, view: str) -> None:
        row = self.mill.one(f"REFRESH MATERIALIZED VIEW {view}")
        self.told.append(f"{row['strategy']} {view}: {row['reason']}")
        self.ways[row["strategy"]] += 1
        state, found = self.state(view), self.mill.stored(view)
        assert state.rows == len(found) == row["rows"], self.told
        assert _bag(found) == _bag(self.expected(view, state)), self.told

    def state(self, view: str) -> State:
        metadata = self.mill.table(view).metadata
        state = state_of(metadata.properties, str(metadata.table_uuid))
        assert state is not None
        return state

    def expected(self, view: str, state: State) -> list[dict[str, Any]]:
        """Return the rows of the query over what *state* names, which must be what is there now."""
        context = SessionContext()
        sources = {source.identifier.table: source for source in state.sources}
        for name, source in sources.items():
            table = self.mill.table(name)
            assert source.uuid == str(table.metadata.table_uuid), self.told
            assert source.snapshot_id == table.metadata.current_snapshot_id, self.told
            if source.snapshot_id is None:
                rows = self.rows().slice(0, 0)
            else:
                rows = table.scan(snapshot_id=source.snapshot_id).to_arrow()
            rows = rows.rename_columns(["k", "v"])
            context.from_arrow(rows.combine_chunks(), name)
        return context.sql(self.views[view]).to_arrow_table().to_pylist()

    def tell(self, steps: int, at_once: int) -> None:
        for _ in range(steps):
            for _ in range(self.chance.choice([0, 1, 1, 2, 2, 3])):
                self.change()
            for view in self.chance.sample(sorted(self.views), min(at_once, len(self.views))):
                self.refresh(view)


def _bag(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(repr([_plain(value) for value in row.values()]) for row in rows)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


@pytest.fixture
def all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions are made anew alone even if they are nearly all, as they are of small views."""
    monkeypatch.setattr(choosing, "MOST_SHARE", 1.0)


def forget(mill: Mill, name: str) -> None:
    """Drop a table or view, if it is there."""
    writer, root = mill.lake.writer, mill.lake.root
    if writer.table_exists((root, name)):
        writer.drop_table((root, name))

"""Stories of sources that change and of views that are refreshed, each way that there is.

What a view has to hold is computed by an engine of the test's own, over the rows that pyiceberg
reads at the snapshots that the view says it was made of.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionContext
from pyiceberg.table import Table

from flightlake.errors import FlightlakeError
from flightlake.refresh import choosing
from flightlake.refresh.records import State, state_of
from tests.fix_materialized import Mill
from tests.fix_story_changes import change
from tests.fix_story_queries import QUERIES, TABLES, drawn

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

Head = tuple[str, int | None]
"""The uuid of a table and the snapshot that is current in it."""


@dataclass
class Story:
    """One lake, some views, and what happens.

    ``ways`` counts refreshes before which something happened to what the view reads, by strategy;
    ``idle`` the others; ``happened`` the changes by kind; ``refused`` refreshes that had to fail.
    """

    mill: Mill
    chance: random.Random
    happens: list[str]
    tables: list[str] = field(default_factory=lambda: list(TABLES))
    kind: str = ""
    told: list[str] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    idle: int = 0
    refused: int = 0
    views: dict[str, str] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    moved: dict[str, set[str]] = field(default_factory=dict)
    """What happened to the sources of each view since it was refreshed."""
    _reads: dict[str, set[str]] = field(default_factory=dict)
    _rows: dict[Head, pa.Table] = field(default_factory=dict)
    _found: dict[str, Counter[str]] = field(default_factory=dict)

    def begin(self, names: list[str], random_ones: int = 0, above: bool = False) -> None:
        """Make tables, and views of the queries of these names, and of as many random ones.

        *above*: and one that reads another view.
        """
        self.kind = self.chance.choice(sorted(KEYS))
        for name in TABLES:
            self.create(name)
            self.mill.table(name).append(self.rows(8))
            self.look(name)
        for name in names:
            self.make(name, *QUERIES[name])
        for number in range(random_ones):
            self.make(f"q{number}", drawn(self.chance), True)
        if above:
            below = self.chance.choice([name for name in self.views if self._has_key(name)])
            self.make("above", f"SELECT k, count(*) AS n FROM {below} GROUP BY k", True)

    def _has_key(self, view: str) -> bool:
        return "k" in self.mill.table(view).schema().column_names

    def make(self, name: str, query: str, cut: bool) -> None:
        """Make a view, cut by ``k`` if it can be."""
        cuts = KEYS[self.kind][2]
        layout = f"PARTITIONED BY ({self.chance.choice(cuts).format('k')})" if cut else ""
        self.views[name] = query
        self.told.append(f"CREATE {name} {layout} AS {query}")
        self.mill.run(f"CREATE MATERIALIZED VIEW {name} {layout} AS {query}")
        self.moved[name] = set()
        state = self.check(name)
        self._reads[name] = {source.identifier.table for source in state.sources}

    def create(self, name: str) -> None:
        options: dict[str, Any] = {"properties": {"write.parquet.row-group-limit": "2"}}
        if self.chance.random() < 0.5:
            # Manifests are merged: files that were there before are listed anew.
            options["properties"] |= {
                "commit.manifest-merge.enabled": "true",
                "commit.manifest.min-count-to-merge": "2",
            }
        table = self.mill.lake.create(name, self.schema(), **options)
        if self.chance.random() < 0.5:
            with table.update_spec() as spec:
                spec.add_identity("v")

    def schema(self) -> pa.Schema:
        return pa.schema([("k", KEYS[self.kind][0]), ("v", pa.int64()), ("s", pa.string())])

    def rows(self, most: int = 3) -> pa.Table:
        values = KEYS[self.kind][1]
        count = self.chance.randint(1, most)
        rare = 99 if self.chance.random() < 0.1 else 3
        return pa.table(
            {
                "k": [self.chance.choice([None, *values]) for _ in range(count)],
                "v": [self.chance.choice([None, 0, 1, 2, rare]) for _ in range(count)],
                "s": [self.chance.choice([None, "", "x", "yes"]) for _ in range(count)],
            },
            schema=self.schema(),
        )

    def change(self) -> None:
        """Let something happen to one of the tables."""
        name = self.chance.choice(self.tables)
        what = self.chance.choice(self.happens)
        self.told.append(f"{what} {name}")
        if change(self, what, name):
            self.happened[what] += 1
            self.moves(name, what)
        self.look(name)

    def moves(self, name: str, what: str) -> None:
        """Note for all views of a table or view that something happened to it."""
        for view, reads in self._reads.items():
            if name in reads:
                self.moved[view].add(what)

    def look(self, name: str) -> None:
        """Read the rows of a table as it is now, once for all views of it."""
        metadata = self.mill.table(name).metadata
        head = (str(metadata.table_uuid), metadata.current_snapshot_id)
        self.heads[name] = head
        if head not in self._rows and head[1] is not None:
            self._rows[head] = self.mill.table(name).scan(snapshot_id=head[1]).to_arrow()

    def refresh(self, view: str) -> None:
        """Refresh a view, and hold its rows against its query at what it says it was made of."""
        row = self.mill.one(f"REFRESH MATERIALIZED VIEW {view}")
        self.told.append(f"{row['strategy']} {view}: {row['reason']}")
        if self.moved[view]:
            self.ways[row["strategy"]] += 1
        else:
            self.idle += 1
            assert row["strategy"] == "NOOP", self.told
        self.moved[view] = set()
        state = self.check(view)
        assert state.rows == row["rows"], self.told
        if row["strategy"] not in ("NOOP", "META"):
            self.moves(view, "refresh")

    def refuses(self, view: str) -> None:
        """Refresh a view of which a column is not there: it fails, and the rows stay."""
        before = self.mill.table(view).metadata_location
        try:
            self.mill.run(f"REFRESH MATERIALIZED VIEW {view}")
        except FlightlakeError:
            self.told.append(f"refused {view}")
            self.refused += 1
            assert self.mill.table(view).metadata_location == before, self.told
        else:
            self.check(view)  # it reads other columns only
            self.moves(view, "refresh")

    def check(self, view: str) -> State:
        """Hold the rows of *view*, as pyiceberg reads them, against its query."""
        table = self.mill.table(view)
        metadata = table.metadata
        self.heads[view] = (str(metadata.table_uuid), metadata.current_snapshot_id)
        state = state_of(metadata.properties, str(metadata.table_uuid))
        assert state is not None
        found = self._content(table)
        assert state.rows == found.total(), self.told
        assert found == self.expected(view, state), self.told
        return state

    def _content(self, table: Table) -> Counter[str]:
        """Return the rows of a view; what is in one metadata file does not change."""
        where = table.metadata_location
        if where not in self._found:
            rows = table.scan().to_arrow()
            self._found[where] = _bag(rows)
            self._rows[str(table.metadata.table_uuid), table.metadata.current_snapshot_id] = rows
        return self._found[where]

    def expected(self, view: str, state: State) -> Counter[str]:
        """Return the rows of the query over what *state* names, which must be what is there now."""
        context = SessionContext()
        for source in state.sources:
            name, head = source.identifier.table, (source.uuid, source.snapshot_id)
            assert head == self.heads[name], self.told
            rows = self.rows().slice(0, 0) if head[1] is None else self._rows[head]
            context.from_arrow(rows.combine_chunks(), name)
        return _bag(context.sql(self.views[view]).to_arrow_table())

    def tell(self, steps: int, at_once: int) -> None:
        """Let things happen and views be refreshed: such as have something to do, and one."""
        for _ in range(steps):
            for _ in range(self.chance.choice([0, 1, 1, 2, 2, 3])):
                self.change()
            busy = [view for view in self.views if self.moved[view]]
            chosen = self.chance.sample(busy, min(at_once, len(busy)))
            for view in [*chosen, self.chance.choice(list(self.views))]:
                self.refresh(view)


def _bag(rows: pa.Table) -> Counter[str]:
    columns = [[_plain(value) for value in column.to_pylist()] for column in rows.columns]
    return Counter(map(repr, zip(*columns, strict=True)))


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

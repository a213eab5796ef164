"""A view whose statements are struck by faults, and the judge of what became of it."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError
from flightlake.lake.commits import OutcomeUnknown
from tests.fix_catalogs import Lake
from tests.fix_faults import Death, Stormy, Weather, stormy_files
from tests.fix_materialized import Mill, Mills

SOURCE = pa.schema([("k", pa.int64()), ("n", pa.int64())])
Rows = list[dict[str, Any]]


def _by_key(rows: Rows) -> Rows:
    keys = {row["k"] for row in rows}
    of = {key: [row["n"] for row in rows if row["k"] == key] for key in keys}
    return [{"k": key, "c": len(of[key]), "total": sum(of[key])} for key in keys]


def _large(rows: Rows) -> Rows:
    return [dict(row) for row in rows if row["n"] > 1]


BY_KEY = "SELECT k, count(*) AS c, sum(n) AS total FROM source GROUP BY k"
LARGE = "SELECT k, n FROM source WHERE n > 1"
_MADE_BY: dict[frozenset[str], Callable[[Rows], Rows]] = {
    frozenset({"k", "c", "total"}): _by_key,
    frozenset({"k", "n"}): _large,
}
STATEMENTS = {
    "create": f"CREATE MATERIALIZED VIEW v PARTITIONED BY (k) AS {LARGE}",
    "refresh": "REFRESH MATERIALIZED VIEW v",
    "full": "REFRESH MATERIALIZED VIEW v FULL",
    "replace": f"CREATE OR REPLACE MATERIALIZED VIEW v AS {BY_KEY}",
    "restore": f"CREATE OR REPLACE MATERIALIZED VIEW v AS {LARGE}",
    "drop": "DROP MATERIALIZED VIEW v",
    "keep": "DROP MATERIALIZED VIEW v KEEP TABLE",
}
"""Statements that are struck.  After *restore*, a refresh is of the incremental kind."""
_RIVALS = ("refresh", "full", "replace", "restore")

_LONG = 20
"""How many snapshots a table gets before it is made anew."""


def bag(rows: Rows) -> Counter[str]:
    """Return *rows* as a bag that can be compared."""
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@dataclass
class Siege:
    """``victim`` runs statements under ``weather``; ``other`` runs them in peace."""

    victim: Mill
    other: Mill
    weather: Weather
    changes: int = 0
    rivals: int = 0
    _at: dict[int, Rows] = field(default_factory=lambda: {-1: []})

    def ready(self, kind: str) -> None:
        """Make the state in which a statement of *kind* has something to do."""
        view = self.table()
        if view is not None and len(view.snapshots()) > _LONG:
            self.audit()
            self._forget()
        there = self._is_view()
        if kind == "create" or not there:
            self._forget()
        if kind != "create" and not self._is_view():
            self.other.run(STATEMENTS["create"])
        if kind == "refresh" and self._is_fresh():
            self.news()

    def _forget(self) -> None:
        """Drop ``v``, and what there is of views before it."""
        if self.table() is not None:
            self.victim.lake.writer.drop_table((self.victim.lake.root, "v"))
        for folder in self._folder().glob("v-*"):
            shutil.rmtree(folder)

    def news(self) -> None:
        """Let the source change: mostly rows come, sometimes rows go or the table is new."""
        self.changes += 1
        lake = self.victim.lake
        if self.changes % _LONG == 1:
            if self.changes > 1:
                lake.writer.drop_table((lake.root, "source"))
            lake.create("source", SOURCE)
        source = self.victim.table("source")
        before = source.current_snapshot()
        old = [] if before is None else self._at[before.snapshot_id]
        if old and self.changes % 7 == 0:
            source.delete(f"k = {old[0]['k']}")
        else:
            count = 1 + self.changes % 3
            rows = [{"k": (self.changes + i) % 4, "n": self.changes + i} for i in range(count)]
            source.append(pa.Table.from_pylist(rows, SOURCE))
        now = source.current_snapshot()
        assert now is not None
        self._at[now.snapshot_id] = source.scan().to_arrow().to_pylist()

    def steps(self, kind: str) -> int:
        """Return how many steps a statement of *kind* has in fair weather; it is run."""
        self.weather.begin()
        self.victim.run(STATEMENTS[kind])
        self.weather.end()
        return len(self.weather.seen)

    def attempt(self, kind: str, at: int, fault: str) -> bool:
        """Run a statement that *fault* strikes at step *at*, and judge; return if it struck."""
        before, kept = self.pointer(), self.files()
        self.victim.call = Cancellation()
        self.weather.cancel = self.victim.call.cancel
        self.weather.rival = self._rival
        self.weather.begin(at, fault)
        failure: BaseException | None = None
        try:
            self.victim.run(STATEMENTS[kind])
        except (FlightlakeError, Death) as raised:
            failure = raised
        finally:
            self.weather.end()
        story = (kind, at, fault, self.weather.seen[at : at + 1], failure)
        now = self.files()
        lost = {path for path, what in kept.items() if now.get(path) != what}
        assert not lost, story
        rival = self.weather.struck and fault == "has a rival"
        if isinstance(failure, FlightlakeError):
            assert "/" not in failure.message, story
            certain = not isinstance(failure, OutcomeUnknown)
            if certain and not rival:
                assert self.pointer() == before, story
                once = fault.startswith("fails") and "delete" not in self.weather.seen[at : at + 1]
                if once:
                    assert now.keys() == kept.keys(), story
        elif failure is None and not rival:
            assert self.pointer() != before, story
        if self.pointer() != before:
            self.check(story)
        return self.weather.struck

    def recover(self, kind: str) -> None:
        """Run what whoever sees the failure runs, in peace, and judge."""
        if not self._is_view():
            self.ready("refresh")
        row = self.other.one("REFRESH MATERIALIZED VIEW v")
        assert row["state"] == "READY"
        self.check((kind, "recovered"), fresh=True)

    def check(self, story: object, fresh: bool = False) -> None:
        """Hold the rows of the view against its query at what it records; *fresh*: at all."""
        view = self.table()
        if view is None:
            return
        snapshot = view.current_snapshot()
        assert snapshot is not None, story
        self._judge(view, snapshot.snapshot_id, story)
        if fresh:
            rows = self.victim.table("source").scan().to_arrow().to_pylist()
            made_by = _MADE_BY[frozenset(view.schema().column_names)]
            assert bag(view.scan().to_arrow().to_pylist()) == bag(made_by(rows)), story

    def audit(self) -> None:
        """Judge every snapshot that the view ever had."""
        view = self.table()
        assert view is not None
        parent: int | None = None
        for snapshot in view.snapshots():
            assert snapshot.parent_snapshot_id == parent
            parent = snapshot.snapshot_id
            self._judge(view, snapshot.snapshot_id, snapshot)

    def _judge(self, view: Table, snapshot_id: int, story: object) -> None:
        rows = view.scan(snapshot_id=snapshot_id).to_arrow()
        snapshot = view.snapshot_by_id(snapshot_id)
        assert snapshot is not None, story
        assert snapshot.summary is not None, story
        (source,) = json.loads(str(snapshot.summary["refresh-state"]))["source-states"]
        made_by = _MADE_BY[frozenset(rows.column_names)]
        assert bag(rows.to_pylist()) == bag(made_by(self._at[source["snapshot-id"]])), story
        assert snapshot.summary["total-records"] == str(rows.num_rows), story

    def _rival(self) -> None:
        self.rivals += 1
        what = _RIVALS[self.rivals % len(_RIVALS)]
        if not self._is_view():
            what = "create"
        elif self.rivals % 2:
            self.news()
        self.other.run(STATEMENTS[what])

    def table(self) -> Table | None:
        try:
            return self.victim.table("v")
        except NoSuchTableError:
            return None

    def pointer(self) -> str | None:
        found: str | None = self.other.catalog.pointer(self.other.lake.root, "v")
        return found

    def _is_view(self) -> bool:
        return bool(self.other.catalog.materialized_views(self.other.lake.root))

    def _is_fresh(self) -> bool:
        view = self.table()
        source = self.victim.table("source").current_snapshot()
        assert view is not None
        assert source is not None
        state = json.loads(view.properties["flightlake.mv.state"])
        return bool(state["sources"][0]["snapshot-id"] == source.snapshot_id)

    def _folder(self) -> Path:
        warehouse = self.victim.lake.properties["warehouse"].removeprefix("file://")
        return Path(warehouse) / self.victim.lake.root

    def files(self) -> dict[Path, tuple[int, int]]:
        """Return all files of the lake's views, with what tells that they have not changed."""
        found = self._folder().glob("v-*/**/*.*")
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@contextmanager
def besieged(mills: Mills) -> Iterator[Siege]:
    """Yield a siege of a view ``v`` of a table ``source``."""
    weather = Weather()
    with stormy_files(weather):
        siege = Siege(mills(lambda catalog: Stormy(catalog, weather)), mills(), weather)
        siege.news()
        yield siege


def quiet_siege(mills: Mills, lake: Lake | None = None) -> Siege:
    """Return a siege in fair weather."""
    siege = Siege(mills(lake=lake), mills(), Weather())
    siege.news()
    return siege

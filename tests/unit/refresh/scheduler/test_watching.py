"""What moved is looked at, and a table that says nothing hides no other."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.clock import ManualClock
from flightlake.errors import NotReady
from flightlake.names import TableIdentifier
from flightlake.refresh.scheduler.watching import Watch
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_schedule import real_time


class Faint:
    """A catalog of which some tables do not answer; the names of those that were asked for."""

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog
        self.silent: set[str] = set()
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    def load(self, db_schema: str, table: str) -> Any:
        self.asked.append(table)
        if table in self.silent:
            raise NotReady("the store does not answer")
        return self.catalog.load(db_schema, table)


class Room:
    """A lake with three tables, watched as one that is written."""

    def __init__(self, folder: Path) -> None:
        self.lake: Lake = sqlite_lake(folder)
        for name in "abc":
            self.lake.create(name).append(orders(1))
        self.catalog = Faint(self.lake.open())
        self.clock: ManualClock = real_time()
        catalogs: Any = {self.lake.name: self.catalog}
        self.watch = Watch(catalogs, frozenset(catalogs), self.clock)

    def name(self, table: str) -> TableIdentifier:
        return TableIdentifier(self.lake.name, self.lake.root, table)

    def ask(self, *wanted: str) -> list[str]:
        self.catalog.asked.clear()
        found = self.watch.ask(self.lake.name, map(self.name, wanted))
        return sorted(name.table for name in found)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_only_what_moved_is_loaded(room: Room) -> None:
    assert room.ask("a") == ["a"]
    assert sorted(room.catalog.asked) == ["a", "b", "c"]  # each may be a view, once
    assert room.ask("a") == []
    assert room.catalog.asked == []
    room.lake.writer.load_table((room.lake.root, "a")).append(orders(2))
    room.lake.writer.load_table((room.lake.root, "b")).append(orders(2))
    assert room.ask("a") == ["a"]
    assert sorted(room.catalog.asked) == ["a", "b"]
    assert room.ask("a", "c") == ["c"]  # somebody reads it now
    room.lake.writer.drop_table((room.lake.root, "c"))
    assert room.ask("a", "c") == ["c"]
    head = room.watch.head(room.name("c"))
    assert head is not None
    assert head.table is None


def test_a_table_that_says_nothing_is_asked_again_and_hides_no_other(room: Room) -> None:
    room.catalog.silent = {"a", "b"}
    assert room.ask("a", "c") == ["c"]
    assert room.ask("a", "c") == []
    assert room.catalog.asked == []  # not for each round
    room.clock.advance(timedelta(seconds=11))
    assert room.ask("a", "c") == []
    assert room.catalog.asked == ["a"]  # nobody needs b
    room.catalog.silent.clear()
    room.clock.advance(timedelta(seconds=11))
    assert room.ask("a", "c") == ["a"]
    room.clock.advance(timedelta(minutes=5))
    assert room.ask("a", "c") == []
    assert room.catalog.asked == ["b"]


def test_nobody_waits_for_many_that_say_nothing(room: Room) -> None:
    names = [f"t{number}" for number in range(9)]
    for name in names:
        room.lake.create(name).append(orders(1))
    room.catalog.silent = set(names)
    room.ask(*names)
    assert len(set(room.catalog.asked) & set(names)) == 3


def test_a_snapshot_is_as_old_as_when_it_was_first_seen(room: Room) -> None:
    room.ask("a")
    room.clock.advance(timedelta(hours=1))
    room.lake.writer.load_table((room.lake.root, "a")).append(orders(2))
    room.ask("a")
    head = room.watch.head(room.name("a"))
    assert head is not None
    assert head.since == room.clock.now()
    assert len(head.seen) == 2
    assert max(head.seen.values()) == room.clock.now()

"""Catalogs are asked side by side: one that hangs or breaks holds up no other."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.clock import SystemClock
from flightlake.names import TableIdentifier
from flightlake.refresh.scheduler.board import Board
from flightlake.refresh.scheduler.due import Since
from flightlake.refresh.scheduler.rounds import Rounds
from flightlake.refresh.scheduler.watching import Watch
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_patience import within
from tests.fix_server import eventually


class Odd:
    """A catalog that does something before it tells its heads."""

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog
        self.first: Callable[[], object] = lambda: None
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    def heads(self) -> Any:
        self.calls += 1
        self.first()
        return self.catalog.heads()


class Room:
    """Two lakes, ``a`` and ``b``, each with a table that might be a view."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.defects: list[Exception] = []
        self.woken = threading.Event()
        self.lakes: dict[str, Lake] = {}
        self.catalogs: dict[str, Odd] = {}
        for name in "ab":
            (folder / name).mkdir()
            self.lakes[name] = sqlite_lake(folder / name)
            self.lakes[name].create("orders").append(orders(1))
            self.catalogs[name] = Odd(self.lakes[name].open())
        catalogs: Any = self.catalogs
        names = frozenset(catalogs)
        self.watch = Watch(catalogs, names, self.clock)
        since = Since(self.clock.now())
        self.board = Board(self.watch, names, "1", since, self.defects.append)
        self.rounds = Rounds(self.board, self.clock, self.woken, self.defects.append)

    def go(self, *changed: TableIdentifier) -> float:
        """Go round once, for which all are asked; return how long that took, in seconds."""
        for name in self.catalogs:
            self.rounds.soon(name, self.clock.now())
        begun = time.monotonic()
        self.rounds.go(self.clock.now(), set(changed))
        return time.monotonic() - begun

    def orders(self, catalog: str) -> TableIdentifier:
        return TableIdentifier(catalog, self.lakes[catalog].root, "orders")

    def knows(self, catalog: str) -> bool:
        return self.watch.head(self.orders(catalog)) is not None


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def hung(room: Room) -> Iterator[threading.Event]:
    """Catalog ``a`` hangs until this is set."""
    release = threading.Event()
    room.catalogs["a"].first = lambda: release.wait(600)
    yield release
    release.set()


def test_a_catalog_that_hangs_holds_up_no_other(room: Room, hung: threading.Event) -> None:
    assert room.go(room.orders("a"), room.orders("b")) < 60
    eventually(lambda: room.knows("b") or room.go() < 0, "the answer of the other")
    assert not room.knows("a")
    assert room.rounds.silent("a")
    eventually(lambda: not room.rounds.silent("b") or room.go() < 0, "the other to be heard")
    # Nobody waits for it again, and nobody asks it twice at a time; the others go on.
    before = room.catalogs["b"].calls
    within(0.9, lambda: room.go(room.orders("a")))
    assert room.catalogs["a"].calls == 1
    assert room.catalogs["b"].calls > before
    assert room.rounds.next > room.clock.now() - timedelta(minutes=2)
    room.woken.clear()
    hung.set()
    assert room.woken.wait(120)
    room.go(room.orders("a"))
    eventually(lambda: room.go() >= 0 and room.knows("a"), "the answer")
    assert not room.rounds.silent("a")


def test_a_catalog_with_a_defect_is_told_of_and_asked_again_and_holds_up_no_other(
    room: Room,
) -> None:
    def broken() -> None:
        raise ValueError("a defect")

    room.catalogs["a"].first = broken
    room.go(room.orders("a"), room.orders("b"))
    eventually(lambda: room.knows("b") or room.go() < 0, "the answer of the other")
    eventually(lambda: room.defects or room.go() < 0, "the defect")
    assert {str(defect) for defect in room.defects} == {"a defect"}
    room.catalogs["a"].first = lambda: None
    room.go(room.orders("a"))
    eventually(lambda: room.knows("a") or room.go() < 0, "the answer")
    eventually(lambda: not room.rounds.silent("a") or room.go() < 0, "it to be heard")

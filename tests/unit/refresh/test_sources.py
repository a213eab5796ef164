"""All sources are read as they stood at one instant, and a move of any of them is seen."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flightlake.clock import ManualClock
from flightlake.engine.engine import Defaults
from flightlake.errors import NotReady
from flightlake.names import TableIdentifier
from flightlake.refresh.records import Source
from flightlake.refresh.sources import collect, readable_query
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills, Odd

SOURCE = Source(TableIdentifier("c", "s", "t"), "table", "uuid", 7, 0)


class Moving(Odd):
    """Calls ``then`` after a table was loaded, as long as there is something to call.

    Tables are loaded side by side; what is called is called in turn.
    """

    then: list[Any]
    turn = threading.Lock()

    def load(self, db_schema: str, table: str) -> Any:
        found = self.catalog.load(db_schema, table)
        with self.turn:
            if self.then:
                self.then.pop()()
        return found


def two_tables(mill: Mill) -> None:
    for name in ("a", "b"):
        mill.lake.create(name).append(orders(1))


def vector(mill: Mill) -> dict[str, int | None]:
    defaults = Defaults(mill.lake.name, mill.lake.root)
    text = readable_query("SELECT a.id FROM a JOIN b ON a.id = b.id")
    catalogs = {mill.lake.name: mill.catalog}
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))

    def now() -> datetime:
        clock.advance(timedelta(seconds=1))
        return clock.now()

    found = collect(mill.engine, text, defaults, catalogs, now)
    return {source.identifier.table: source.snapshot_id for source in found.sources}


def test_a_source_that_moves_between_the_readings_is_read_again(mills: Mills) -> None:
    mill = mills(Moving)
    mill.catalog.then = []
    two_tables(mill)

    def both() -> None:
        # After one table was read and before the other: no instant had the one without the other.
        for name in ("a", "b"):
            mill.table(name).append(orders(2))

    mill.catalog.then = [both, both, both]
    assert vector(mill) == {
        name: mill.table(name).current_snapshot().snapshot_id for name in ("a", "b")
    }
    assert mill.catalog.then == []


def test_sources_that_never_stand_still_are_given_up(mills: Mills) -> None:
    mill = mills(Moving)
    mill.catalog.then = []
    two_tables(mill)
    table = mill.table("a")
    mill.catalog.then = [lambda: table.append(orders(2))] * 100
    with pytest.raises(NotReady, match="change faster"):
        vector(mill)


def test_a_change_there_and_back_is_a_change(mills: Mills) -> None:
    mill = mills(Moving)
    mill.catalog.then = []
    two_tables(mill)
    before = mill.table("a").current_snapshot().snapshot_id
    calls = []

    def there_and_back() -> None:
        calls.append(1)
        mill.table("a").append(orders(2))
        mill.table("a").manage_snapshots().set_current_snapshot(before).commit()

    mill.catalog.then = [there_and_back]
    loads = 0
    real = mill.catalog.catalog.load

    def counting(*name: str) -> Any:
        nonlocal loads
        loads += 1
        return real(*name)

    mill.catalog.catalog.load = counting
    assert vector(mill)["a"] == before
    assert loads == 6  # three readings of two tables, not two

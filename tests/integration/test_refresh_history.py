"""The history of refreshes as an Iceberg table: in batches, once each, whatever happens."""

import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.engine.system_tables import REFRESH_HISTORY, STORED, SYSTEM
from flightlake.errors import Cancelled, NotReady
from flightlake.lake.schema_making import ensure_schema
from flightlake.names import TableIdentifier
from flightlake.refresh.history_upkeep import HistoryUpkeep
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_history import BEGIN, UPKEEP, Teller, stored, stored_ids
from tests.fix_materialized import Interrupted, LosesAnswers, LosesRequests, Odd
from tests.fix_server import eventually


def files(lake: Lake) -> list[str]:
    tasks = lake.writer.load_table((SYSTEM, "refresh_history")).scan().plan_files()
    return [task.file.file_path for task in tasks]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return sqlite_lake(tmp_path)


def test_what_is_told_is_stored_as_an_ordinary_table(lake: Lake) -> None:
    teller = Teller(lake, "mill-1")
    teller.tell_and_store("1", "2", lag=timedelta(seconds=3))
    assert teller.waiting == set()
    rows = stored(lake)
    assert [row["refresh_id"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == set(REFRESH_HISTORY.names)
    assert (rows[0]["server"], rows[0]["lag_seconds"]) == ("mill-1", 3.0)
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert table.properties[STORED] == "refresh_history"
    assert [str(field.transform) for field in table.spec().fields] == ["day"]


def test_rows_are_stored_in_batches_and_not_too_often(lake: Lake) -> None:
    teller = Teller(lake, "mill")
    teller.tell("1", "2")
    teller.store.store()
    assert teller.waiting == {"1", "2"}  # more may come
    teller.clock.advance(timedelta(seconds=6))
    teller.store.store()
    assert teller.waiting == set()
    teller.tell("3")
    teller.clock.advance(timedelta(seconds=30))
    teller.store.store()
    assert teller.waiting == {"3"}  # the last commit is not a minute ago
    teller.tell(*map(str, range(10, 110)))
    teller.store.store()
    assert teller.waiting == set()  # that many do not wait
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert len(table.snapshots()) == 2
    assert len(stored_ids(lake)) == 103


def test_two_processes_store_into_one_table(lake: Lake) -> None:
    one, other = Teller(lake, "one"), Teller(lake, "other")
    catalog = Interrupted(lake.open())
    one.store._writing = {lake.name: catalog}
    catalog.before = lambda: other.tell_and_store("b1", "b2")
    one.tell_and_store("a1")
    catalog.before = lambda: other.tell_and_store("b3")
    one.tell_and_store("a2")
    assert stored_ids(lake) == ["a1", "a2", "b1", "b2", "b3"]
    assert {row["server"] for row in stored(lake)} == {"one", "other"}


@pytest.mark.parametrize("kind", [LosesAnswers, LosesRequests])
@pytest.mark.parametrize("made", [False, True])
def test_rows_whose_commit_is_in_doubt_are_stored_once(
    lake: Lake, kind: type[Odd], made: bool
) -> None:
    catalog: Any = kind(lake.open())
    teller = Teller(lake, "mill", catalog)
    if made:
        teller.tell_and_store("0")
    catalog.lost = True
    teller.tell_and_store("1", "2")
    catalog.lost = False
    teller.tell_and_store("3")
    assert stored_ids(lake) == [*(["0"] if made else []), "1", "2", "3"]
    assert teller.waiting == set()


def test_a_request_that_arrives_late_stores_nothing_twice(lake: Lake) -> None:
    class Delays(Odd):
        late: Any = None

        def swap(self, *change: Any) -> bool:
            if self.late is None:
                self.late = change
                raise NotReady("no answer")
            done: bool = self.catalog.swap(*change)
            return done

    Teller(lake, "before").tell_and_store("0")
    catalog = Delays(lake.open())
    teller = Teller(lake, "mill", catalog)
    teller.tell_and_store("1")
    assert teller.waiting == {"1"}
    assert catalog.catalog.swap(*catalog.late)  # it lands after all
    teller.tell_and_store("2")
    assert stored_ids(lake) == ["0", "1", "2"]


def test_rows_are_stored_once_even_if_nothing_shows_their_commit_any_more(lake: Lake) -> None:
    class Silent(Odd):
        silent = False

        def pointer(self, *name: str) -> Any:
            if self.silent:
                raise NotReady("no answer")
            return self.catalog.pointer(*name)

        def swap(self, *change: Any) -> bool:
            self.catalog.swap(*change)
            self.silent = True
            raise NotReady("no answer")

    Teller(lake, "before").tell_and_store("0")
    catalog = Silent(lake.open())
    teller = Teller(lake, "mill", catalog)
    teller.tell_and_store("1")
    assert teller.waiting == {"1"}
    late = Teller(lake, "another")
    for one in ("2", "3"):
        late.clock.advance(timedelta(hours=5))
        late.tell_and_store(one)  # its upkeep lets old snapshots go
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert len(table.snapshots()) == 2
    catalog.silent = False
    teller.clock.advance(timedelta(hours=11))
    teller.store.store()
    assert teller.waiting == set()
    assert stored_ids(lake) == ["0", "1", "2", "3"]


def test_a_catalog_that_is_down_costs_nothing_but_time(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    class Down(Odd):
        down = True
        asked = 0

        def pointer(self, *name: str) -> Any:
            self.asked += 1
            if self.down:
                raise NotReady("catalog 'lake' does not answer")
            return self.catalog.pointer(*name)

    catalog = Down(lake.open())
    teller = Teller(lake, "mill", catalog)
    teller.tell_and_store("1")
    assert teller.waiting == {"1"}
    assert "does not answer; it is tried again" in caplog.text
    asked = catalog.asked
    teller.store.store()
    assert catalog.asked == asked  # not at once
    for _ in range(10):
        teller.clock.advance(timedelta(minutes=5))
        teller.store.store()
    assert catalog.asked <= asked + 10
    assert "too long" not in caplog.text
    lost = Teller(lake, "long ago", catalog)
    lost.tell_and_store(*map(str, range(10_002)))  # two more than are held
    assert "2 refreshes waited for it too long" in caplog.text
    catalog.down = False
    teller.tell_and_store("2")
    assert stored_ids(lake) == ["1", "2"]


def test_a_table_of_somebody_else_is_not_touched(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    lake.writer.create_namespace(SYSTEM)
    schema = pa.schema([("mine", pa.int64())])
    lake.writer.create_table((SYSTEM, "refresh_history"), schema)
    teller = Teller(lake, "mill")
    teller.tell_and_store("1")
    assert "a table of somebody else" in caplog.text
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert table.snapshots() == []
    assert teller.history.rows()["refresh_id"].to_pylist() == ["1"]


def test_old_days_and_old_snapshots_go(lake: Lake, tmp_path: Path) -> None:
    teller = Teller(lake, "mill", upkeep=HistoryUpkeep(timedelta(days=30), timedelta(hours=2)))
    for number, days in enumerate((45, 31, 29, 0)):
        teller.tell(str(number), started=BEGIN - timedelta(days=days))
    teller.clock.advance(timedelta(minutes=1))
    teller.store.store()
    assert stored_ids(lake) == ["2", "3"]
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert len(table.snapshots()) == 2
    files = len(list(tmp_path.glob("warehouse/**/data/**/*.parquet")))
    teller.clock.advance(timedelta(hours=3))
    teller.tell_and_store("4")
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    assert len(table.snapshots()) == 2  # what is now, and what was until a moment ago
    assert len(list(tmp_path.glob("warehouse/**/data/**/*.parquet"))) == files - 2 + 1
    assert stored_ids(lake) == ["2", "3", "4"]


def test_the_files_of_a_past_day_become_one(lake: Lake, tmp_path: Path) -> None:
    teller = Teller(lake, "mill")
    for number in range(8):
        teller.tell_and_store(str(number))
    assert len(files(lake)) == 8  # today's stay
    before = stored(lake)
    teller.clock.advance(timedelta(days=1))
    teller.tell_and_store("8", started=BEGIN + timedelta(days=1))
    assert len(files(lake)) == 2
    assert stored(lake)[:8] == before
    assert stored_ids(lake) == [*map(str, range(9))]
    teller.clock.advance(timedelta(hours=4))
    teller.tell_and_store("9", started=BEGIN + timedelta(days=1))
    on_disk = list(tmp_path.glob("warehouse/**/data/**/*.parquet"))
    assert len(on_disk) == len(files(lake)) == 3  # nobody reads what was before


def test_commits_and_processes_that_died_leave_nothing_for_good(lake: Lake, tmp_path: Path) -> None:
    teller = Teller(lake, "mill")
    teller.tell_and_store("0")
    table = lake.writer.load_table((SYSTEM, "refresh_history"))
    with table.transaction() as change:
        change.set_properties({"write.metadata.previous-versions-max": "3"})
    home = Path(table.location().removeprefix("file://"))
    stray = home / "data" / uuid.uuid4().hex / "0.parquet"
    stray.parent.mkdir()
    stray.write_bytes(b"half")
    for number in range(1, 9):
        teller.clock.advance(timedelta(hours=3))
        teller.tell_and_store(str(number))
    assert not stray.exists()
    # The current one, the three that it tells of, and what the last upkeep itself replaced.
    assert 4 <= len(list(home.glob("metadata/*.metadata.json"))) <= 6
    assert stored_ids(lake) == list("012345678")


def test_upkeep_does_not_hold_up_the_end(lake: Lake, tmp_path: Path) -> None:
    teller = Teller(lake, "mill")
    for number in range(3):
        teller.tell_and_store(str(number))
    before = sorted(tmp_path.glob("warehouse/**/*.avro"))
    call = Cancellation()
    call.cancel(Cancelled("the server is stopping"))
    later = BEGIN + timedelta(days=1)
    name = TableIdentifier(lake.name, SYSTEM, "refresh_history")
    with pytest.raises(Cancelled):
        UPKEEP.run(teller.store._writing[lake.name], name, later, call)
    assert sorted(tmp_path.glob("warehouse/**/*.avro")) == before


def test_it_is_stored_in_the_background_and_at_the_end(lake: Lake) -> None:
    teller = Teller(lake, "mill")
    clock = teller.clock
    teller.store.start()
    try:
        teller.tell("1")

        def is_stored() -> bool:
            clock.advance(timedelta(seconds=1))
            return not teller.waiting

        eventually(is_stored, "the row is stored")
        teller.tell("2")
    finally:
        assert teller.store.stop(timedelta(minutes=2))
    assert stored_ids(lake) == ["1", "2"]
    assert not [thread for thread in threading.enumerate() if thread.name == "history"]


def test_a_store_without_a_writable_catalog_ends_at_once(lake: Lake) -> None:
    teller = Teller(lake, "mill")
    teller.store.stop()
    assert ManualClock(BEGIN).now() == BEGIN


def test_a_schema_is_made_once(lake: Lake) -> None:
    catalog = lake.open()
    for _ in range(2):
        ensure_schema(catalog, SYSTEM)
    catalog.make_schema(SYSTEM)  # type: ignore[attr-defined]
    assert catalog.db_schemas().count(SYSTEM) == 1
    assert (SYSTEM,) in lake.writer.list_namespaces()

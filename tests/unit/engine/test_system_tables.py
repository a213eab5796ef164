"""``flightlake_system``: there in every catalog, the same within a statement, hidden by nobody."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.engine.engine import Defaults, Engine
from flightlake.engine.sql_text import read
from flightlake.engine.system_tables import (
    QUERIES,
    REFRESH_HISTORY,
    SCHEMAS,
    SESSIONS,
    STORED,
    SYSTEM,
    SystemReading,
    SystemTable,
    SystemTables,
)
from flightlake.errors import InternalError, NotFound, Unsupported
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Lab, Labs, small_lake, tuples


def session(name: str, user: str = "ada") -> dict[str, Any]:
    return {
        "session_id": name, "server": "mill", "user_name": user, "first_seen": MOMENT,
        "last_seen": MOMENT, "statements": 1, "running": 0,
    }  # fmt: skip


def refresh(name: str, reason: str = "") -> dict[str, Any]:
    return {
        "refresh_id": name, "server": "mill", "catalog": "lake", "schema": "shop", "name": "v",
        "trigger": "lag", "status": "OK", "started": MOMENT, "ended": MOMENT,
        "duration_seconds": 0.5, "attempt": 1, "reason": reason, "rows_written": 3,
        "bytes_written": 4, "candidates": "[]", "sources": "[]", "late": False,
    }  # fmt: skip


class Reader:
    """Somebody who reads the system tables of an engine."""

    def __init__(self, engine: Engine, defaults: Defaults, system: SystemTables) -> None:
        self.engine, self.defaults, self.system = engine, defaults, system

    def rows(self, sql: str, defaults: Defaults | None = None, pins: Any = None) -> list[Any]:
        call = Cancellation()
        where = self.defaults if defaults is None else defaults
        plan = self.engine.plan(read(sql), where, pins or {}, {}, MOMENT, call, None, self.system)
        self.pins = plan.pins
        result = self.engine.start(plan, call)
        try:
            return tuples(pa.Table.from_batches(list(result), schema=plan.schema))
        finally:
            result.close()


def of(schema: pa.Schema, *rows: dict[str, Any]) -> SystemTable:
    return SystemTable(lambda: pa.Table.from_pylist(list(rows), schema=schema))


@pytest.fixture
def reader(lab: Lab) -> Reader:
    return Reader(lab.engine, lab.defaults, {"sessions": of(SESSIONS, session("a"), session("b"))})


def test_the_tables_are_there_whatever_the_defaults(reader: Reader, lake: Lake) -> None:
    sql = "SELECT session_id FROM flightlake_system.sessions ORDER BY 1"
    for defaults in (Defaults(lake.name, lake.root), Defaults("", "")):
        assert reader.rows(sql, defaults) == [("a",), ("b",)]
    named = f"SELECT session_id FROM {lake.name}.flightlake_system.sessions ORDER BY 1"
    assert reader.rows(named, Defaults("", "")) == [("a",), ("b",)]


def test_they_are_joined_and_filtered_like_any_table(reader: Reader, lake: Lake) -> None:
    joined = (
        "SELECT s.session_id, count(*) FROM flightlake_system.sessions s, few f"
        " WHERE s.session_id > 'a' AND f.id < 11 GROUP BY 1"
    )
    assert reader.rows(joined) == [("b", 3)]
    assert reader.rows("SELECT count(*) FROM flightlake_system.queries") == [(0,)]


def test_every_column_can_be_named_without_quotes(reader: Reader) -> None:
    for table, schema in SCHEMAS.items():
        names = ", ".join(f"t.{name} AS a{n}, {name}" for n, name in enumerate(schema.names))
        conditions = " OR ".join(f"{name} IS NULL" for name in schema.names)
        sql = f"SELECT {names} FROM flightlake_system.{table} t WHERE {conditions}"
        assert reader.rows(sql) == []


def test_they_are_listed_and_described(reader: Reader) -> None:
    listed = "SELECT table_name, table_type FROM information_schema.tables"
    found = reader.rows(f"{listed} WHERE table_schema = 'flightlake_system' ORDER BY 1")
    assert found == [(name, "SYSTEM TABLE") for name in sorted(SCHEMAS)]
    schemata = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '"
    assert reader.rows(f"{schemata}{SYSTEM}'") == [(1,)]
    assert {row[2] for row in reader.rows("SHOW TABLES")} >= set(SCHEMAS)
    for name, schema in SCHEMAS.items():
        shown = reader.rows(f"SHOW COLUMNS FROM flightlake_system.{name}")
        assert [row[3] for row in shown] == schema.names
        described = reader.rows(f"DESCRIBE flightlake_system.{name}")
        assert [row[0] for row in described] == schema.names


def test_a_statement_reads_them_once_however_often_it_names_them(lab: Lab) -> None:
    numbers = count()

    def rows() -> pa.Table:
        return pa.Table.from_pylist([session(str(next(numbers)))], schema=SESSIONS)

    reader = Reader(lab.engine, lab.defaults, {"sessions": SystemTable(rows)})
    sql = (
        "SELECT a.session_id = b.session_id FROM flightlake_system.sessions a,"
        " flightlake_system.sessions b, big WHERE big.id = 3"
    )
    assert reader.rows(sql) == [(True,)]
    assert next(numbers) == 1
    assert reader.rows(sql) == [(True,)]  # and each statement anew
    assert next(numbers) == 3


def test_what_is_not_there_is_said(reader: Reader) -> None:
    with pytest.raises(NotFound, match="no table querys; did you mean 'queries'"):
        reader.rows("SELECT * FROM flightlake_system.querys")
    for name in ('"queries$snapshots"', "queries FOR VERSION AS OF 3"):
        with pytest.raises(Unsupported, match="neither snapshots nor files"):
            reader.rows(f"SELECT * FROM flightlake_system.{name}")


@pytest.fixture
def shadowed(tmp_path: Path, labs: Labs) -> tuple[Reader, Lake]:
    """A lake with a schema ``flightlake_system`` of its own."""
    lake = small_lake(tmp_path)
    opened = lake.writer
    opened.create_namespace(SYSTEM)
    made = opened.create_table(f"{SYSTEM}.sessions", SESSIONS)
    made.append(pa.Table.from_pylist([session("forged")], schema=SESSIONS))
    opened.create_table(f"{SYSTEM}.other", SESSIONS)
    lab = labs(lake)
    return Reader(lab.engine, lab.defaults, {"sessions": of(SESSIONS, session("a"))}), lake


def test_a_schema_of_that_name_is_hidden(shadowed: tuple[Reader, Lake]) -> None:
    reader, lake = shadowed
    named = f"SELECT session_id FROM {lake.name}.flightlake_system.sessions"
    assert reader.rows(named) == [("a",)]
    with pytest.raises(NotFound, match="no table other"):
        reader.rows("SELECT * FROM flightlake_system.other")
    schemata = (
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'flight%'"
    )
    assert reader.rows(schemata) == [(SYSTEM,)]
    listed = (
        "SELECT count(*) FROM information_schema.tables WHERE table_name IN ('sessions', 'other')"
    )
    assert reader.rows(listed) == [(1,)]
    for dotted in (
        f"{lake.name}.flightlake_system.sessions.snapshots",
        "flightlake_system.sessions.snapshots",
    ):
        with pytest.raises((NotFound, Unsupported)):
            reader.rows(f"SELECT * FROM {dotted}")
    with pytest.raises((NotFound, Unsupported)):
        reader.rows("SELECT * FROM sessions.snapshots", Defaults(lake.name, SYSTEM))
    assert reader.rows("SELECT session_id FROM sessions", Defaults(lake.name, SYSTEM)) == [("a",)]


@pytest.fixture
def stored(tmp_path: Path, labs: Labs) -> tuple[Reader, Lake]:
    """A lake that holds two of three refreshes."""
    lake = small_lake(tmp_path)
    name = TableIdentifier(lake.name, SYSTEM, "refresh_history")
    opened = lake.writer
    opened.create_namespace(SYSTEM)
    some = pa.schema([REFRESH_HISTORY.field(index) for index in range(12)])
    made = opened.create_table(
        f"{SYSTEM}.refresh_history", some, properties={STORED: "refresh_history"}
    )
    rows = [refresh("1"), refresh("2")]
    made.append(pa.Table.from_pylist(rows, schema=some))
    lab = labs(lake)
    here = pa.Table.from_pylist([refresh("2", "here"), refresh("3", "here")], REFRESH_HISTORY)
    table = SystemTable(lambda: here, (name, TableIdentifier(lake.name, SYSTEM, "absent")))
    return Reader(lab.engine, lab.defaults, {"refresh_history": table}), lake


def test_rows_that_are_stored_come_once(stored: tuple[Reader, Lake]) -> None:
    reader, lake = stored
    history = "FROM flightlake_system.refresh_history"
    sql = f"SELECT refresh_id, reason, rows_written {history} ORDER BY 1"
    expected = [("1", None, None), ("2", "here", 3), ("3", "here", 3)]
    assert reader.rows(sql) == expected
    filtered = f"SELECT refresh_id {history} WHERE refresh_id < '3'"
    assert reader.rows(f"{filtered} ORDER BY 1") == [("1",), ("2",)]
    # Read later with the same ticket, what was stored meanwhile is not lost.
    pins = reader.pins
    table = lake.writer.load_table(f"{SYSTEM}.refresh_history")
    table.append(
        pa.Table.from_pylist([refresh("4")], schema=table.schema().as_arrow()).select(
            table.schema().as_arrow().names
        )
    )
    assert reader.rows(sql, pins=pins) == [*expected, ("4", None, None)]


def test_rows_of_a_table_that_is_known_by_two_names_come_once(
    stored: tuple[Reader, Lake],
) -> None:
    reader, lake = stored
    table = lake.writer.load_table(f"{SYSTEM}.refresh_history")
    lake.writer.create_namespace("twin")
    lake.writer.register_table("twin.refresh_history", table.metadata_location)
    history = reader.system["refresh_history"]
    twice = (*history.stored, TableIdentifier(lake.name, "twin", "refresh_history"))
    reader.system = {"refresh_history": replace(history, stored=twice)}
    sql = "SELECT refresh_id FROM flightlake_system.refresh_history ORDER BY 1"
    assert reader.rows(sql) == [("1",), ("2",), ("3",)]


def test_a_table_that_is_not_ours_is_left_alone(
    stored: tuple[Reader, Lake],
) -> None:
    reader, lake = stored
    table = lake.writer.load_table(f"{SYSTEM}.refresh_history")
    with table.transaction() as change:
        change.remove_properties(STORED)
    sql = "SELECT refresh_id FROM flightlake_system.refresh_history ORDER BY 1"
    assert reader.rows(sql) == [("2",), ("3",)]


def test_rows_with_other_columns_are_a_defect() -> None:
    reading = SystemReading({"sessions": of(QUERIES)})
    with pytest.raises(InternalError, match="other columns"):
        reading.table("sessions")
    assert reading.table("absent") is None


def test_a_defect_in_making_rows_is_told_without_its_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> pa.Table:
        raise ValueError("secret")

    reading = SystemReading({"sessions": SystemTable(broken)})
    with pytest.raises(InternalError) as caught:
        reading.table("sessions")
    assert "secret" not in caught.value.message
    assert "secret" in caplog.text

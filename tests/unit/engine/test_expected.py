"""The guess at a statement's tables, and that they are loaded side by side."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from flightlake.engine.defaults import Defaults
from flightlake.engine.expected import bases, expected
from flightlake.engine.sql_text import read
from flightlake.engine.system_tables import SYSTEM
from flightlake.engine.tables import StatementTables
from flightlake.errors import NotReady
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake

HERE = Defaults("lake", "s")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", ""),
        ("SELECT * FROM a", "lake.s.a"),
        ("SELECT * FROM a JOIN t.b USING (x) LEFT JOIN o.t.c ON true", "lake.s.a lake.t.b o.t.c"),
        ("SELECT * FROM a, b AS x, t.c y, d WHERE e = 1", "lake.s.a lake.s.b lake.t.c lake.s.d"),
        ('SELECT * FROM "A.b"."C""d"', 'lake."A.b"."C""d"'),
        ("SELECT * FROM A JOIN a USING (x)", "lake.s.a"),
        (
            "WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN lake.s.c USING (x)",
            "lake.s.a lake.s.c",
        ),
        ("SELECT * FROM (SELECT x, y FROM a) b WHERE x IN (SELECT z FROM c)", "lake.s.a lake.s.c"),
        ("SELECT extract(year FROM d), trim(both FROM e), f(1) FROM a", "lake.s.a"),
        ("SELECT x IS NOT DISTINCT FROM y, z IS DISTINCT FROM w FROM a", "lake.s.a"),
        ("SELECT DISTINCT 1 FROM a, generate_series(1, 2)", "lake.s.a"),
        ("SELECT * FROM information_schema.tables, flightlake_system.queries", ""),
        ("SELECT * FROM a.b.c.d", ""),
        ("SELECT 'FROM a' -- FROM b", ""),
        ("SELECT 'no end FROM a", ""),
        ("SELECT * FROM", ""),
    ],
)
def test_tables_are_those_behind_from_and_join(sql: str, names: str) -> None:
    assert " ".join(map(str, expected(sql, HERE))) == names


def test_without_defaults_only_whole_names_are_known() -> None:
    assert expected("SELECT * FROM a, b.c, d.e.f", Defaults("", "")) == [
        TableIdentifier("d", "e", "f")
    ]


def test_versions_and_metadata_are_asked_of_the_table() -> None:
    text = read('SELECT * FROM a FOR VERSION AS OF 5 JOIN a USING (x) JOIN "a$snapshots" ON true')
    assert bases(expected(text.engine_sql, HERE)) == [TableIdentifier("lake", "s", "a")]


def test_what_holds_rows_of_a_system_table_is_not_loaded_before_those_that_are_known() -> None:
    stored = TableIdentifier("lake", SYSTEM, "refresh_history")
    assert bases([stored, TableIdentifier("lake", "s", "a")]) == [TableIdentifier("lake", "s", "a")]


class _Meeting:
    """A catalog whose tables are loaded only once *all* of them are asked for."""

    name = "lake"

    def __init__(self, lake: Lake, everybody: int) -> None:
        self._lake = lake
        self._met = threading.Barrier(everybody)
        self.loads = 0

    def load(self, db_schema: str, table: str) -> IcebergTable:
        self.loads += 1
        self._met.wait(120)
        return self._lake.load("few")


def test_tables_that_are_expected_are_loaded_side_by_side_and_once(lake: Lake) -> None:
    names = [TableIdentifier("lake", "s", name) for name in "abc"]
    meeting = _Meeting(lake, 3)
    tables = StatementTables({"lake": meeting}, {})  # type: ignore[dict-item]
    with ThreadPoolExecutor(3) as threads:
        tables.expect(names, threads)
        assert all(tables.load(name) is not None for name in names)
    assert meeting.loads == 3


def test_whoever_waits_for_a_thread_loads_for_himself(lake: Lake) -> None:
    catalog = _Meeting(lake, 1)
    tables = StatementTables({"lake": catalog}, {})  # type: ignore[dict-item]
    names = [TableIdentifier("lake", "s", name) for name in "ab"]
    held = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(held.wait, 30)
        tables.expect(names, threads)
        assert tables.load(names[1]) is not None
        held.set()
    assert catalog.loads == 2


def test_what_was_not_asked_for_is_neither_missing_nor_read(lake: Lake) -> None:
    class _Silent:
        def load(self, db_schema: str, table: str) -> IcebergTable:
            raise NotReady("the catalog does not answer")

    tables = StatementTables({"lake": _Silent()}, {})  # type: ignore[dict-item]
    name = TableIdentifier("lake", "s", "a")
    with ThreadPoolExecutor(2) as threads:
        tables.expect([name, TableIdentifier("lake", "s", "b")], threads)
    assert tables.loaded == {}
    assert tables.absent == []
    assert tables.failure is None
    with pytest.raises(NotReady):
        tables.load(name)

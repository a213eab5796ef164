"""A statement reads one state of its tables, the one it was planned for, and all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.types import StringType

from flightlake.cancellation import Cancellation
from flightlake.engine.sql_text import read
from flightlake.errors import Cancelled, DamagedData, InvalidSql, NotFound, NotReady
from flightlake.flightsql.payloads import Pin
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import FEW, MOMENT, Defaults, Lab, Labs, big_rows, data_files
from tests.fix_lake import dead_catalog


def files_read(lab: Lab, sql: str) -> dict[str, int]:
    """Return how many files of each table the plan of *sql* reads."""
    plan = lab.plan(sql)
    found = {name.table: sum(map(len, scans)) for name, scans in plan.paths.items()}
    return {name: count for name, count in found.items() if count}


@contextmanager
def lost(folder: Path, damage: str) -> Iterator[None]:
    """Lose all data files, for a while: all, because which holds a row is in its content."""
    kept = {
        file: file.read_bytes() for table in ("few", "big") for file in data_files(folder, table)
    }
    for file in kept:
        file.unlink()
        if damage == "emptied":
            file.touch()
        if damage == "a folder":
            file.mkdir()
    try:
        yield
    finally:
        for file, content in kept.items():
            if file.is_dir():
                file.rmdir()
            file.write_bytes(content)


def test_only_the_files_that_may_hold_rows_are_read(lab: Lab) -> None:
    assert files_read(lab, "SELECT * FROM big WHERE id = 55") == {"big": 1}
    assert files_read(lab, "SELECT * FROM big WHERE id IN (5, 119) OR grp = 'g3'") == {"big": 3}
    assert files_read(lab, "SELECT * FROM big WHERE id > 1000") == {}
    assert files_read(lab, "SELECT * FROM big") == {"big": 12}


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id, (SELECT max(id) FROM big) FROM big WHERE id = 5", [(5, 119)]),
        (
            "SELECT id FROM big WHERE id = 7 AND (SELECT count(*) FROM big WHERE id > 100) = 19",
            [(7,)],
        ),
        (
            "SELECT sum(CASE WHEN id = 5 THEN (SELECT count(*) FROM big) ELSE 0 END) FROM big"
            " WHERE id BETWEEN 4 AND 6",
            [(120,)],
        ),
        ("SELECT max(id) FROM big WHERE id < 3 HAVING max(id) < (SELECT max(id) FROM big)", [(2,)]),
        ("SELECT id FROM big WHERE id < 2 ORDER BY (SELECT max(id) FROM big), id", [(0,), (1,)]),
        (
            "SELECT id, (SELECT min(id) FROM big WHERE id > (SELECT avg(id) FROM big)) FROM big"
            " WHERE id = 1",
            [(1, 60)],
        ),
        ("SELECT a.id FROM big a, big b WHERE a.id = 5 AND b.id = 110", [(5,)]),
        ("WITH big AS (SELECT id + 1 AS id FROM big) SELECT id FROM big WHERE id = 120", [(120,)]),
    ],
)
def test_files_that_any_scan_of_a_table_needs_are_read_for_all(
    lab: Lab, sql: str, rows: list[tuple[int, ...]]
) -> None:
    assert lab.rows(sql) == rows


def test_table_named_several_times_is_read_at_one_snapshot(own_lab: Lab, own_lake: Lake) -> None:
    # The catalog is asked once for each table of a statement: a commit in between is not seen.
    plan = own_lab.plan("SELECT count(*) FROM big a UNION ALL SELECT count(*) FROM big b")
    own_lake.writer.load_table((own_lake.root, "big")).append(big_rows(40))
    assert own_lab.collect(plan).column(0).to_pylist() == [120, 120]
    assert own_lab.rows("SELECT count(*) FROM big") == [(130,)]


@pytest.mark.parametrize("table", ["big", "few", "nothing"])
def test_pinned_statement_does_not_see_what_is_committed_later(
    own_lab: Lab, own_lake: Lake, table: str
) -> None:
    sql = f"SELECT count(*) FROM {table}"
    pins = own_lab.plan(sql).pins
    before = own_lab.rows(sql)
    written = own_lake.writer.load_table((own_lake.root, table))
    rows = big_rows(50) if table == "big" else pa.table({"id": [1], "name": ["x"]}, FEW)
    written.append(rows)
    assert own_lab.rows(sql) != before
    assert own_lab.rows(sql, pins=pins) == before


def test_pinned_statement_keeps_the_columns_it_was_planned_with(
    own_lab: Lab, own_lake: Lake
) -> None:
    sql = "SELECT * FROM few ORDER BY id LIMIT 1"
    pins = own_lab.plan(sql).pins
    before = own_lab.rows(sql)
    with own_lake.writer.load_table((own_lake.root, "few")).update_schema() as change:
        change.add_column("more", StringType())
        change.rename_column("name", "label")
    assert own_lab.rows(sql) == [(0, "n0", None)]
    assert own_lab.rows(sql, pins=pins) == before
    assert own_lab.plan(sql, pins=pins).schema.names == ["id", "name"]


@pytest.mark.parametrize("table", ["big", "few", "nothing"])
def test_table_made_anew_is_not_the_one_that_was_pinned(
    own_lab: Lab, own_lake: Lake, table: str
) -> None:
    sql = f"SELECT * FROM {table}"
    pins = own_lab.plan(sql).pins
    own_lake.writer.drop_table((own_lake.root, table))
    with pytest.raises(NotFound, match=f"{table} does not exist"):
        own_lab.plan(sql, pins=pins)
    own_lake.create(table, FEW).append(pa.table({"id": [1], "name": ["other"]}, FEW))
    with pytest.raises(NotFound, match="made anew since the statement was planned; run"):
        own_lab.plan(sql, pins=pins)
    assert own_lab.rows(sql) == [(1, "other")]


def test_expired_snapshot_of_a_pin_is_said(lab: Lab, lake: Lake) -> None:
    identifier = TableIdentifier(lake.name, lake.root, "few")
    with pytest.raises(NotFound, match=r"snapshot 12345 .*expired; run the statement again"):
        lab.plan("SELECT * FROM few", pins={identifier: Pin(12345)})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM few",
        "SELECT * FROM few",
        "SELECT id FROM few LIMIT 1",
        "SELECT min(id), max(id) FROM few",
        "SELECT count(*) FROM few a JOIN few b ON a.id = b.id",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM few)",
        "SELECT (SELECT count(*) FROM few)",
        "SELECT id FROM few WHERE id = 0 UNION ALL SELECT id FROM few WHERE id = 20",
        "SELECT count(*) FROM big",
        "SELECT id FROM big LIMIT 1",
        "SELECT id FROM big WHERE id = 5",
        "EXPLAIN ANALYZE SELECT * FROM few",
    ],
)
@pytest.mark.parametrize("damage", ["removed", "emptied", "a folder"])
def test_lost_file_is_an_error_and_never_fewer_rows(
    folder: Path, lab: Lab, sql: str, damage: str
) -> None:
    lab.rows(sql)  # what is kept of footers and statistics must not hide the loss
    plan = lab.plan(sql)
    with lost(folder, damage), pytest.raises(DamagedData, match=r"^a data file of [\w. ']+ is "):
        lab.rows(sql)
    with lost(folder, damage), pytest.raises(DamagedData, match=r"^a data file of [\w. ']+ is "):
        lab.collect(plan)
    assert lab.collect(plan).num_rows


def test_file_lost_after_the_start_is_an_error(tmp_path: Path, own_lab: Lab) -> None:
    plan = own_lab.plan("SELECT * FROM big")
    result = own_lab.engine.start(plan, Cancellation())
    for file in data_files(tmp_path, "big"):
        file.unlink()
    # What had been opened already can still be read; what had not cannot.
    with pytest.raises(DamagedData):
        assert sum(batch.num_rows for batch in result) == 120


def test_lost_file_that_is_not_needed_disturbs_nobody(tmp_path: Path, own_lab: Lab) -> None:
    plan = own_lab.plan("SELECT id FROM big WHERE id = 5")
    needed = {path.rsplit("/", 1)[1] for [paths] in plan.paths.values() for path in paths}
    for file in data_files(tmp_path, "big"):
        if file.name not in needed:
            file.unlink()
    assert own_lab.rows("SELECT id FROM big WHERE id = 5") == [(5,)]


def test_names_are_case_sensitive_and_may_hold_anything_but_a_dot_between(
    tmp_path: Path, labs: Labs
) -> None:
    lake = sqlite_lake(tmp_path)
    lake.writer.create_namespace((lake.root, "inner"))
    names = ["Orders", "orders", "with.dot", 'with"quote', "with space", "日本", "SELECT", "a%b"]
    for number, name in enumerate(names):
        rows = pa.table({"id": [number], "name": [name]}, FEW)
        lake.writer.create_table((lake.root, name), FEW).append(rows)
    lake.writer.create_table((lake.root, "inner", "deep"), FEW).append(
        pa.table({"id": [99], "name": ["deep"]}, FEW)
    )
    lab = labs(lake)
    for number, name in enumerate(names):
        quoted = '"' + name.replace('"', '""') + '"'
        assert lab.rows(f"SELECT id FROM {quoted} WHERE id >= 0") == [(number,)]
        full = f'"{lake.name}"."{lake.root}".{quoted}'
        assert lab.rows(f"SELECT t.name FROM {full} t") == [(name,)]
    assert lab.rows("SELECT id FROM Orders") == [(1,)]  # without quotes, in lower case
    assert lab.rows(f'SELECT id FROM "{lake.root}.inner".deep') == [(99,)]
    with pytest.raises(NotFound, match="several levels is one quoted name"):
        lab.rows(f"SELECT id FROM {lake.root}.inner.deep")
    with pytest.raises(NotFound, match="\"DEEP\" does not exist; did you mean 'deep'"):
        lab.rows(f'SELECT id FROM "{lake.root}.inner"."DEEP"')


def test_what_a_name_lacks_is_said(lab: Lab, lake: Lake) -> None:
    with pytest.raises(NotFound, match="no schema in front of it"):
        lab.plan("SELECT * FROM few", defaults=Defaults("", ""))
    with pytest.raises(NotFound, match="no catalog in front of it"):
        lab.plan("SELECT * FROM a.few", defaults=Defaults("", ""))
    with pytest.raises(NotFound, match="did you mean 'few'"):
        lab.plan("SELECT * FROM fw")
    with pytest.raises(NotFound, match="did you mean 'few'"):
        lab.plan("SELECT 1 FROM big JOIN big b USING (id) WHERE EXISTS (SELECT 1 FROM fewer)")
    with pytest.raises(NotFound, match=f"known: {lake.name}"):
        lab.plan("SELECT * FROM nowhere.a.b")
    assert lab.rows(f"SELECT count(*) FROM {lake.root}.few") == [(6,)]


def test_dead_catalog_hurts_only_those_who_ask_it(tmp_path: Path, lake: Lake, labs: Labs) -> None:
    lab = labs(lake, more={"dead": dead_catalog(tmp_path, "dead")})
    assert lab.rows("SELECT count(*) FROM few") == [(6,)]
    for sql in ("SELECT * FROM dead.a.b", "SELECT 1 FROM few, dead.a.b", "DESCRIBE dead.a.b"):
        with pytest.raises(NotReady, match="'dead' does not answer"):
            lab.rows(sql)
    assert lab.rows("SELECT 1", defaults=Defaults("dead", "x")) == [(1,)]


def test_cancelled_planning_ends_with_the_reason(lab: Lab) -> None:
    call = Cancellation()
    call.cancel(Cancelled("not wanted"))
    with pytest.raises(Cancelled, match="not wanted"):
        lab.engine.plan(read("SELECT * FROM big"), lab.defaults, {}, {}, MOMENT, call)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT now()",
        'SELECT "now"() FROM few LIMIT 1',
        "SELECT max(now()) FROM big WHERE now() > TIMESTAMP '2020-01-01'",
        "SELECT DISTINCT now() FROM big a JOIN few b ON a.id = b.id",
        "SELECT (SELECT now())",
        "SELECT DISTINCT unnest([now(), current_timestamp])",
    ],
)
def test_the_current_time_is_the_statements_moment_everywhere(lab: Lab, sql: str) -> None:
    [(moment,)] = lab.rows(sql)
    assert str(moment) == "2026-01-02 03:04:05.678901"


def test_date_and_time_of_day_are_of_the_same_moment(lab: Lab) -> None:
    [row] = lab.rows("SELECT current_date, today(), current_time, now()::date")
    assert [str(value) for value in row] == [
        "2026-01-02",
        "2026-01-02",
        "03:04:05.678901",
        "2026-01-02",
    ]


def test_comparison_with_the_current_time_leaves_files_out(tmp_path: Path, labs: Labs) -> None:
    lake = sqlite_lake(tmp_path)
    schema = pa.schema([("ts", pa.timestamp("us"))])
    table = lake.create("events", schema)
    for day in range(10):
        moment = datetime(2025, 12, 25) + timedelta(days=day)
        table.append(pa.table({"ts": [moment]}, schema))
    lab = labs(lake)
    sql = "SELECT count(*) FROM events WHERE ts > now()"
    assert lab.rows(sql) == [(1,)]
    assert files_read(lab, sql) == {"events": 1}


def test_files_of_the_server_cannot_be_named_or_read(lab: Lab) -> None:
    with pytest.raises(NotFound):
        lab.rows("SELECT * FROM '/etc/passwd'")
    with pytest.raises(InvalidSql, match="input_file_name"):
        lab.rows("SELECT input_file_name() FROM few")

"""Scans over explicit file lists, which lean on the engine's serialised plans: the gate for a new
version of datafusion."""

from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import DataFrame, SessionContext
from datafusion.expr import TableScan

from flightlake.engine.scan import UNPLANNED, ScannedFiles, Scans, scanned_keys, unread
from flightlake.names import TableIdentifier

TABLE = TableIdentifier("lake", "a.b", 'T "x"')
SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])


@pytest.fixture
def context() -> SessionContext:
    return SessionContext()


def written(folder: Path, *names: str) -> list[str]:
    """Write one row to each file; return their URLs."""
    for number, name in enumerate(names):
        pq.write_table(pa.table({"id": [number], "name": [name]}, SCHEMA), folder / name)
    return [f"file://{quote(str(folder / name))}" for name in names]


def ids(frame: DataFrame) -> list[int]:
    found: list[int] = frame.to_arrow_table()["id"].to_pylist()
    return sorted(found)


def test_exactly_the_named_files_are_read(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "a.parquet", "b.parquet", "c.parquet")
    scans = Scans(context)
    assert ids(scans.scan(TABLE, SCHEMA, urls[1:])) == [1, 2]
    assert ids(scans.scan(TABLE, SCHEMA, urls[:1])) == [0]
    assert ids(scans.scan(TABLE, SCHEMA, [])) == []


def test_files_may_have_any_name(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "no ending", "a=x%3Ay #?+.bin", "é.parquet")
    assert ids(Scans(context).scan(TABLE, SCHEMA, urls)) == [0, 1, 2]


def test_a_scan_has_the_name_of_its_table(context: SessionContext) -> None:
    plan = Scans(context).scan(TABLE, SCHEMA, [UNPLANNED]).logical_plan()
    node = plan.to_variant()
    assert isinstance(node, TableScan)
    assert node.fqn() == (TABLE.catalog, TABLE.db_schema, TABLE.table)


def test_two_schemas_do_not_share_a_template(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "a.parquet")
    scans = Scans(context)
    scans.scan(TABLE, SCHEMA, urls)
    fewer = pa.schema([("id", pa.int64())])
    assert scans.scan(TABLE, fewer, urls).to_arrow_table().to_pylist() == [{"id": 0}]


def test_the_files_of_a_physical_plan_are_found(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "a b%20.parquet", "c.parquet")
    plan = Scans(context).scan(TABLE, SCHEMA, urls).execution_plan()
    names = {key.rpartition("/")[2] for keys in scanned_keys(plan) for _, key in keys}
    assert names == {"a b%20.parquet", "c.parquet"}
    assert unread(plan, [ScannedFiles(TABLE, tuple(urls))]) == []


def test_a_file_that_the_engine_leaves_out_is_told(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "a.parquet", "b.parquet")
    (tmp_path / "b.parquet").unlink()
    plan = Scans(context).scan(TABLE, SCHEMA, urls).execution_plan()
    assert unread(plan, [ScannedFiles(TABLE, tuple(urls))]) == [ScannedFiles(TABLE, (urls[1],))]


def test_a_scan_that_is_not_in_the_plan_is_told(context: SessionContext, tmp_path: Path) -> None:
    urls = written(tmp_path, "a.parquet")
    scan = Scans(context).scan(TABLE, SCHEMA, urls)
    scans = [ScannedFiles(TABLE, tuple(urls))]
    assert unread(scan.limit(0).execution_plan(), scans) == scans


def test_a_part_of_a_table_is_not_taken_for_the_whole(
    context: SessionContext, tmp_path: Path
) -> None:
    urls = written(tmp_path, "a.parquet", "b.parquet")
    made = Scans(context)
    parts = [ScannedFiles(TABLE, (url,)) for url in urls]
    both = made.scan(TABLE, SCHEMA, urls[:1]).union(made.scan(TABLE, SCHEMA, urls[1:]))
    assert unread(both.execution_plan(), parts) == []
    assert unread(made.scan(TABLE, SCHEMA, urls[:1]).execution_plan(), parts) == parts[1:]

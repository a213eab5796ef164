"""A statement for which the engine read other than the manifests say fails."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab, data_files
from tests.fix_metadata import commit, file_entry

COUNTED = [
    "SELECT * FROM few",
    "SELECT id FROM few ORDER BY name",
    "SELECT name, sum(id) FROM few GROUP BY name",
    "SELECT count(DISTINCT name) FROM few",
    "SELECT id FROM few UNION ALL SELECT id FROM few",
    "SELECT f.id FROM few f JOIN big USING (id)",
    "SELECT f.id FROM few f FULL JOIN big b ON f.id = b.id",
]
"""Statements that need all rows of ``few``."""

NOT_COUNTED = [
    "SELECT * FROM few LIMIT 2",
    "SELECT id FROM few ORDER BY id LIMIT 2",
    "SELECT DISTINCT name FROM few LIMIT 1",
    "SELECT id FROM few WHERE id > 10",
    "SELECT id FROM few WHERE id > 1000",
    "SELECT count(*), max(id) FROM few",
    "SELECT id FROM few WHERE EXISTS (SELECT 1 FROM big WHERE big.id = few.id LIMIT 1)",
    "SELECT b.id FROM big b JOIN few f ON f.id = b.id WHERE f.id > 1000",
    "SELECT id FROM big WHERE id NOT IN (SELECT id FROM few)",
    "SELECT (SELECT max(id) FROM few), id FROM few LIMIT 1",
    "EXPLAIN ANALYZE SELECT * FROM few",
    "SELECT * FROM few CROSS JOIN (VALUES (1), (2)) LIMIT 3",
]


def cut(folder: Path, rows: int) -> None:
    """Let the first file of ``few`` have *rows* rows; its manifest says two."""
    path = data_files(folder, "few")[0]
    data = pq.read_table(path)
    pq.write_table(data.take([0] * rows), path)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("sql", COUNTED)
def test_other_rows_than_the_manifests_say_fail_the_statement(
    own_lab: Lab, tmp_path: Path, sql: str, rows: int
) -> None:
    plan = own_lab.plan(sql)  # now flightlake knows the footers
    cut(tmp_path, rows)
    with pytest.raises(DamagedData, match=r"\.few returned \d+ rows where its manifests say 6"):
        own_lab.collect(plan)


@pytest.mark.parametrize("sql", COUNTED + NOT_COUNTED)
def test_whole_files_are_no_loss(lab: Lab, sql: str) -> None:
    plan = lab.plan(sql)
    assert lab.collect(plan).schema == plan.schema


def test_who_stops_reading_is_told_nothing(own_lab: Lab, tmp_path: Path) -> None:
    plan = own_lab.plan("SELECT * FROM few")
    cut(tmp_path, 1)
    result = own_lab.engine.start(plan, Cancellation())
    batches = iter(result)
    assert next(batches).num_rows
    result.close()
    assert list(batches) == []


def test_a_file_that_is_listed_twice_is_read_twice(
    own_lab: Lab, own_lake: Lake, tmp_path: Path
) -> None:
    (path, *_) = data_files(tmp_path, "few")
    entry = file_entry(f"file://{path}", record_count=2, file_size_in_bytes=path.stat().st_size)
    commit(own_lake, "few", [entry])
    assert len(own_lab.rows("SELECT * FROM few")) == 8

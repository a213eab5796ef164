"""``table.snapshots`` means ``"table$snapshots"``, unless there is such a table."""

import pyarrow as pa
import pytest

from flightlake.engine.defaults import Defaults
from flightlake.engine.sql_text import read
from flightlake.errors import NotFound
from tests.fix_catalogs import Lake, orders
from tests.fix_engine import Lab


@pytest.mark.parametrize(
    "name",
    ["few.files", 'few."files"', "{root}.few.files", "{lake}.{root}.few.files"],
)
def test_each_length_of_name_finds_the_metadata_table(lab: Lab, lake: Lake, name: str) -> None:
    written = name.format(root=lake.root, lake=lake.name)
    assert lab.rows(f"SELECT sum(record_count) FROM {written}") == [(6,)]
    assert lab.rows(f"SELECT sum(files.record_count) FROM {written}") == [(6,)]
    assert lab.rows(f"SELECT count(*) FROM few JOIN {written} f ON f.record_count > 1") == [(18,)]


def test_a_version_can_follow(lab: Lab, lake: Lake) -> None:
    first = lake.load("few").metadata.snapshots[0].snapshot_id
    for name in ("few.files", f"{lake.name}.{lake.root}.few.files"):
        assert lab.rows(f"SELECT count(*) FROM {name} FOR VERSION AS OF {first}") == [(1,)]


def test_four_parts_need_no_defaults(lab: Lab, lake: Lake) -> None:
    sql = f"SELECT count(*) FROM {lake.name}.{lake.root}.few.snapshots"
    assert lab.rows(sql, defaults=Defaults("", "")) == [(3,)]


def test_a_table_of_that_name_in_a_schema_of_that_name_wins(own_lake: Lake, own_lab: Lab) -> None:
    own_lake.writer.create_namespace("few")
    made = own_lake.writer.create_table(("few", "files"), orders(1).schema)
    made.append(orders(7))
    assert own_lab.rows("SELECT few.files.id FROM few.files") == [(7,)]
    assert own_lab.rows(f"SELECT count(*) FROM {own_lake.root}.few.files") == [(3,)]
    with pytest.raises(NotFound):
        own_lab.rows(f"SELECT * FROM {own_lake.name}.big.files")  # three parts: of schema big


def test_what_is_neither_is_not_found(lab: Lab) -> None:
    with pytest.raises(NotFound):
        lab.rows("SELECT * FROM nobody.files")
    with pytest.raises(NotFound):
        lab.rows("SELECT * FROM few.colours")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a.b.c.files FROM t",
        "SELECT extract(year FROM a.b.c.files) FROM t",
        "SELECT x IS DISTINCT FROM a.b.c.files FROM t",
        "SELECT 1, a.b.c.history FROM t",
    ],
)
def test_a_column_is_left_alone(sql: str) -> None:
    assert read(sql).engine_sql == sql


def test_an_alias_is_kept_and_one_is_given() -> None:
    assert read("SELECT 1 FROM a.b.c.refs r").engine_sql == 'SELECT 1 FROM a.b."c$refs" r'
    assert read("SELECT 1 FROM a.b.c.refs").engine_sql == 'SELECT 1 FROM a.b."c$refs" AS refs'


def test_members_of_structs_keep_their_meaning(own_lake: Lake, own_lab: Lab) -> None:
    rows = pa.table({"few": [{"files": 1}]})
    own_lake.create("things", rows.schema).append(rows)
    assert own_lab.rows("SELECT things.few.files, few FROM things") == [(1, {"files": 1})]

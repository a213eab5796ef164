"""``information_schema``, SHOW and DESCRIBE: right for each catalog."""

from pathlib import Path

import pytest

from flightlake.errors import NotReady
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab, Labs, small_lake
from tests.fix_lake import dead_catalog


def test_tables_and_columns_are_listed_by_their_sql_names(lab: Lab, lake: Lake) -> None:
    tables = "SELECT table_schema, table_name FROM information_schema.tables"
    assert lab.rows(f"{tables} WHERE table_type = 'BASE TABLE'") == [
        (lake.root, "big"),
        (lake.root, "few"),
        (lake.root, "nothing"),
    ]
    columns = "SELECT column_name, ordinal_position, data_type FROM information_schema.columns"
    assert lab.rows(f"{columns} WHERE table_name = 'few' ORDER BY 2") == [
        ("id", 1, "BIGINT"),
        ("name", 2, "VARCHAR"),
    ]
    assert (lake.root,) in lab.rows("SELECT schema_name FROM information_schema.schemata")
    assert lab.rows("SELECT * FROM information_schema.views") == []


def test_show_and_describe(lab: Lab) -> None:
    assert "big" in {row[2] for row in lab.rows("SHOW TABLES")}
    assert [row[3] for row in lab.rows("SHOW COLUMNS FROM few")] == ["id", "name"]
    assert [row[0] for row in lab.rows("DESCRIBE few")] == ["id", "name"]


def test_each_catalog_lists_its_own(tmp_path: Path, lake: Lake, labs: Labs) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = small_lake(folder)
    lab = labs(lake, other)
    for one in (lake, other):
        sql = f"SELECT DISTINCT table_catalog FROM {one.name}.information_schema.tables"
        assert lab.rows(sql) == [(one.name,)]
    both = f"SELECT count(*) FROM few a JOIN {other.name}.{other.root}.few b ON a.id = b.id"
    assert lab.rows(both) == [(6,)]


def test_dead_catalog_is_named_by_those_who_ask_it(tmp_path: Path, lake: Lake, labs: Labs) -> None:
    lab = labs(lake, more={"dead": dead_catalog(tmp_path, "dead")})
    assert lab.rows("SHOW TABLES")
    with pytest.raises(NotReady, match="catalog 'dead' does not answer"):
        lab.rows("SELECT * FROM dead.information_schema.tables")

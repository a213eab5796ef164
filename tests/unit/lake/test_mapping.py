"""Columns come out of files by field id; files that are read alike are told so."""

from pathlib import Path

import pytest
from pyiceberg.types import StringType

from flightlake.lake.predicates import Anything
from tests.fix_catalogs import Lake, orders, sqlite_lake

TABLE = "orders"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = sqlite_lake(tmp_path)
    made.create(TABLE).append(orders(1, 2, 3))
    return made


def test_files_are_read_alike_that_differ_in_what_was_not_there_yet(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, TABLE))
    for number in range(4):
        with table.update_schema() as update:
            update.add_column(f"new{number}", StringType())
        table.append(orders(number))
    with table.update_schema() as update:
        update.rename_column("item", "thing")
    table.append(orders(9).rename_columns(["id", "thing"]))
    plan = lake.load(TABLE).plan_files(Anything())
    stored = {tuple(column.stored for column in part.columns): part for part in plan.parts}
    new = ("new0", "new1", "new2", "new3")
    assert {names: len(part.files) for names, part in stored.items()} == {
        ("id", "item", *new): 5,
        ("id", "thing", *new): 1,
    }


def test_a_name_that_was_given_to_another_column_is_not_looked_for_by_name(lake: Lake) -> None:
    table = lake.writer.load_table((lake.root, TABLE))
    with table.update_schema() as update:
        update.delete_column("item")
    with table.update_schema() as update:
        update.add_column("item", StringType())
        update.add_column("more", StringType())
    (part,) = lake.load(TABLE).plan_files(Anything()).parts
    assert [column.stored for column in part.columns] == ["id", None, "more"]

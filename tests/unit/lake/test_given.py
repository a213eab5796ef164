from pathlib import Path

import pytest

from flightlake.errors import InvalidSql, NotFound
from flightlake.lake.given import from_json, to_json, told, with_given
from flightlake.lake.storable import iceberg_schema
from flightlake.names import TableIdentifier
from tests.fix_catalogs import orders, sqlite_lake

COLUMNS = iceberg_schema(orders(1).schema)


def test_columns_come_back_from_their_text() -> None:
    assert from_json(to_json(COLUMNS)) == COLUMNS
    for broken in ("", "[]", '{"type":"struct","fields":[{"id":1}]}', "{" * 100_000):
        with pytest.raises(InvalidSql):
            from_json(broken)


def test_columns_are_told_by_name_and_type() -> None:
    assert told(COLUMNS)[0] == "id long"


def test_given_tables_stand_beside_and_before_those_that_are_there(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders").append(orders(1))
    lake.create("stock")
    catalog = lake.open()
    names = [TableIdentifier(lake.name, lake.root, name) for name in ("orders", "soon", "late")]
    given = dict(zip(names, (COLUMNS, COLUMNS, None), strict=True))
    seen = with_given({lake.name: catalog}, given)[lake.name]
    assert seen.tables(lake.root) == ["late", "orders", "soon", "stock"]
    assert seen.load(lake.root, "stock") == catalog.load(lake.root, "stock")
    assert seen.asked == set()
    empty = seen.load(lake.root, "orders")
    assert (empty.snapshot_id, empty.identifier) == (None, names[0])
    assert empty.schema.names == ["id", "item"]
    with pytest.raises(NotFound):
        seen.load(lake.root, "late")
    assert seen.asked == {names[0], names[2]}
    with pytest.raises(NotFound):
        seen.view(lake.root, "soon")

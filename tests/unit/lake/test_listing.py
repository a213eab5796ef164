"""What there is, over all catalogs."""

from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from flightlake.errors import NotReady
from flightlake.lake.catalogs import Catalog
from flightlake.lake.listing import Found, catalog_names, db_schemas, from_each, tables_in
from flightlake.names import TableIdentifier
from tests.fix_lake import dead_catalog, make_catalog, properties


def _every(name: str) -> bool:
    return True


def test_a_catalog_filter_is_a_name_not_a_pattern(tmp_path: Path) -> None:
    catalogs = {name: make_catalog(tmp_path / name, name, {}) for name in ("lake", "bronze")}
    assert catalog_names(catalogs, None) == ["bronze", "lake"]
    assert catalog_names(catalogs, "lake") == ["lake"]
    assert catalog_names(catalogs, "l%") == []
    assert catalog_names(catalogs, "") == []


def test_tables_of_a_catalog_come_sorted(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path, "lake", {"b": ["y", "x"], "a.c": ["z"]})
    assert tables_in(lake, _every, _every) == [
        TableIdentifier("lake", "a.c", "z"),
        TableIdentifier("lake", "b", "x"),
        TableIdentifier("lake", "b", "y"),
    ]
    assert tables_in(lake, lambda name: name == "b", lambda name: name == "y") == [
        TableIdentifier("lake", "b", "y")
    ]


def test_a_dead_catalog_is_named_beside_what_was_found(tmp_path: Path) -> None:
    catalogs = {
        "dead": dead_catalog(tmp_path, "dead"),
        "lake": make_catalog(tmp_path / "lake", "lake", {"sales": []}),
    }
    assert db_schemas(catalogs, None, _every) == Found((("lake", "sales"),), ("dead",))


def test_the_only_catalog_being_dead_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="dead"):
        db_schemas({"dead": dead_catalog(tmp_path, "dead")}, None, _every)


def test_no_catalog_at_all_is_an_empty_list() -> None:
    assert db_schemas({}, None, _every) == Found(())


def test_a_schema_dropped_in_between_has_no_tables(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path, "lake", {"sales": ["orders"], "gone": []})

    def drop_then_pass(name: str) -> bool:
        if name == "gone":
            SqlCatalog("lake", **properties(tmp_path)).drop_namespace("gone")
        return True

    found = tables_in(lake, drop_then_pass, _every)
    assert found == [TableIdentifier("lake", "sales", "orders")]


def test_other_errors_of_a_catalog_are_not_swallowed(tmp_path: Path) -> None:
    catalogs = {name: make_catalog(tmp_path / name, name, {}) for name in ("a", "b")}

    def fail(catalog: Catalog) -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        from_each(catalogs, None, fail)

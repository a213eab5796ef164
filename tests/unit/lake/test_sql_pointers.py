"""One row of a table, changed by compare-and-swap, in SQLite and in PostgreSQL."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from flightlake.errors import NotFound, Unsupported
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.pointers import PointedTables
from flightlake.lake.sql_pointers import SqlPointers
from flightlake.lake.writing import WritingRefused
from flightlake.names import TableIdentifier
from tests.fix_catalogs import TIMEOUT, Lake, postgresql_lake, sqlite_lake
from tests.fix_engine import in_thread


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.component("postgresql"))]
)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    make = {"sqlite": sqlite_lake, "postgresql": postgresql_lake}[request.param]
    found: Lake = make(tmp_path)
    return found


def pointers(lake: Lake) -> PointedTables:
    found = lake.open()
    assert isinstance(found, PointedTables)
    return found


def test_a_swap_is_done_only_if_the_old_is_there(lake: Lake) -> None:
    catalog = pointers(lake)
    name = (lake.root, "v")
    assert catalog.pointer(*name) is None
    assert not catalog.swap(*name, "file:///a", "file:///b")
    assert catalog.swap(*name, None, "file:///a")
    assert not catalog.swap(*name, None, "file:///b")  # somebody was first
    assert not catalog.swap(*name, "file:///x", "file:///b")
    assert catalog.pointer(*name) == "file:///a"
    assert catalog.swap(*name, "file:///a", "file:///b")
    assert not catalog.swap(*name, "file:///a", "file:///c")
    assert catalog.pointer(*name) == "file:///b"
    assert not catalog.swap(*name, "file:///a", None)
    assert catalog.swap(*name, "file:///b", None)
    assert catalog.pointer(*name) is None
    assert not catalog.swap(*name, "file:///b", None)


def test_of_many_swaps_from_one_place_exactly_one_is_done(lake: Lake) -> None:
    catalog = pointers(lake)
    assert catalog.swap(lake.root, "v", None, "file:///0")
    work = [
        in_thread(lambda n=n: pointers(lake).swap(lake.root, "v", "file:///0", f"file:///{n}"))
        for n in range(1, 9)
    ]
    done = [number for number, one in enumerate(work, start=1) if one.result()]
    assert len(done) == 1
    assert catalog.pointer(lake.root, "v") == f"file:///{done[0]}"


def test_new_tables_have_places_of_their_own_in_the_warehouse(lake: Lake) -> None:
    catalog = pointers(lake)
    one, other = (catalog.new_location(lake.root, "a/../b") for _ in range(2))
    assert one != other
    assert one.startswith(f"{lake.properties['warehouse']}/{lake.root}/a____b-")
    with pytest.raises(NotFound, match="no schema 'nowhere'"):
        catalog.new_location("nowhere", "v")


def test_a_catalog_without_a_warehouse_does_not_say_where_tables_go(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    bare = open_catalog(lake.name, "sql", {"uri": lake.properties["uri"]}, TIMEOUT)
    assert isinstance(bare, PointedTables)
    with pytest.raises(Unsupported, match="set its warehouse"):
        bare.new_location(lake.root, "v")
    lake.writer.update_namespace_properties(lake.root, updates={"location": "file:///home/"})
    assert bare.new_location(lake.root, "v").startswith("file:///home/v-")


def test_a_database_that_may_only_be_read_says_so(lake: Lake) -> None:
    uri = sa.make_url(lake.properties["uri"])
    if uri.get_backend_name() == "sqlite":
        address = f"file:{uri.database}?mode=ro"
        engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
    else:
        read_only = {"options": "-c default_transaction_read_only=on"}
        engine = sa.create_engine(uri, connect_args=read_only)
    catalog = pointers(lake)
    assert catalog.swap(lake.root, "v", None, "file:///a")
    with pytest.raises(WritingRefused, match="does not let this server write"):
        SqlPointers(engine, lake.name).swap(lake.root, "v", "file:///a", "file:///b")
    with pytest.raises(WritingRefused):
        SqlPointers(engine, lake.name).swap(lake.root, "w", None, "file:///b")
    engine.dispose()
    assert catalog.pointer(lake.root, "v") == "file:///a"


def test_a_name_is_swapped_only_if_it_is_free_and_the_table_is_what_it_was(lake: Lake) -> None:
    catalog = pointers(lake)
    for name in ("v", "taken"):
        assert catalog.swap(lake.root, name, None, "file:///a")
    there, taken = (TableIdentifier(lake.name, lake.root, name) for name in ("w", "taken"))
    assert not catalog.swap_name(lake.root, "v", "file:///x", there)
    assert not catalog.swap_name(lake.root, "v", "file:///a", taken)
    with pytest.raises(NotFound, match="no schema 'nowhere'"):
        catalog.swap_name(lake.root, "v", "file:///a", TableIdentifier(lake.name, "nowhere", "w"))
    assert catalog.swap_name(lake.root, "v", "file:///a", there)
    assert catalog.pointer(lake.root, "v") is None
    assert catalog.pointer(lake.root, "w") == "file:///a"

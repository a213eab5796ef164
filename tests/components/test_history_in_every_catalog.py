"""The history of refreshes is stored in every catalog that is written, schema and all."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from flightlake.engine.system_tables import SYSTEM
from flightlake.lake.schema_making import SchemaMaker
from tests.fix_catalogs import Lake
from tests.fix_every_catalog import KINDS
from tests.fix_history import Teller, stored_ids


@pytest.fixture(params=KINDS)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    lake = KINDS[request.param].lake(tmp_path)
    _forget(lake)  # others share its server, and may have left theirs
    yield lake
    _forget(lake)


def _forget(lake: Lake) -> None:
    with suppress(NoSuchTableError, NoSuchNamespaceError):
        lake.writer.drop_table((SYSTEM, "refresh_history"))
    with suppress(NoSuchNamespaceError):
        lake.writer.drop_namespace(SYSTEM)


def test_two_processes_store_what_they_did(lake: Lake) -> None:
    one, other = Teller(lake, "one"), Teller(lake, "other")
    assert SYSTEM not in lake.open().db_schemas()
    one.tell_and_store("1", "2")
    other.tell_and_store("3")
    assert (one.waiting, other.waiting) == (set(), set())
    assert stored_ids(lake) == ["1", "2", "3"]
    catalog = lake.open()
    assert isinstance(catalog, SchemaMaker)
    catalog.make_schema(SYSTEM)  # it is there
    assert catalog.db_schemas().count(SYSTEM) == 1

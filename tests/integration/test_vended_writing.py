"""Files of tables are written with the credentials that a catalog vends, and with later ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.clock import ManualClock
from flightlake.errors import NotReady
from flightlake.lake.data_files import DataFiles
from flightlake.lake.encoding import Encoding
from flightlake.lake.planning import Planner
from flightlake.lake.replacement import Replacement
from flightlake.lake.rest_catalog import RestTables, open_rest_catalog
from flightlake.names import TableIdentifier
from tests.components import s3
from tests.components.vended_s3 import Vended, vended
from tests.fix_catalogs import ORDERS, TIMEOUT, Lake, orders, s3_lake, started

pytestmark = pytest.mark.component("s3")

VIEW = TableIdentifier("own", "shop", "v")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return s3_lake(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    """When keys end, for who gives and who uses them."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def shop(lake: Lake, clock: ManualClock) -> Iterator[Vended]:
    with vended(lake, started(s3), clock) as made:
        yield made


def catalog_of(shop: Vended) -> RestTables:
    return open_rest_catalog("own", {"uri": shop.uri}, TIMEOUT, Planner(), shop.clock)


def batch(*ids: int) -> pa.RecordBatch:
    (found,) = orders(*ids).to_batches()
    return found


def stored(shop: Vended) -> list[int]:
    table = shop.lake.writer.load_table((shop.lake.root, "v"))
    return sorted(table.scan().to_arrow().column("id").to_pylist())


def replaced(catalog: RestTables, rows: pa.RecordBatch) -> None:
    """Make all rows of the view anew, or the view."""
    new = Replacement(catalog, VIEW, catalog.current(VIEW), ORDERS, ())
    new.write(rows)
    new.commit(({}, {}), datetime.now(UTC), lambda: None)


def test_a_table_is_made_and_written_with_vended_keys_alone(shop: Vended) -> None:
    catalog = catalog_of(shop)
    replaced(catalog, batch(1, 2))
    assert stored(shop) == [1, 2]
    replaced(catalog, batch(3))
    assert stored(shop) == [3]
    assert shop.refused == 0


def test_files_are_written_with_keys_that_hold_however_long_it_takes(
    shop: Vended, clock: ManualClock
) -> None:
    shop.lives, shop.tells = 3600.0, False  # so that a quarter of an hour is assumed
    catalog = catalog_of(shop)
    Replacement(catalog, VIEW, None, ORDERS, ())  # what is only prepared binds nobody
    new = Replacement(catalog, VIEW, None, ORDERS, ())
    files = DataFiles(
        new._store, f"{new._metadata.location}/data/x", new._schema, new._spec, (), "v",
        Encoding(group_bytes=1, at_once=1),
    )  # fmt: skip
    for number in range(6):
        files.write(batch(number))
        files._encoders._lanes[0].work.result()  # type: ignore[union-attr]
        if number in (2, 4):
            clock.advance(timedelta(minutes=11))  # the keys hold for four minutes more
    done = files.finish()
    assert sum(file.record_count for file in done) == 6
    # The first for want of knowing whether more would come soon, then one for each set of keys.
    assert [file.record_count for file in done] == [1, 2, 2, 1]
    assert len(set(shop.used)) == 3
    assert shop.refused == 0


def test_keys_that_end_between_two_files_end_nothing_else(shop: Vended, clock: ManualClock) -> None:
    catalog = catalog_of(shop)
    new = Replacement(catalog, VIEW, None, ORDERS, ())
    clock.advance(timedelta(hours=2))
    new.write(batch(1))
    new.commit(({}, {}), datetime.now(UTC), lambda: None)
    assert stored(shop) == [1]
    assert shop.refused == 0


def test_keys_that_only_read_are_told_of(shop: Vended) -> None:
    shop.read_only = True
    with pytest.raises(NotReady, match=r"own\.shop\.v may not be written by this server"):
        replaced(catalog_of(shop), batch(1))
    assert shop.lake.writer.list_tables(shop.lake.root) == []

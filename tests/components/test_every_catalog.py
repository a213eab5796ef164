"""One behaviour for every catalog: what statements see, whatever names the tables.

The kinds of catalogs are in ``tests/fix_every_catalog.py``; what a catalog promises below the
engine is in ``tests/conformance/catalog_contract.py``.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flightlake.errors import Code, NotFound, NotReady
from flightlake.lake.predicates import Anything
from flightlake.names import quote_always
from tests.fix_catalogs import ORDERS, Lake, orders, sqlite_lake
from tests.fix_engine import Lab, Labs
from tests.fix_every_catalog import KINDS, Kind, Own, namesake
from tests.fix_position_deletes import delete_row
from tests.fix_processes import settled


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = KINDS[request.param]
    return found


@pytest.fixture
def lake(kind: Kind, tmp_path: Path) -> Lake:
    return kind.lake(tmp_path)


@pytest.fixture
def lab(lake: Lake, labs: Labs) -> Lab:
    return labs(lake)


def count(lab: Lab, table: str) -> int:
    ((found,),) = lab.rows(f"SELECT count(*) FROM {table}")
    return int(found)


def listed(lab: Lab, lake: Lake) -> list[tuple[str, str]]:
    """Return the schemas and tables below the namespace of *lake*, as a statement sees them."""
    return lab.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        f" WHERE table_catalog = '{lake.name}' AND table_schema LIKE '{lake.root}%' ORDER BY 1, 2"
    )  # type: ignore[return-value]


def test_schemas_and_tables_are_listed(lab: Lab, lake: Lake) -> None:
    for name in ("b", "a"):
        lake.create(name)
    assert listed(lab, lake) == [(lake.root, "a"), (lake.root, "b")]


def test_nested_schemas_are_listed_and_read(kind: Kind, lab: Lab, lake: Lake) -> None:
    if not kind.nested:
        with pytest.raises(NotFound, match="did you mean"):
            lab.rows(f'SELECT * FROM {lake.name}."{lake.root}.bronze".orders')
        return
    lake.writer.create_namespace((lake.root, "bronze"))
    lake.writer.create_table((lake.root, "bronze", "orders"), ORDERS).append(orders(1, 2))
    assert listed(lab, lake) == [(f"{lake.root}.bronze", "orders")]
    assert count(lab, f'{lake.name}."{lake.root}.bronze".orders') == 2


def test_a_new_table_is_seen_by_the_next_statement(lab: Lab, lake: Lake) -> None:
    assert listed(lab, lake) == []
    with pytest.raises(NotFound):
        count(lab, "orders")
    lake.create("orders")
    assert listed(lab, lake) == [(lake.root, "orders")]
    assert count(lab, "orders") == 0


def test_a_new_snapshot_is_seen_by_the_next_statement(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    seen = []
    for number in range(3):
        table.append(orders(number))
        seen.append(lab.rows("SELECT id, item FROM orders ORDER BY id"))
    assert seen == [[(n, f"item {n}") for n in range(number + 1)] for number in range(3)]


def test_a_statement_reads_one_snapshot(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    plan = lab.plan("SELECT a.id, b.id FROM orders a CROSS JOIN orders b")
    table.append(orders(2))
    assert lab.collect(plan).num_rows == 1
    assert len(lab.rows("SELECT a.id, b.id FROM orders a CROSS JOIN orders b")) == 4


def test_odd_names_are_read_quoted_and_only_as_they_are(kind: Kind, lab: Lab, lake: Lake) -> None:
    for name in kind.odd_names:
        lake.create(name).append(orders(1))
    assert listed(lab, lake) == [(lake.root, name) for name in sorted(kind.odd_names)]
    for name in kind.odd_names:
        assert count(lab, quote_always(name)) == 1
        with pytest.raises(NotFound):
            count(lab, quote_always(name.swapcase()))


def test_a_dropped_table_is_gone(lab: Lab, lake: Lake) -> None:
    lake.create("orders").append(orders(1))
    assert count(lab, "orders") == 1
    lake.writer.drop_table((lake.root, "orders"))
    assert listed(lab, lake) == []
    with pytest.raises(NotFound):
        count(lab, "orders")


def test_a_renamed_table_has_its_new_name_alone(lab: Lab, lake: Lake) -> None:
    lake.create("orders").append(orders(1))
    lake.writer.rename_table((lake.root, "orders"), (lake.root, "sales"))
    assert count(lab, "sales") == 1
    with pytest.raises(NotFound):
        count(lab, "orders")


def test_the_nearest_name_is_told_of_a_missing_table(lab: Lab, lake: Lake) -> None:
    lake.create("orders")
    with pytest.raises(NotFound, match="did you mean 'orders'"):
        count(lab, "ordres")
    with pytest.raises(NotFound, match=f"did you mean '{lake.root}'"):
        count(lab, f"{lake.name}.{lake.root}x.orders")


def test_earlier_snapshots_are_read_by_id_tag_and_time(kind: Kind, lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    first = table.metadata.snapshots[0]
    if not kind.history:
        table.append(orders(2, 3))
        with pytest.raises(NotFound, match=f"has no snapshot {first.snapshot_id}"):
            count(lab, f"orders FOR VERSION AS OF {first.snapshot_id}")
        return
    table.manage_snapshots().create_tag(first.snapshot_id, "early").commit()
    table.append(orders(2, 3))
    at = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC).isoformat()
    for version in (
        f"VERSION AS OF {first.snapshot_id}",
        "VERSION AS OF 'early'",
        f"TIMESTAMP AS OF '{at}'",
    ):
        assert count(lab, f"orders FOR {version}") == 1, version
    assert count(lab, "orders") == 3


def test_rows_that_were_deleted_are_not_read(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1, 2, 3))
    delete_row(table, 1)
    assert lab.rows("SELECT id FROM orders ORDER BY id") == [(1,), (3,)]


def test_the_metadata_of_a_table_is_read(lab: Lab, lake: Lake) -> None:
    table = lake.create("orders")
    table.append(orders(1))
    table.append(orders(2, 3))
    ids = [(snapshot.snapshot_id,) for snapshot in table.metadata.snapshots]
    assert lab.rows('SELECT snapshot_id FROM "orders$snapshots" ORDER BY committed_at') == ids
    assert lab.rows('SELECT sum(record_count) FROM "orders$files"') == [(3,)]


def test_a_new_column_is_seen_by_the_next_statement(lab: Lab, lake: Lake) -> None:
    from pyiceberg.types import StringType

    table = lake.create("orders")
    table.append(orders(1))
    assert lab.plan("SELECT * FROM orders").schema.names == ["id", "item"]
    with table.update_schema() as change:
        change.add_column("note", StringType())
    assert lab.rows("SELECT * FROM orders") == [(1, "item 1", None)]


def test_tables_of_one_name_in_two_catalogs_are_two(
    kind: Kind, lake: Lake, labs: Labs, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    other = namesake(sqlite_lake(elsewhere), lake)
    lake.create("orders").append(orders(1, 2))
    other.create("orders").append(orders(2, 3, 4))
    lab = labs(lake, other)
    ours, theirs = (f"{each.name}.{lake.root}.orders" for each in (lake, other))
    assert (count(lab, ours), count(lab, theirs)) == (2, 3)
    assert lab.rows(f"SELECT a.id FROM {ours} a JOIN {theirs} b ON a.id = b.id") == [(2,)]


def test_many_statements_ask_at_once(lake: Lake) -> None:
    for number in range(3):
        lake.create(f"t{number}").append(orders(*range(number + 1)))
    catalog = lake.open()

    def rows(number: int) -> int:
        table = catalog.load(lake.root, f"t{number % 3}")
        return table.plan_files(Anything()).record_count - number % 3

    with ThreadPoolExecutor(24) as threads:
        assert set(threads.map(rows, range(72))) == {1}


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.own])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Own]:
    (tmp_path / "own").mkdir()
    start = KINDS[request.param].own
    assert start is not None
    made = start(tmp_path / "own")
    yield made
    made.close()


def is_down(lab: Lab, lake: Lake) -> None:
    """Statements on *lake* are UNAVAILABLE, and the message names the catalog."""
    for sql in (
        f"SELECT * FROM {lake.name}.{lake.root}.orders",
        f"SELECT * FROM {lake.name}.{lake.root}.nothing",
    ):
        with pytest.raises(NotReady) as error:
            lab.rows(sql)
        assert error.value.code is Code.UNAVAILABLE
        assert error.value.message == f"catalog '{lake.name}' does not answer"


def comes_back(lab: Lab, lake: Lake) -> None:
    """Statements on *lake* are answered after a while."""

    def answers() -> bool:
        try:
            return lab.rows(f"SELECT id FROM {lake.name}.{lake.root}.orders") == [(1,)]
        except NotReady:
            return False

    settled(answers, f"{lake.name} is back")


def test_a_catalog_that_is_down_hinders_no_other_and_comes_back(
    own: Own, labs: Labs, tmp_path: Path
) -> None:
    (tmp_path / "steady").mkdir()
    steady = sqlite_lake(tmp_path / "steady")
    steady.create("orders").append(orders(7))
    own.lake.create("orders").append(orders(1))

    def serves(lab: Lab) -> None:
        assert lab.rows(f"SELECT id FROM {steady.name}.{steady.root}.orders") == [(7,)]

    own.down()
    catalog = own.lake.open(timedelta(seconds=5))
    lab = labs(steady, more={own.lake.name: catalog})  # down at the start
    for _ in range(own.times):
        is_down(lab, own.lake)
        serves(lab)
        own.up()
        comes_back(lab, own.lake)
        serves(lab)
        own.down()
    is_down(lab, own.lake)

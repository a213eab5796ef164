"""What every catalog promises (``flightlake.lake.catalogs.Catalog``), whatever is behind it.

A subclass gives the fixture ``lake``; the tests are the same for all.
"""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from pyiceberg.types import StringType

from flightlake.errors import NotFound
from flightlake.lake.predicates import Anything
from tests.fix_catalogs import ORDERS, Lake, orders

ODD_NAMES = ("Orders", "with space", "per%cent", 'quo"te', "ünï", "a+b", "a=b", "semi;colon")


class CatalogContract:
    """Derive from this, and give the fixture ``lake``."""

    def test_namespaces_are_schemas_nested_ones_too(self, lake: Lake) -> None:
        lake.writer.create_namespace((lake.root, "bronze"))
        lake.writer.create_namespace((lake.root, "bronze", "Inventory"))
        ours = [name for name in lake.open().db_schemas() if name.startswith(lake.root)]
        assert ours == [lake.root, f"{lake.root}.bronze", f"{lake.root}.bronze.Inventory"]

    def test_tables_of_a_nested_schema_are_listed_and_loaded(self, lake: Lake) -> None:
        lake.writer.create_namespace((lake.root, "bronze"))
        lake.writer.create_table((lake.root, "bronze", "customers"), ORDERS)
        catalog, db_schema = lake.open(), f"{lake.root}.bronze"
        assert catalog.tables(db_schema) == ["customers"]
        assert str(catalog.load(db_schema, "customers").identifier) == (
            f'{lake.name}."{db_schema}".customers'
        )

    def test_a_schema_without_tables_has_none(self, lake: Lake) -> None:
        assert lake.open().tables(lake.root) == []

    def test_tables_are_sorted(self, lake: Lake) -> None:
        for name in ("b", "c", "a"):
            lake.create(name)
        assert lake.open().tables(lake.root) == ["a", "b", "c"]

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_an_odd_name_is_listed_and_loaded(self, lake: Lake, name: str) -> None:
        lake.create(name).append(orders(1, 2))
        catalog = lake.open()
        assert catalog.tables(lake.root) == [name]
        table = catalog.load(lake.root, name)
        assert table.plan_files(Anything()).record_count == 2

    def test_names_are_case_sensitive(self, lake: Lake) -> None:
        lake.create("Orders")
        with pytest.raises(NotFound):
            lake.open().load(lake.root, "orders")

    def test_a_new_table_is_seen_by_the_next_call(self, lake: Lake) -> None:
        catalog = lake.open()
        assert catalog.tables(lake.root) == []
        lake.create("orders")
        assert catalog.tables(lake.root) == ["orders"]
        assert catalog.load(lake.root, "orders").snapshot_id is None

    def test_a_new_snapshot_is_seen_by_the_next_call(self, lake: Lake) -> None:
        written, catalog = lake.create("orders"), lake.open()
        seen = []
        for count in (1, 2, 3):
            written.append(orders(*range(count)))
            table = catalog.load(lake.root, "orders")
            seen.append(table.plan_files(Anything()).record_count)
            assert table.snapshot_id == written.metadata.current_snapshot_id
        assert seen == [1, 3, 6]

    def test_a_loaded_table_does_not_change(self, lake: Lake) -> None:
        written = lake.create("orders")
        written.append(orders(1))
        table = lake.load("orders")
        written.append(orders(2, 3))
        assert table.plan_files(Anything()).record_count == 1

    def test_a_table_is_read_at_the_snapshot_a_ticket_names(self, lake: Lake) -> None:
        written = lake.create("orders")
        written.append(orders(1))
        first = written.metadata.current_snapshot_id
        written.append(orders(2, 3))
        table = lake.load("orders")
        assert table.at_snapshot(first).plan_files(Anything()).record_count == 1
        assert table.at_snapshot(None).plan_files(Anything()).record_count == 0
        with pytest.raises(NotFound, match="expired"):
            table.at_snapshot(12345)

    def test_a_new_column_is_seen_by_the_next_call(self, lake: Lake) -> None:
        written, catalog = lake.create("orders"), lake.open()
        before = catalog.load(lake.root, "orders")
        with written.update_schema() as change:
            change.add_column("note", StringType())
        after = catalog.load(lake.root, "orders")
        assert before.schema == ORDERS
        assert after.schema == ORDERS.append(pa.field("note", pa.string()))
        assert after.at_snapshot(None, before.schema_id).schema == ORDERS

    def test_a_dropped_table_is_gone(self, lake: Lake) -> None:
        lake.create("orders")
        catalog = lake.open()
        catalog.load(lake.root, "orders")
        lake.writer.drop_table((lake.root, "orders"))
        assert catalog.tables(lake.root) == []
        with pytest.raises(NotFound):
            catalog.load(lake.root, "orders")

    def test_a_table_made_anew_under_its_name_is_another(self, lake: Lake) -> None:
        lake.create("orders").append(orders(1))
        catalog = lake.open()
        before = catalog.load(lake.root, "orders")
        lake.writer.drop_table((lake.root, "orders"))
        lake.create("orders").append(orders(1, 2))
        after = catalog.load(lake.root, "orders")
        assert after.uuid != before.uuid
        assert after.plan_files(Anything()).record_count == 2

    def test_a_renamed_table_has_its_new_name(self, lake: Lake) -> None:
        lake.create("orders")
        catalog = lake.open()
        catalog.load(lake.root, "orders")
        lake.writer.rename_table((lake.root, "orders"), (lake.root, "sales"))
        assert catalog.tables(lake.root) == ["sales"]
        assert catalog.load(lake.root, "sales").identifier.table == "sales"

    def test_an_unknown_table_is_not_found_and_the_nearest_is_named(self, lake: Lake) -> None:
        lake.create("orders")
        with pytest.raises(NotFound, match="did you mean 'orders'"):
            lake.open().load(lake.root, "ordres")

    def test_an_unknown_schema_is_not_found_and_the_nearest_is_named(self, lake: Lake) -> None:
        catalog, wrong = lake.open(), f"{lake.root}x"
        with pytest.raises(NotFound, match=f"has no schema '{wrong}'; did you mean '{lake.root}'"):
            catalog.tables(wrong)
        with pytest.raises(NotFound, match=f"has no schema '{wrong}'; did you mean '{lake.root}'"):
            catalog.load(wrong, "orders")

    def test_many_statements_ask_at_once(self, lake: Lake) -> None:
        written = [lake.create(f"t{number}") for number in range(4)]
        for number, table in enumerate(written):
            table.append(orders(*range(number + 1)))
        catalog = lake.open()

        def rows(number: int) -> int:
            table = catalog.load(lake.root, f"t{number % 4}")
            return table.plan_files(Anything()).record_count - number % 4

        with ThreadPoolExecutor(24) as threads:
            assert set(threads.map(rows, range(96))) == {1}

"""The behaviour suite of catalogs, against each real one."""

from pathlib import Path

import pytest

from flightlake.errors import NotFound
from flightlake.lake.predicates import Anything
from tests.conformance.catalog_contract import CatalogContract
from tests.fix_catalogs import Lake, orders, postgresql_lake, rest_lake, s3_lake, sqlite_lake
from tests.fix_rest_servers import nessie_lake


class TestSqlite(CatalogContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return sqlite_lake(tmp_path)


@pytest.mark.component("postgresql")
class TestPostgresql(CatalogContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return postgresql_lake(tmp_path)


@pytest.mark.component("iceberg-rest")
class TestRest(CatalogContract):
    @pytest.fixture
    def lake(self) -> Lake:
        return rest_lake()


@pytest.mark.component("nessie")
class TestNessie(CatalogContract):
    @pytest.fixture
    def lake(self) -> Lake:
        return nessie_lake()

    def test_a_table_is_read_at_the_snapshot_a_ticket_names(self, lake: Lake) -> None:
        # Nessie tells of the latest snapshot only: what was before is in its own history.
        written = lake.create("orders")
        written.append(orders(1))
        first = lake.load("orders")
        assert first.at_snapshot(first.snapshot_id).plan_files(Anything()).record_count == 1
        lake.writer.load_table((lake.root, "orders")).append(orders(2, 3))
        with pytest.raises(NotFound, match="expired"):
            lake.load("orders").at_snapshot(first.snapshot_id)


@pytest.mark.component("s3")
class TestSqliteWithFilesOnS3(CatalogContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return s3_lake(tmp_path)

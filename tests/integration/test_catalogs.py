"""The behaviour suite of catalogs, against each real one."""

from pathlib import Path

import pytest

from tests.conformance.catalog_contract import CatalogContract
from tests.fix_catalogs import Lake, postgresql_lake, rest_lake, s3_lake, sqlite_lake


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


@pytest.mark.component("s3")
class TestSqliteWithFilesOnS3(CatalogContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return s3_lake(tmp_path)

"""Fixtures of the query tests."""

import pytest

from tests.fix_catalogs import Lake
from tests.fix_engine import Served, Services, services, small_lake
from tests.fix_slow_catalog import HeldCatalog

__all__ = ["services"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with ``big``, ``few`` and ``nothing``, which no test changes."""
    return small_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture
def served(lake: Lake, services: Services) -> Served:
    return services(lake)


@pytest.fixture
def held(lake: Lake, services: Services) -> tuple[Served, HeldCatalog]:
    catalog = HeldCatalog(lake.open())
    return services(lake, more={lake.name: catalog}), catalog

"""Fixtures of the query tests."""

import pytest

from tests.fix_catalogs import Lake
from tests.fix_engine import services, small_lake

__all__ = ["services"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with ``big``, ``few`` and ``nothing``, which no test changes."""
    return small_lake(tmp_path_factory.mktemp("lake"))

"""Fixtures of the engine's tests."""

from pathlib import Path

import pytest

from tests.fix_catalogs import Lake
from tests.fix_engine import Lab, Labs, labs, small_lake

__all__ = ["labs"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with ``big``, ``few`` and ``nothing``."""
    return small_lake(tmp_path)


@pytest.fixture
def lab(lake: Lake, labs: Labs) -> Lab:
    """An engine on ``lake``."""
    return labs(lake)

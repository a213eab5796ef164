"""Fixtures of the engine's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fix_catalogs import Lake
from tests.fix_engine import Defaults, Lab, Labs, engine_on, labs, small_lake

__all__ = ["labs"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``lake``."""
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def lake(folder: Path) -> Lake:
    """A lake with ``big``, ``few`` and ``nothing``, which no test changes."""
    return small_lake(folder)


@pytest.fixture(scope="module")
def lab(lake: Lake, folder: Path) -> Iterator[Lab]:
    """An engine on ``lake``."""
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


@pytest.fixture
def own_lake(tmp_path: Path) -> Lake:
    """A lake as ``lake``, which the test may change."""
    return small_lake(tmp_path)


@pytest.fixture
def own_lab(own_lake: Lake, labs: Labs) -> Lab:
    """An engine on ``own_lake``."""
    return labs(own_lake)

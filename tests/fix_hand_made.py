"""A hand-made table for each test, and an engine that reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on
from tests.fix_row_deletes import HandMade, column, identity


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Lab]]:
    folder = tmp_path_factory.mktemp("deletes")
    lake = sqlite_lake(folder)
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield lake, Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


@pytest.fixture
def lab(world: tuple[Lake, Lab]) -> Lab:
    return world[1]


@pytest.fixture
def table(world: tuple[Lake, Lab], tmp_path: Path) -> HandMade:
    """A table of ``id`` and ``tag``, unpartitioned."""
    return HandMade(
        world[0], tmp_path / "hand", [column(1, "id", "long"), column(2, "tag", "string")]
    )


@pytest.fixture
def parted(world: tuple[Lake, Lab], tmp_path: Path) -> HandMade:
    """The same, partitioned by ``tag``."""
    columns = [column(1, "id", "long"), column(2, "tag", "string")]
    return HandMade(world[0], tmp_path / "hand", columns, partition=identity(2, "tag"))


def rows(table: HandMade, *ids: int, tag: str | None = "a") -> pa.Table:
    return pa.table({"id": list(ids), "tag": [tag] * len(ids)}, schema=table.arrow())


def keys(table: HandMade, **values: Any) -> pa.Table:
    """Return the rows of an equality delete file."""
    return pa.table(values, schema=table.arrow(*values))


def ids(lab: Lab) -> list[int]:
    return [number for (number,) in lab.rows("SELECT id FROM hand ORDER BY id")]


def refused(lab: Lab, kind: type[Exception], said: str, sql: str = "SELECT * FROM hand") -> None:
    with pytest.raises(kind, match=said) as error:
        lab.rows(sql)
    assert "file:" not in str(error.value)

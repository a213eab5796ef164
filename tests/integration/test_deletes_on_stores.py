"""Rows deleted from files of every odd name, on disk and on S3."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.fix_catalogs import Lake, s3_lake, sqlite_lake
from tests.fix_engine import Lab, Labs, labs
from tests.fix_row_deletes import HandMade, column

__all__ = ["labs"]

ODD = [
    *[f"x{character}y" for character in " %#?+=:&;,@!$'()*[]{}|\\^`~\"<>"],
    *("a=x%3Ay z", "%2F", "%", "é", "日本 語", "🙂", "e\u0301", "no extension"),
]

Delete = Callable[[HandMade, list[str]], object]

DELETES: dict[str, Delete] = {
    "positions": lambda table, paths: table.positions([(path, 1) for path in sorted(paths)]),
    "vectors": lambda table, paths: table.vectors({path: [1] for path in paths}),
    "values": lambda table, _: table.equality(pa.table({"n": [1]}, schema=table.arrow("n")), [2]),
}


class DeleteContract:
    """Derive from this, and give the fixture ``lake``."""

    @pytest.mark.parametrize("how", DELETES)
    @pytest.mark.parametrize("files", [5, len(ODD)])
    def test_deleted_rows_are_gone_and_no_others(
        self, lake: Lake, labs: Labs, tmp_path: Path, how: str, files: int
    ) -> None:
        location = str(lake.properties["warehouse"]) + f"/{uuid.uuid4().hex}"
        columns = [column(1, "id", "long"), column(2, "n", "int")]
        table = HandMade(lake, tmp_path / "x", columns, location=location)
        names = ODD[-files:]
        paths = []
        for number, name in enumerate(names):
            ids = [number * 10, number * 10 + 1, number * 10 + 2]
            rows = pa.table({"id": ids, "n": [0, 1, 2]}, schema=table.arrow())
            paths.append(table.data(rows, name=f"data/{name}/{name}"))
        DELETES[how](table, paths)
        lab: Lab = labs(lake)
        left = [number * 10 + row for number in range(len(names)) for row in (0, 2)]
        assert lab.rows("SELECT id FROM hand ORDER BY id") == [(id_,) for id_ in left]
        assert lab.rows("SELECT count(*) FROM hand WHERE n = 1") == [(0,)]
        assert lab.rows("SELECT count(*) FROM hand WHERE n = 2") == [(len(names),)]


class TestLocal(DeleteContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return sqlite_lake(tmp_path)


@pytest.mark.component("s3")
class TestS3(DeleteContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return s3_lake(tmp_path)

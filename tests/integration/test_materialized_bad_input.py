"""What goes wrong outside of a view has a stated outcome: its rows are right, or they stay as they
are and the refresh says why, in a sentence without paths."""

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.types import LongType, StringType

from flightlake.errors import FlightlakeError, InvalidSql, NotFound, PreconditionFailed
from tests.fix_materialized import Mill, Mills, Odd

ROWS = pa.schema([("k", pa.int32()), ("v", pa.int32())])


def rows(*keys: int) -> pa.Table:
    return pa.table({"k": list(keys), "v": list(keys)}, schema=ROWS)


def with_view(mill: Mill, query: str = "SELECT k, v FROM source") -> Mill:
    mill.lake.create("source", ROWS).append(rows(1, 2))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    return mill


def keys(mill: Mill) -> list[int]:
    return [row["k"] for row in mill.stored("v")]


def test_a_column_that_became_wider_is_a_column_of_another_type(mills: Mills) -> None:
    mill = with_view(mills())
    with mill.table("source").update_schema() as change:
        change.update_column("k", LongType())
    mill.table("source").append(pa.table({"k": [1 << 40], "v": pa.array([3], pa.int32())}))
    for full in ("", " FULL"):
        with pytest.raises(PreconditionFailed, match="other columns than when the view was made"):
            mill.run(f"REFRESH MATERIALIZED VIEW v{full}")
    assert keys(mill) == [1, 2]
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT k, v FROM source")
    assert keys(mill) == [1, 1 << 40, 2]


def test_a_column_that_became_wider_and_is_cast_is_no_change_of_the_view(mills: Mills) -> None:
    mill = with_view(mills(), "SELECT CAST(k AS BIGINT) AS k FROM source")
    with mill.table("source").update_schema() as change:
        change.update_column("k", LongType())
    mill.table("source").append(pa.table({"k": [1 << 40], "v": pa.array([3], pa.int32())}))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert sorted(keys(mill)) == [1, 2, 1 << 40]


def test_a_renamed_column_is_missed_by_its_name(mills: Mills) -> None:
    mill = with_view(mills())
    with mill.table("source").update_schema() as change:
        change.rename_column("v", "w")
    with pytest.raises(InvalidSql, match="column v does not exist"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    with mill.table("source").update_schema() as change:
        change.rename_column("w", "v")
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert keys(mill) == [1, 2]


def test_names_that_changed_places_are_noticed(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("source", ROWS).append(pa.table({"k": [1], "v": [2]}, schema=ROWS))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT k, v FROM source")
    for old, new in (("k", "x"), ("v", "k"), ("x", "v")):
        with mill.table("source").update_schema() as change:
            change.rename_column(old, new)
    swapped = pa.schema([("v", pa.int32()), ("k", pa.int32())])
    mill.table("source").append(pa.table({"v": [5], "k": [6]}, schema=swapped))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == [{"k": 2, "v": 1}, {"k": 6, "v": 5}]


def test_a_column_that_is_text_by_now_ends_the_refresh(mills: Mills) -> None:
    mill = with_view(mills(), "SELECT sum(v) AS k FROM source")
    with mill.table("source").update_schema() as change:
        change.delete_column("v")
    with mill.table("source").update_schema() as change:
        change.add_column("v", StringType())
    with pytest.raises(FlightlakeError) as caught:
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert "/" not in caught.value.message
    assert keys(mill) == [3]


def test_a_source_that_is_dropped_and_comes_back_as_a_view_of_the_view(mills: Mills) -> None:
    mill = with_view(mills())
    mill.lake.writer.drop_table((mill.lake.root, "source"))
    with pytest.raises(NotFound, match="source does not exist"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT k, v FROM v")
    with pytest.raises(InvalidSql, match="itself"):
        mill.run("CREATE MATERIALIZED VIEW source AS SELECT k, v FROM w")
    assert keys(mill) == [1, 2]


@pytest.mark.parametrize("when", ["", "REFRESH_MODE = FULL", "TARGET_LAG = '1 hour'"])
def test_a_view_never_reads_itself_through_two_others(mills: Mills, when: str) -> None:
    mill = with_view(mills())
    mill.run(f"CREATE MATERIALIZED VIEW w {when} AS SELECT k, v FROM v")
    mill.run(f"CREATE MATERIALIZED VIEW x {when} AS SELECT k, v FROM w")
    with pytest.raises(InvalidSql, match="itself"):
        mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v {when} AS SELECT k, v FROM x")
    assert keys(mill) == [1, 2]


class _Vanishing(Odd):
    """Calls ``vanish`` after the table ``source`` was loaded ``left`` more times."""

    left = -1
    vanish: Any = None
    lock = threading.Lock()

    def load(self, db_schema: str, table: str, *more: Any) -> Any:
        found = self.catalog.load(db_schema, table, *more)
        with self.lock:
            if table == "source":
                self.left -= 1
                if self.left == 0:
                    self.vanish()
        return found


@pytest.mark.parametrize("query", ["SELECT k, v FROM source", "SELECT max(k) AS k FROM source"])
@pytest.mark.parametrize("left", [1, 2, 3])
def test_a_source_whose_files_go_while_they_are_read(mills: Mills, query: str, left: int) -> None:
    mill = with_view(mills(_Vanishing), query)
    before = mill.stored("v")
    source = mill.table("source")
    source.append(rows(3))

    def vanish() -> None:
        tasks = mill.table("source").scan().plan_files()
        old = [Path(task.file.file_path.removeprefix("file://")) for task in tasks]
        mill.table("source").overwrite(rows(7, 8))
        table = mill.table("source")
        kept = table.current_snapshot()
        for snapshot in table.snapshots():
            if snapshot.snapshot_id != kept.snapshot_id:  # type: ignore[union-attr]
                table.maintenance.expire_snapshots().by_id(snapshot.snapshot_id).commit()
                table = mill.table("source")
        for path in old:
            path.unlink()

    mill.catalog.left, mill.catalog.vanish = left, vanish
    said = ""
    try:
        mill.run("REFRESH MATERIALIZED VIEW v")
    except FlightlakeError as failure:
        said = failure.message
    assert "/" not in said
    if said:
        assert mill.stored("v") == before
    else:
        assert keys(mill) in ([7, 8], [8], [1, 2, 3], [3])
    assert mill.catalog.left <= 0
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert keys(mill) == ([8] if "max" in query else [7, 8])

"""VERIFY: a view's rows against its query at the snapshots that the view records."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, DamagedData
from flightlake.lake.replacement import Replacement
from flightlake.refresh.outcomes import READY, VERIFICATIONS, Outcome
from flightlake.refresh.verifying import (
    DIFFERENT,
    OK,
    REPAIRED,
    UNVERIFIABLE,
    Verification,
    Verifier,
    repaired,
    verification_rows,
)
from tests.fix_catalogs import orders
from tests.fix_materialized import NEW, Mill, Mills, with_news
from tests.fix_table_changes import compact
from tests.fix_upkeep import committed, verified

THINGS = pa.table(
    {
        "id": pa.array([1, 1, 2, None, 3, 3], pa.int64()),
        "item": ["a", "a", None, "b", "", "ü"],
        "x": [1.5, 1.5, float("nan"), None, float("inf"), -0.0],
        "price": pa.array([Decimal("1.25"), Decimal("1.25"), None, Decimal("-3.00"), None, None]),
        "at": pa.array([datetime(2024, 2, 29, tzinfo=UTC)] * 5 + [None], pa.timestamp("us", "UTC")),
        "raw": [b"\0", b"\0", None, b"", b"\xff", b"x"],
        "yes": [True, True, None, False, True, False],
        "small": pa.array([1, 1, None, 2, 3, 4], pa.int32()),
        "single": pa.array([1.5, 1.5, None, float("nan"), 0.1, -2.0], pa.float32()),
    }
)


def _things(mill: Mill, query: str = "SELECT * FROM things") -> Mill:
    mill.lake.create("things", THINGS.schema).append(THINGS)
    mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    return mill


def _stored_instead(mill: Mill, rows: pa.Table, view: str = "v") -> None:
    """Let somebody else put *rows* in the place of those of *view*."""
    mill.table(view).overwrite(rows)


def _like(found: Verification, state: str, missing: int, extra: int) -> None:
    assert (found.state, found.missing, found.extra) == (state, missing, extra), found


def test_right_rows_are_found_right(mills: Mills) -> None:
    mill = _things(mills())
    found = verified(mill)
    _like(found, OK, 0, 0)
    assert (found.rows, found.reason, found.examples) == (6, None, None)
    assert found.snapshot == mill.table("v").metadata.current_snapshot_id


@pytest.mark.parametrize(
    ("what", "missing", "extra"),
    [
        ("a row is missing", 1, 0),
        ("one of two like rows is missing", 1, 0),
        ("a row is there twice", 0, 1),
        ("a null became a value", 1, 1),
        ("a value became null", 1, 1),
        ("a number changed", 1, 1),
        ("an empty text became null", 1, 1),
        ("a foreign row", 0, 1),
        ("all rows are gone", 6, 0),
    ],
)
def test_what_is_different_is_found(mills: Mills, what: str, missing: int, extra: int) -> None:
    mill = _things(mills())
    rows = mill.table("v").scan().to_arrow().to_pylist()
    by_item = {row["item"]: row for row in rows}
    if what == "a row is missing":
        rows.remove(by_item["b"])
    elif what == "one of two like rows is missing":
        rows.remove(by_item["a"])
    elif what == "a row is there twice":
        rows.append(by_item["b"])
    elif what == "a null became a value":
        by_item[None]["item"] = "null"
    elif what == "a value became null":
        by_item["b"]["price"] = None
    elif what == "a number changed":
        by_item["ü"]["x"] = 1e-9
    elif what == "an empty text became null":
        by_item[""]["item"] = None
    elif what == "a foreign row":
        rows.append({**by_item["b"], "id": 77})
    else:
        rows = []
    _stored_instead(mill, pa.Table.from_pylist(rows, THINGS.schema))
    found = verified(mill)
    _like(found, DIFFERENT, missing, extra)
    assert found.reason == "the view's table was changed by somebody else"
    assert found.examples is not None
    assert found.examples.count("missing: ") == min(missing, 5)
    assert found.examples.count("extra: ") == min(extra, 5)


def test_rows_that_were_wrong_from_the_beginning_are_found(mills: Mills) -> None:
    mill = _things(mills(), "SELECT id, item FROM things")
    real = Replacement.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replacement, "write", lambda self, batch: real(self, batch.slice(1)))
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
    found = verified(mill)
    assert (found.state, found.reason) == (DIFFERENT, "the rows are not those of the query")
    assert (found.missing, found.extra) == (1, 0)


def test_examples_name_the_columns(mills: Mills) -> None:
    mill = with_news(mills())
    mill.table("v").delete("id = 1")
    assert verified(mill).examples == "missing: id=1, n=1"


def test_the_query_is_run_at_the_snapshots_that_were_recorded(mills: Mills) -> None:
    mill = with_news(mills())  # a third order came since
    _like(verified(mill), OK, 0, 0)
    mill.table("orders").overwrite(orders(7, 8, 9))
    with mill.table("orders").update_schema() as change:
        change.rename_column("id", "number")
    _like(verified(mill), OK, 0, 0)


def test_sums_whose_order_may_differ_are_alike_and_others_not(mills: Mills) -> None:
    mill = mills()
    count = 3_000
    rows = pa.table(
        {
            "k": [number % 300 for number in range(count)],
            "x": [number * 0.1 + 1e-3 / (number + 1) for number in range(count)],
        }
    )
    mill.lake.create("floats", rows.schema).append(rows)
    mill.run(
        "CREATE MATERIALIZED VIEW v AS SELECT k, sum(x) AS s, avg(x) AS a FROM floats GROUP BY k"
    )
    stored = mill.table("v").scan().to_arrow()
    near = [value * (1 + (-1) ** place * 4e-13) for place, value in enumerate(_column(stored, "s"))]
    _stored_instead(mill, stored.set_column(1, "s", pa.array(near)))
    found = verified(mill)
    _like(found, OK, 0, 0)
    assert found.reason == "the view's table was changed by somebody else, and holds the same rows"
    near[5] *= 1 + 1e-7
    _stored_instead(mill, stored.set_column(1, "s", pa.array(near)))
    _like(verified(mill), DIFFERENT, 1, 1)


def _column(table: pa.Table, name: str) -> list[float]:
    values: list[float] = table[name].to_pylist()
    return values


@pytest.mark.parametrize(
    "query",
    [
        "WITH a AS (SELECT id FROM things) SELECT id FROM a ORDER BY id -- a remark",
        "SELECT id FROM things UNION ALL SELECT 5;",
        'SELECT count(*), max(id) AS "A ""Name""" FROM things',
        "SELECT arrow_cast(1, 'UInt8') AS a, arrow_cast(at, 'Timestamp(Nanosecond, None)') AS b"
        " FROM things",
        "SELECT id FROM things WHERE false",
        "SELECT t.id, u.item FROM things t LEFT JOIN things u ON t.id = u.id AND u.item = 'a'",
        "SELECT c0, weight FROM (SELECT id AS c0, small AS weight FROM things) AS side",
        "SELECT arrow_cast('a', 'Dictionary(Int32, Utf8)') AS d, X'00' AS b",
        "SELECT DATE '2020-01-01' AS a, TIME '10:11:12' AS b, 1 = 1 AS c",
        "VALUES (1, 'a'), (2, NULL)",
    ],
)
def test_all_kinds_of_queries_can_be_compared(mills: Mills, query: str) -> None:
    mill = _things(mills(), query)
    _like(verified(mill), OK, 0, 0)
    stored = mill.table("v").scan().to_arrow()
    mill.table("v").append(
        pa.table([pa.nulls(1, kind) for kind in stored.schema.types], stored.schema)
    )
    _like(verified(mill), DIFFERENT, 0, 1)


def test_a_view_of_a_view_is_compared_with_the_snapshot_it_read(mills: Mills) -> None:
    mill = with_news(mills())
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT sum(n) AS n FROM v")
    mill.run("REFRESH MATERIALIZED VIEW v")
    _like(verified(mill, "w"), OK, 0, 0)
    assert mill.stored("w") == [{"n": 2}]


def test_compaction_is_no_difference(mills: Mills) -> None:
    mill = with_news(mills())
    compact(mill.table("v"))
    _like(verified(mill), OK, 0, 0)
    assert verified(mill).reason is None


def test_a_view_without_rows_is_verified_too(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("orders")
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    _like(verified(mill), OK, 0, 0)


def test_what_cannot_be_computed_again_is_said(mills: Mills) -> None:
    mill = with_news(mills())
    table = mill.table("orders")
    with table.transaction() as change:
        change.set_properties({"x": "y"})
    mill.table("orders").maintenance.expire_snapshots().by_id(
        table.snapshots()[0].snapshot_id
    ).commit()
    found = verified(mill)
    assert found.state == UNVERIFIABLE
    assert found.reason is not None
    assert "has expired" in found.reason
    assert "run the statement again" not in found.reason
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    assert (verified(mill).state, "orders" in str(verified(mill).reason)) == (UNVERIFIABLE, True)
    mill.lake.create("orders").append(orders(1, 2))
    assert verified(mill).state == UNVERIFIABLE


def test_a_view_without_a_record_is_not_verifiable(mills: Mills) -> None:
    mill = with_news(mills())
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.state": "{}"})
    assert verified(mill).reason == "there is no record of what the rows were made of"


def test_columns_that_somebody_changed_are_told(mills: Mills) -> None:
    mill = with_news(mills())
    with mill.table("v").update_schema() as change:
        change.rename_column("n", "number")
    found = verified(mill)
    assert found.state == DIFFERENT
    assert found.reason == "the columns of the view's table were changed by somebody else"


def test_a_lost_file_is_an_error_and_no_answer(mills: Mills) -> None:
    mill = with_news(mills())
    (file,) = mill.files("v")
    file.unlink()
    with pytest.raises(DamagedData):
        verified(mill)


def test_it_can_be_cancelled(mills: Mills) -> None:
    mill = with_news(mills())
    made = mill.views.jobs.refresher
    call = Cancellation()
    call.cancel()
    verifier = Verifier(mill.engine, made.catalogs, made.threads, made.clock)
    with pytest.raises(Cancelled):
        verifier.verify(committed(mill, "v"), call)


def test_nothing_is_changed_by_it(mills: Mills, tmp_path: Path) -> None:
    mill = with_news(mills())
    mill.table("v").delete("id = 1")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "warehouse").rglob("*")}
    verified(mill)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "warehouse").rglob("*")}


def test_the_answer_is_a_row_for_a_person(mills: Mills) -> None:
    mill = with_news(mills())
    mill.table("v").delete("id = 1")
    found = verified(mill)
    table = verification_rows([found])
    assert table.schema == VERIFICATIONS
    (row,) = table.to_pylist()
    assert (row["state"], row["missing"], row["extra"], row["rows"]) == (DIFFERENT, 1, 0, 1)
    assert row["view"].endswith(".v")
    outcome = Outcome(found.view, READY, rows=2, snapshot=1)
    again = repaired(found, outcome)
    assert (again.state, again.rows, again.snapshot, again.missing) == (REPAIRED, 2, 1, 1)


def test_the_statement_tells_and_repairs(mills: Mills) -> None:
    mill = with_news(mills())
    assert mill.one("VERIFY MATERIALIZED VIEW v REPAIR")["state"] == OK
    mill.table("v").delete("id = 1")
    assert mill.one("VERIFY MATERIALIZED VIEW v")["state"] == DIFFERENT
    snapshot = mill.table("v").metadata.current_snapshot_id
    told = mill.one("VERIFY MATERIALIZED VIEW v REPAIR")
    assert (told["state"], told["missing"], told["extra"]) == (REPAIRED, 1, 0)
    assert told["snapshot"] == mill.table("v").metadata.current_snapshot_id != snapshot
    assert mill.stored("v") == NEW
    assert mill.one("VERIFY MATERIALIZED VIEW v")["state"] == OK

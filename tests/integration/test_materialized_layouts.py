"""Views that are cut by transforms with a width, as any engine finds their rows."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.table import Table

from flightlake.engine.sql_text import read
from flightlake.errors import InvalidSql
from flightlake.lake.encoding import Encoding
from tests.fix_engine import MOMENT, Defaults
from tests.fix_materialized import Mill, Mills, mills

__all__ = ["mills"]

COUNT = 200
ROWS = pa.table(
    {
        "id": pa.array([*range(-5, COUNT - 6), None], pa.int64()),
        "name": pa.array(
            [f"näme {number % 37}" if number % 9 else None for number in range(COUNT)]
        ),
        "price": pa.array([Decimal(number - 50) / 100 for number in range(COUNT)]).cast(
            pa.decimal128(12, 2)
        ),
        "at": pa.array(
            [datetime(1969, 12, 1) + timedelta(hours=17 * number) for number in range(COUNT)],
            pa.timestamp("us"),
        ),
    }
)


def _made(mill: Mill, terms: str) -> Table:
    source = mill.lake.create("t", ROWS.schema)
    source.append(ROWS)
    row = mill.one(f"CREATE MATERIALIZED VIEW v PARTITIONED BY ({terms}) AS SELECT * FROM t")
    assert row["rows"] == COUNT
    return mill.table("v")


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ("bucket(32, id)", ["id_bucket"]),
        ("bucket(16, name)", ["name_bucket"]),
        ("bucket(3, price), bucket(5, at)", ["price_bucket", "at_bucket"]),
        ("truncate(10, id)", ["id_trunc"]),
        ("truncate(6, name)", ["name_trunc"]),
        ("truncate(50, price), month(at)", ["price_trunc", "at_month"]),
    ],
)
def test_each_partition_has_one_file_and_only_rows_that_pyiceberg_puts_there(
    mills: Mills, terms: str, names: list[str]
) -> None:
    view = _made(mills(), terms)
    spec, schema = view.spec(), view.schema()
    assert [field.name for field in spec.fields] == names
    kinds = [schema.find_type(field.source_id) for field in spec.fields]
    seen = []
    for task in view.scan().plan_files():
        partition = tuple(task.file.partition)
        seen.append(partition)
        path = task.file.file_path.removeprefix("file://")
        rows = pq.read_table(path, partitioning=None).to_pylist()
        for row in rows:
            assert partition == tuple(
                field.transform.transform(kind)(
                    _as_iceberg(row[schema.find_column_name(field.source_id)])
                )
                for field, kind in zip(spec.fields, kinds, strict=True)
            )
    assert len(seen) == len(set(seen)) > 3


def _as_iceberg(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    return value


@pytest.mark.parametrize("terms", ["bucket(32, id)", "truncate(10, id)", "truncate(6, name)"])
def test_readers_leave_out_partitions_and_never_rows(mills: Mills, terms: str) -> None:
    mill = mills()
    view = _made(mill, terms)
    everything = len(list(view.scan().plan_files()))
    assert everything > 8  # fewer are never left out
    for condition in ("id = 7", "id = -5", "id IS NULL", "name = 'näme 3'", "name IS NULL"):
        wanted = _answer(mill, "t", condition)
        assert wanted
        assert _answer(mill, "v", condition) == wanted
        found = view.scan(row_filter=condition).to_arrow()
        assert len(found) == len(wanted)
        column = "id" if "id" in terms else "name"
        if condition.startswith(column):
            assert len(list(view.scan(row_filter=condition).plan_files())) < everything
            assert _files(mill, condition) < everything


def _answer(mill: Mill, table: str, condition: str) -> list[str]:
    return sorted(map(repr, _run(mill, table, condition)[0].to_pylist()))


def _files(mill: Mill, condition: str) -> int:
    return _run(mill, "v", condition)[1]


def _run(mill: Mill, table: str, condition: str) -> tuple[pa.Table, int]:
    text = read(f"SELECT * FROM {table} WHERE {condition}")
    defaults = Defaults(mill.lake.name, mill.lake.root)
    plan = mill.engine.plan(text, defaults, {}, {}, MOMENT, mill.call)
    result = mill.engine.start(plan, mill.call)
    try:
        rows = pa.Table.from_batches(list(result), result.schema)
    finally:
        result.close()
    (scans,) = plan.paths.values()
    return rows, sum(map(len, scans))


def test_a_view_keeps_its_buckets_from_refresh_to_refresh(mills: Mills) -> None:
    mill = mills()
    _made(mill, "bucket(4, id)")
    mill.table("t").append(ROWS)
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["rows"] == 2 * COUNT
    mill.table("t").delete("id < 20")
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["rows"] == len(mill.table("v").scan().to_arrow()) < 2 * COUNT
    assert len(mill.table("v").specs()) == 1
    (shown,) = mill.run("SHOW CREATE MATERIALIZED VIEW v")
    assert "PARTITIONED BY (bucket(4, id))" in shown["statement"]


def test_files_of_a_query_with_an_order_are_stretches_of_it(mills: Mills) -> None:
    mill = mills(encoding=Encoding(file_bytes=1_500_000, group_bytes=100_000, at_once=4))
    rows = (
        "SELECT value AS n, sha256(CAST(value AS VARCHAR)) AS noise FROM generate_series(1, 200000)"
    )
    for order, apart in (("ORDER BY noise", True), ("", False)):
        mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT n, noise FROM ({rows}) {order}")
        files = mill.table("v").inspect.files().to_pylist()
        assert sum(file["record_count"] for file in files) == 200_000
        bounds = [file["readable_metrics"]["noise"] for file in files]
        stretches = [(bound["lower_bound"], bound["upper_bound"]) for bound in bounds]
        assert len(stretches) > 2
        follows = all(a[1] <= b[0] for a, b in pairwise(sorted(stretches)))
        assert follows is apart


def test_a_number_that_cannot_be_truncated_ends_the_statement(mills: Mills) -> None:
    mill = mills()
    with pytest.raises(InvalidSql, match="cannot be truncated to multiples of 10"):
        mill.run(
            "CREATE MATERIALIZED VIEW v PARTITIONED BY (truncate(10, n)) AS"
            " SELECT CAST(-9223372036854775808 AS BIGINT) AS n"
        )
    assert mill.run("SHOW MATERIALIZED VIEWS") == []

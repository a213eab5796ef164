"""What the tables of materialized views hold: types, partitions, files."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from flightlake.errors import (
    InvalidSql,
    Unsupported,
)
from flightlake.lake.encoding import Encoding
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill, Mills

MOMENTS = pa.table(
    {
        "at": pa.array(
            [datetime(1969, 12, 31, 23), datetime(2024, 2, 29, 1), datetime(2024, 2, 29, 2), None],
            pa.timestamp("us"),
        ),
        "on": pa.array([date(1969, 12, 31), date(2024, 2, 29), date(2025, 1, 1), None]),
        "zoned": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")),
        "x": pa.array([1.5, float("nan"), None, -0.0]),
        "price": pa.array([Decimal("1.25"), None, Decimal("-3.00"), Decimal("0.01")]),
        "Name with, 'all'": pa.array(["a", "b", None, "ü"]),
        "raw": pa.array([b"\0", None, b"\xff", b""]),
        "yes": pa.array([True, False, None, True]),
    }
)


def loaded(mill: Mill) -> Mill:
    mill.lake.create("orders").append(orders(1, 2, 3))
    return mill


def test_all_types_come_back_as_the_query_gives_them(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("moments", MOMENTS.schema).append(MOMENTS)
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT * FROM moments")
    got = mill.table("v").scan().to_arrow().sort_by("at")
    want = mill.table("moments").scan().to_arrow().sort_by("at")
    assert got.schema.equals(want.schema)
    assert str(got.to_pylist()) == str(want.to_pylist())  # NaN is not equal to itself


def test_numbers_and_times_that_iceberg_lacks_are_stored_in_wider_ones(mills: Mills) -> None:
    mill = loaded(mills())
    row = mill.one(
        "CREATE MATERIALIZED VIEW v AS SELECT row_number() OVER (ORDER BY id) AS place,"
        " date_trunc('month', DATE '2024-02-29') AS month, arrow_cast(id, 'UInt8') AS small"
        " FROM orders WHERE id = 2"
    )
    assert row["rows"] == 1
    assert mill.stored("v") == [{"place": 1, "month": datetime(2024, 2, 1), "small": 2}]


def test_a_value_that_does_not_fit_ends_the_statement_and_no_view_is_made(mills: Mills) -> None:
    mill = mills()
    with pytest.raises(InvalidSql, match="column 'n' holds a value that does not fit int64"):
        mill.run(
            "CREATE MATERIALIZED VIEW v AS SELECT arrow_cast(18446744073709551615, 'UInt64') AS n"
        )
    with pytest.raises(InvalidSql, match="'t' holds a value that does not fit timestamp"):
        mill.run("CREATE MATERIALIZED VIEW v AS SELECT to_timestamp_nanos(1) AS t")
    assert mill.run("SHOW MATERIALIZED VIEWS") == []


@pytest.mark.parametrize(
    ("term", "parts"),
    [
        ('"on"', {"-1", "19782", "20089", "None"}),
        ('year("on")', {"-1", "54", "55", "None"}),
        ('month("on")', {"-1", "649", "660", "None"}),
        ('day("on")', {"1969-12-31", "2024-02-29", "2025-01-01", "None"}),
        ("month(at)", {"-1", "649", "None"}),
        ("day(at)", {"1969-12-31", "2024-02-29", "None"}),
        ("hour(at)", {"-1", "474769", "474770", "None"}),
        ("year(zoned)", {"54"}),
        ("price", {"1.25", "-3.00", "0.01", "None"}),
        ("yes", {"True", "False", "None"}),
    ],
)
def test_partitions_hold_what_their_values_say(mills: Mills, term: str, parts: set[str]) -> None:
    mill = mills()
    mill.lake.create("moments", MOMENTS.schema).append(MOMENTS)
    mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY ({term}) AS SELECT * FROM moments")
    view = mill.table("v")
    files = view.inspect.files().to_pylist()
    if term != '"on"':  # whose partition pyiceberg shows as a date
        assert {str(next(iter(file["partition"].values()))) for file in files} == parts
    assert len(files) == len(parts)
    # Whoever filters is not misled by partitions or bounds.
    for condition in ("\"on\" = '2024-02-29'", "at < '1970-01-01T00:00:00'", "price >= 0.01"):
        got = view.scan(row_filter=condition).to_arrow()
        want = mill.table("moments").scan(row_filter=condition).to_arrow()
        assert sorted(map(str, got.to_pylist())) == sorted(map(str, want.to_pylist()))


def test_files_are_cut_at_a_size_and_have_ids_and_bounds(mills: Mills) -> None:
    mill = mills(encoding=Encoding(file_bytes=100_000))
    row = mill.one(
        "CREATE MATERIALIZED VIEW v AS SELECT value AS n, sha256(CAST(value AS VARCHAR)) AS noise"
        " FROM generate_series(1, 3000000)"
    )
    assert row["rows"] == 3_000_000
    files = mill.table("v").inspect.files().to_pylist()
    assert len(files) > 1
    assert sum(file["record_count"] for file in files) == 3_000_000
    bounds = [file["readable_metrics"]["n"] for file in files]
    assert min(bound["lower_bound"] for bound in bounds) == 1
    assert max(bound["upper_bound"] for bound in bounds) == 3_000_000
    assert all(dict(file["null_value_counts"])[1] == 0 for file in files)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("nothing", "no column 'nothing'"),
        ("itm", "did you mean 'item'"),
        ("day(item)", "cannot be cut so"),
        ("bucket(id, 4)", "is not written here"),
        ("bucket(0, id)", "n from 1 to 2147483647"),
        ("truncate(4, item), truncate(5, nothing)", "no column"),
        ("id, id", "twice"),
    ],
)
def test_partitions_that_cannot_be_cut_are_refused(mills: Mills, term: str, words: str) -> None:
    mill = loaded(mills())
    with pytest.raises((InvalidSql, Unsupported), match=words):
        mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY ({term}) AS SELECT * FROM orders")

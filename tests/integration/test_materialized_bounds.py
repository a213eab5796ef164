"""What the manifests of a view say of its files leads no other engine to leave out rows."""

from datetime import datetime

import pyarrow as pa
import pytest

from flightlake.lake import encoding
from tests.components import duckdb_reader
from tests.fix_catalogs import started
from tests.fix_materialized import Mills

ODD_TEXTS = (
    "CASE s.value WHEN 1 THEN repeat('z', 5000) WHEN 2 THEN repeat(chr(55295), 20)"
    " WHEN 3 THEN repeat(chr(1114111), 20) WHEN 4 THEN '' WHEN 5 THEN NULL"
    " WHEN 6 THEN repeat('ß', 17) ELSE CAST(value AS VARCHAR) END"
)
VALUES = (
    "SELECT value AS n, t, arrow_cast(t, 'Binary') AS b,"
    " CASE WHEN value < 4 THEN 'NaN'::DOUBLE WHEN value = 4 THEN -0.0 WHEN value = 5 THEN 0.0"
    " WHEN value = 6 THEN 'inf'::DOUBLE ELSE value::DOUBLE END AS x,"
    " CAST(5 - value AS DECIMAL(38, 2)) AS d, CAST(5 - value AS DECIMAL(9, 2)) AS e,"
    " CASE WHEN value = 5 THEN NULL ELSE arrow_cast(value - 6, 'Timestamp(Microsecond, None)') END"
    " AS moment"
    f" FROM (SELECT value, {ODD_TEXTS} AS t FROM generate_series(1, 12) AS s (value)) AS inner_rows"
    " ORDER BY value"
)
CONDITIONS = (
    "t >= 'zz'", "t < '1'", "t = ''", "t is null", "t > '\ud7fe'", "t > '9'", "x = 0", "x < 0",
    "x > 100", "x >= -1", "d < 0", "d = -7", "d >= 4", "e < 0", "e = 4", "n = 12",
    "moment < '1970-01-01T00:00:00'", "moment >= '1970-01-01T00:00:00'", "moment is null",
)  # fmt: skip


@pytest.mark.component("duckdb")
@pytest.mark.parametrize("group", [1, 3, 100])
def test_whoever_filters_finds_all_rows(
    mills: Mills, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    # Rows of one file in several row groups, of which some have no bounds: Arrow's writer leaves
    # out those of long values.
    monkeypatch.setattr(encoding, "_GROUP_ROWS", group)
    mill = mills(encoding=encoding.Encoding(at_once=1))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {VALUES}")
    view = mill.table("v")
    everything = view.scan().to_arrow()
    assert everything.num_rows == 12
    plain = mill.lake.create("plain", everything.schema)
    plain.append(everything)
    python = started(duckdb_reader)
    # What DuckDB finds by the view's manifests, and by those of a table with all of it in memory.
    tables = {"v": view.metadata_location, "plain": mill.table("plain").metadata_location}
    queries = [
        f"SELECT n FROM {source} WHERE {condition} ORDER BY n"
        for condition in CONDITIONS
        for source in ("v", "(SELECT * FROM plain ORDER BY n LIMIT 1000)")
    ]
    answers = duckdb_reader.read(python, tables, queries)
    for condition, got, want in zip(CONDITIONS, answers[::2], answers[1::2], strict=True):
        assert got == want, condition
        if "x" not in condition:  # where NaN is, engines differ
            found = view.scan(row_filter=condition).to_arrow()["n"].to_pylist()
            assert sorted(found) == [int(n) for (n,) in want], condition
    for number, condition in enumerate(CONDITIONS):
        made = f"CREATE MATERIALIZED VIEW f{number} AS SELECT n FROM {{}} WHERE {condition}"
        mill.run(made.format("v"))
        kept = mill.stored(f"f{number}")
        mill.run(
            made.replace("CREATE", "CREATE OR REPLACE").format("(SELECT * FROM plain LIMIT 99)")
        )
        assert kept == mill.stored(f"f{number}"), condition


@pytest.mark.parametrize("term", ["year(at)", "month(at)", "day(at)", "hour(at)", "at"])
@pytest.mark.parametrize("type_", ["Timestamp(Microsecond, None)", "Date32"])
def test_times_that_stand_for_ever_and_for_never_are_partitions_like_others(
    mills: Mills, term: str, type_: str
) -> None:
    if type_ == "Date32" and term == "hour(at)":
        return
    mill = mills()
    moments = pa.table(
        {
            "at": pa.array(
                [datetime(1, 1, 1), datetime(9999, 12, 31), datetime(1969, 12, 31), None]
                + [datetime(2024, 2, day) for day in range(1, 20)],
                pa.timestamp("us"),
            )
        }
    )
    table = mill.lake.create("moments", moments.schema)
    table.append(moments)
    query = f"SELECT arrow_cast(at, '{type_}') AS at, count(*) AS n FROM moments GROUP BY at"
    mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY ({term}) AS {query}")
    assert len(mill.stored("v")) == 23
    for row in range(4):
        table.append(moments.slice(row, 1))
        mill.run("REFRESH MATERIALIZED VIEW v")
        assert sorted(r["n"] for r in mill.stored("v")) == [1] * (22 - row) + [2] * (row + 1)


@pytest.mark.component("duckdb")
@pytest.mark.parametrize("layout", ["", "PARTITIONED BY (day(moment))", "PARTITIONED BY (year(d))"])
def test_days_that_python_does_not_have_are_written_and_found(mills: Mills, layout: str) -> None:
    mill = mills()
    numbers = pa.table(
        {
            "n": pa.array(range(6), pa.int64()),
            "d": pa.array([-800_000, 3_000_000, 0, None, -1, 30], pa.int32()),
            # Before year 1; of year 75000; the first one that has five digits.
            "m": pa.array([-(2**61), 2**61, 0, None, -1, 253_402_300_800_000_000], pa.int64()),
        }
    )
    mill.lake.create("numbers", numbers.schema).append(numbers)
    mill.run(
        f"CREATE MATERIALIZED VIEW v {layout} AS SELECT n, arrow_cast(d, 'Date32') AS d,"
        " arrow_cast(m, 'Timestamp(Microsecond, None)') AS moment FROM numbers"
    )
    wanted = {
        "moment > TIMESTAMP '2000-01-01 00:00:00'": [1, 5],
        "moment < TIMESTAMP '1970-01-01 00:00:00'": [0, 4],
        "d < DATE '1970-01-01'": [0, 4],
        "d > DATE '2000-01-01'": [1],
        "moment IS NULL": [3],
    }
    tables = {"v": mill.table("v").metadata_location}
    queries = [f"SELECT n FROM v WHERE {condition} ORDER BY n" for condition in wanted]
    answers = duckdb_reader.read(started(duckdb_reader), tables, queries)
    assert [[int(n) for (n,) in rows] for rows in answers] == list(wanted.values())
    for number, (condition, rows) in enumerate(wanted.items()):
        mill.run(f"CREATE MATERIALIZED VIEW f{number} AS SELECT n FROM v WHERE {condition}")
        assert [row["n"] for row in mill.stored(f"f{number}")] == rows, condition
    for condition, rows in (("moment > '2000-01-01T00:00:00'", [1, 5]), ("d > '2000-01-01'", [1])):
        found = mill.table("v").scan(row_filter=condition, selected_fields=("n",)).to_arrow()
        assert sorted(found["n"].to_pylist()) == rows

"""What the engine really says becomes an error of the right class, in a sentence without paths."""

import random
from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.engine.datafusion_errors import translate
from flightlake.engine.sql_text import read
from flightlake.errors import (
    DamagedData,
    FlightlakeError,
    InternalError,
    InvalidSql,
    NotFound,
    NotReady,
    Overloaded,
    Unsupported,
)
from tests.fix_catalogs import Lake
from tests.fix_engine import Defaults, Lab, Labs, data_files


@pytest.mark.parametrize(
    ("sql", "error", "said"),
    [
        ("SELECT 1 FROM few WHERE (id", InvalidSql, "syntax error at the end"),
        ("SELECT 1 +", InvalidSql, "syntax error at the end of the statement"),
        ("SELECT ?,\n ? FROM few few few", InvalidSql, "syntax error at line 2, column 17"),
        ("SELECT nme FROM few", InvalidSql, "column nme does not exist; did you mean 'name'"),
        ("SELECT qqq FROM few", InvalidSql, "column qqq does not exist; there are id, name"),
        ("SELECT nofunc(1)", InvalidSql, "Invalid function 'nofunc'"),
        ("SELECT abs('x', 2)", InvalidSql, "abs"),
        ("SELECT id FROM few GROUP BY name", InvalidSql, "GROUP BY"),
        ("SELECT 1 / 0", InvalidSql, "[Dd]ivide by zero"),
        ("SELECT id / 0 FROM few", InvalidSql, "[Dd]ivide by zero"),
        ("SELECT CAST('x' AS INT)", InvalidSql, "Cannot cast string 'x'"),
        ("SELECT CAST(name AS INT) FROM few", InvalidSql, "Cannot cast string 'n"),
        ("SELECT id FROM few UNION SELECT id, name FROM few", InvalidSql, "different number"),
        ("SELECT id, 1 FROM few UNION ALL SELECT 1, id FROM few", Unsupported, "called id.*AS"),
        ("SELECT (SELECT id FROM few)", InvalidSql, "more than one row|subquery"),
        ("SELECT id, name FROM few LIMIT -1", InvalidSql, "LIMIT must be"),
        ("SELECT id IN (SELECT id FROM few) FROM few", Unsupported, "only as a condition"),
        ("SELECT EXISTS (SELECT 1 FROM few)", Unsupported, "only as a condition"),
        ("SELECT null::int" + "[]" * 2_000, InvalidSql, "too deeply nested"),
        ("SELECT * FROM few TABLESAMPLE (10 ROWS) PIVOT x", InvalidSql, "syntax error"),
        ("SELECT 1 INTO x", InvalidSql, "DDL"),
        ("EXPLAIN EXPLAIN SELECT 1", InvalidSql, "Nested EXPLAIN"),
        ("WITH a AS (DELETE FROM few) SELECT 1", FlightlakeError, "."),
        ("SELECT approx_percentile_cont(id, .5, 9223372036854775807) FROM few", InternalError, "."),
        ("SELECT array_resize([1], -1)", InternalError, "defect"),
        ("SELECT * FROM information_schema.nope", NotFound, "columns, schemata, tables and views"),
    ],
)  # fmt: skip
def test_error_of_the_engine_is_told_by_class_and_sentence(
    lab: Lab, sql: str, error: type[FlightlakeError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        lab.rows(sql)
    message = caught.value.message
    assert "/" not in message.replace("1 / 0", "").replace("id / 0", "")
    assert "DataFusion" not in message
    assert len(message) <= 600


def test_too_little_memory_is_said(lake: Lake, labs: Labs) -> None:
    lab = labs(lake, memory_bytes=1 << 16)
    with pytest.raises(Overloaded, match=r"more memory than this server gives it"):
        lab.rows("SELECT array_agg(a.grp || b.grp || c.grp) FROM big a, big b, big c")


def test_show_tables_without_a_catalog_says_what_to_set(lab: Lab) -> None:
    with pytest.raises(NotFound, match="set the session option 'catalog'"):
        lab.rows("SHOW TABLES", defaults=Defaults("", ""))


def test_broken_files_are_damage_and_never_name_a_path(tmp_path: Path, own_lab: Lab) -> None:
    # Broken after planning, so that only the engine sees it.
    plan = own_lab.plan("SELECT * FROM few")
    file = data_files(tmp_path, "few")[0]
    whole = file.read_bytes()
    source = random.Random(7)  # noqa: S311 - the same each time
    outcomes, said = set(), set()
    for number in range(120):
        content = bytearray(whole)
        if number % 3 == 0:
            content = content[: source.randrange(len(content))]
        elif number % 3 == 1:
            place = source.randrange(len(content) - 20)
            content[place : place + 20] = source.randbytes(20)
        else:
            place = 4 + source.randrange(200)
            content[place : place + 4] = b"\xff" * 4
        file.write_bytes(content)
        try:
            result = own_lab.engine.start(plan, Cancellation())
            rows = sum(batch.num_rows for batch in result)
        except FlightlakeError as error:
            outcomes.add(type(error))
            said.add(error.message)
        else:
            assert rows == 6  # what was hit does not count
    # A few breaks are taken for a type that is not supported, or end in a panic without a name.
    assert DamagedData in outcomes
    assert not [message for message in said if "/" in message]
    assert outcomes <= {DamagedData, InternalError}


def test_a_store_that_fails_while_a_file_is_read_is_no_broken_file() -> None:
    said = (
        "DataFusion error: Parquet error: External: Generic S3 error: Error performing GET"
        " http://store/lake/1.parquet in 2s, after 10 retries, max_retries: 10, retry_timeout: 180s"
        "  - Server returned non-2xx status code: 500 Internal Server Error: "
    )
    assert isinstance(translate(Exception(said), read("SELECT 1")), NotReady)


def test_too_many_open_files_are_not_a_store_that_does_not_answer() -> None:
    said = (
        "External: Object Store error: Generic LocalFileSystem error: Unable to open file"
        " /lake/data/1.parquet: Too many open files (os error 24)"
    )
    error = translate(Exception(said), read("SELECT 1"))
    assert isinstance(error, Overloaded)
    assert "more data files than this server may have open" in error.message
    assert "/lake" not in error.message

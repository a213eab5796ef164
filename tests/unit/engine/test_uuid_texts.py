"""UUIDs written as text, and what they are compared with."""

import uuid
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from flightlake.engine.parameters import bind
from flightlake.engine.sql_text import read
from flightlake.engine.uuid_texts import with_bytes
from flightlake.errors import InvalidSql
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on
from tests.fix_row_deletes import HandMade, column, identity

LOW, HIGH = uuid.UUID(int=7), uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7")
OTHER = uuid.UUID(int=8)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of the table ``hand``, partitioned by a UUID, in more files than are few."""
    folder = tmp_path_factory.mktemp("uuids")
    lake: Lake = sqlite_lake(folder)
    columns = [column(1, "u", "uuid"), column(2, "s", "string"), column(3, "n", "long")]
    made = HandMade(lake, folder / "x", columns, partition=identity(1, "u"))
    for number in range(12):
        value = LOW if number % 2 else HIGH
        rows = {"u": [value.bytes], "s": [str(value)], "n": [number]}
        made.data(pa.table(rows, made.arrow()), partition=(value,))
    made.data(pa.table({"u": [None], "s": [None], "n": [None]}, made.arrow()), partition=(None,))
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


def count(lab: Lab, where: str, *values: Any) -> int:
    bound = {str(number): pa.scalar(value) for number, value in enumerate(values, 1)}
    ((found,),) = lab.rows(f"SELECT count(*) FROM hand WHERE {where}", values=bound)
    return int(found)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (f"u = '{HIGH}'", 6),
        (f"u = '{str(HIGH).upper()}'", 6),
        (f"'{HIGH}' = u", 6),
        (f"'{HIGH}' <> hand.u", 6),
        (f"u IN ('{HIGH}', '{OTHER}')", 6),
        (f"u NOT IN ('{HIGH}')", 6),
        (f"u > '{LOW}'", 6),
        (f"u BETWEEN '{LOW}' AND '{OTHER}'", 6),
        (f"u = '{HIGH}' AND s = '{HIGH}'", 6),
        (f"s IN ('{HIGH}') AND u = '{LOW}'", 0),
        (f"CASE WHEN u = '{LOW}' THEN s ELSE '{LOW}' END = '{LOW}'", 13),
        (f"u = '{OTHER}'", 0),
        (f"s = '{HIGH}'", 6),
    ],
)
def test_a_uuid_is_compared_with_its_text(lab: Lab, where: str, expected: int) -> None:
    assert count(lab, where) == expected


def test_a_uuid_is_compared_with_the_text_of_a_parameter(lab: Lab) -> None:
    assert count(lab, "u = $1", str(HIGH)) == 6
    assert count(lab, "u IN ($1, $2)", str(HIGH), str(LOW)) == 12
    assert count(lab, "u = $1 AND s = $2", str(HIGH), str(HIGH)) == 6


def test_a_text_that_is_bound_to_a_uuid_becomes_its_bytes(lab: Lab) -> None:
    schema = lab.engine.outline(read("SELECT 1 FROM hand WHERE u = ?"), lab.defaults, {}).parameters
    assert schema.types == [pa.binary(16)]
    assert bind([pa.scalar(str(HIGH))], schema)["1"].as_py() == HIGH.bytes


def test_files_of_other_partitions_are_left_out(lab: Lab) -> None:
    plan = lab.plan(f"SELECT n FROM hand WHERE u = '{HIGH}'")
    ((scanned,),) = plan.paths.values()
    assert len(scanned) == 6


def test_a_text_that_is_selected_stays_text(lab: Lab) -> None:
    sql = f"SELECT DISTINCT '{LOW}' AS t, u FROM hand WHERE u = '{HIGH}'"
    assert lab.rows(sql) == [(str(LOW), HIGH.bytes)]


def test_a_uuid_is_shown_as_text(lab: Lab) -> None:
    shown = lab.rows("SELECT DISTINCT encode(u, 'hex') FROM hand WHERE u IS NOT NULL ORDER BY 1")
    assert shown == [(LOW.hex,), (HIGH.hex,)]


@pytest.mark.parametrize(
    "where", ["u = 'no uuid'", "u = s", f"u = concat('{HIGH}')", f"u LIKE '{HIGH}'"]
)
def test_what_is_no_uuid_is_refused_as_before(lab: Lab, where: str) -> None:
    with pytest.raises(InvalidSql):
        count(lab, where)


def test_what_is_compared_with_another_column_stays_as_it_is() -> None:
    columns = [pa.field("S", pa.string()), pa.field("u", pa.binary(16))]
    sql = f"SELECT 1 FROM t WHERE \"S\" = '{LOW}' OR t.u = '{LOW}' OR '{LOW}' < t.\"S\""
    (made,) = with_bytes(sql, {}, columns)
    assert made.count("arrow_cast") == 1
    assert made.count(str(LOW)) == 2

"""What is bound means what the same value means when it is written into the statement."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.engine.parameters import bind
from flightlake.engine.sql_text import read
from flightlake.errors import InvalidRequest, InvalidSql
from tests.fix_catalogs import sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on

TYPES = pa.schema(
    [
        ("id", pa.int64()), ("i", pa.int32()), ("f", pa.float32()), ("d", pa.float64()),
        ("m", pa.decimal128(12, 2)), ("s", pa.string()), ("b", pa.bool_()), ("dt", pa.date32()),
        ("ts", pa.timestamp("us")), ("tz", pa.timestamp("us", tz="UTC")), ("x", pa.binary()),
        ("t", pa.time64("us")),
    ]
)  # fmt: skip
NOON = datetime(2024, 1, 1, 12)
ROW: dict[str, Any] = {
    "id": 1, "i": 1, "f": 0.5, "d": 1.5, "m": Decimal("10.55"), "s": "a", "b": True,
    "dt": date(2024, 1, 1), "ts": NOON, "tz": NOON.replace(tzinfo=UTC), "x": b"a", "t": time(1, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("typed")
    lake = sqlite_lake(folder)
    rows = [ROW, {**ROW, "id": 2, "i": 2, "m": Decimal("10.56")}]
    lake.create("p", TYPES).append(pa.Table.from_pylist(rows, TYPES))
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


def run(lab: Lab, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    outline = lab.engine.outline(read(sql), lab.defaults, {})
    scalars = [value if isinstance(value, pa.Scalar) else pa.scalar(value) for value in values]
    return lab.rows(sql, values=bind(scalars, outline.parameters))


@pytest.mark.parametrize("name", TYPES.names)
def test_parameter_has_the_type_of_the_column_and_finds_its_value(typed: Lab, name: str) -> None:
    sql = f"SELECT max({name}) FROM p WHERE {name} = ?"
    outline = typed.engine.outline(read(sql), typed.defaults, {})
    assert outline.parameters.types == [TYPES.field(name).type]
    assert run(typed, sql, pa.scalar(ROW[name], TYPES.field(name).type)) == [(ROW[name],)]
    for null in (None, pa.scalar(None, TYPES.field(name).type), pa.scalar(None, pa.string())):
        assert run(typed, sql, null) == [(None,)]


@pytest.mark.parametrize(
    ("condition", "value", "ids"),
    [
        ("m = ?", 10.55, [1]),
        ("m = ?", 10.555, []),  # not rounded to 10.56
        ("m > ?", 10.555, [2]),
        ("m = ?", Decimal("10.555"), []),
        ("m = ?", "10.55", [1]),
        ("f = ?", 0.5, [1, 2]),
        ("f = ?", 0.1, []),
        ("i = ?", 2**40, []),
        ("i = ?", 1.5, []),
        ("i < ?", 1.5, [1]),
        ("i = ?", "2", [2]),
        ("dt = ?", NOON, []),  # not cut down to its day
        ("dt = ?", datetime(2024, 1, 1), [1, 2]),
        ("dt = ?", "2024-01-01", [1, 2]),
        ("ts = ?", pa.scalar(1704110400000000000, pa.timestamp("ns")), [1, 2]),
        ("s = ?", pa.scalar("a", pa.large_string()), [1, 2]),
        ("s = ?", pa.scalar("a", pa.string_view()), [1, 2]),
        ("s = ?", pa.array(["a"]).dictionary_encode()[0], [1, 2]),
        ("s LIKE ?", "a%", [1, 2]),
        ("b = ?", "true", [1, 2]),
        ("?", True, [1, 2]),
        ("id = ? + 1", 1, [2]),
        ("id IN (SELECT id FROM p WHERE id < ?)", 2, [1]),
        ("id = (SELECT max(id) FROM p WHERE id < ?)", 2, [1]),
        ("coalesce(NULL, ?) = id", 2, [2]),
    ],
)
def test_value_is_compared_as_a_literal_would_be(
    typed: Lab, condition: str, value: Any, ids: list[int]
) -> None:
    assert run(typed, f"SELECT id FROM p WHERE {condition} ORDER BY id", value) == [
        (number,) for number in ids
    ]


def test_parameters_go_by_their_numbers(typed: Lab) -> None:
    assert run(typed, "SELECT $2, $1", 1, "b") == [("b", 1)]
    assert run(typed, "SELECT $3, $1", 1, 0, "c") == [("c", 1)]
    assert run(typed, "SELECT id FROM p WHERE id = $1 AND i = $1", 2) == [(2,)]
    assert run(typed, "SELECT ?, '?', ? -- ?", 1, 2) == [(1, "?", 2)]


def test_limit_and_offset_take_parameters(typed: Lab) -> None:
    sql = "SELECT id FROM p ORDER BY id LIMIT ? OFFSET ?"
    assert typed.engine.outline(read(sql), typed.defaults, {}).parameters.types == [pa.int64()] * 2
    assert run(typed, sql, 1, 1) == [(2,)]
    assert run(typed, "SELECT id FROM p ORDER BY id LIMIT?", "1") == [(1,)]
    with pytest.raises(InvalidSql, match="LIMIT must be"):
        run(typed, sql, -1, 0)


NANOSECOND = pa.scalar(1704110400000000001, pa.timestamp("ns"))


@pytest.mark.parametrize(
    ("name", "value"), [("i", "x"), ("dt", "yesterday"), ("m", b"a"), ("ts", NANOSECOND)]
)
def test_value_that_its_type_cannot_hold_is_refused(typed: Lab, name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"parameter \$1 is .* and cannot take a value of"):
        run(typed, f"SELECT id FROM p WHERE {name} = ?", value)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_wrong_number_of_values_is_refused(typed: Lab, count: int) -> None:
    with pytest.raises(InvalidRequest, match=f"has 2 parameters and {count} are bound"):
        run(typed, "SELECT ?, ?", *[1] * count)


@pytest.mark.parametrize(
    "value",
    [None, True, 5, 1.5, "x' OR 1=1 --", b"\x00", Decimal("1.50"), [1, None], {"a": 1}, NOON],
)
def test_any_value_comes_back_as_it_was_bound(typed: Lab, value: Any) -> None:
    assert run(typed, "SELECT ?", value) == [(value,)]

"""The rows of a view are those of its query, whatever their types and values are."""

import math
import random
import string
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.schema import index_by_id

from flightlake.engine.sql_text import read
from flightlake.lake.storable import as_stored, file_schema, iceberg_schema
from tests.fix_engine import MOMENT, Defaults
from tests.fix_materialized import Mill, Mills, mills

__all__ = ["mills"]

Draw = Callable[[random.Random], Any]

_FLOATS = (0.0, -0.0, 1.5, -1e300, math.inf, -math.inf, math.nan)
_PLAIN: list[tuple[pa.DataType, Draw]] = [
    (pa.bool_(), lambda chance: chance.random() < 0.5),
    (pa.int32(), lambda chance: chance.choice([0, -1, 2**31 - 1, -(2**31), 7])),
    (pa.int64(), lambda chance: chance.randint(-(2**63), 2**63 - 1)),
    (pa.float32(), lambda chance: chance.choice([0.0, -1.5, math.nan, math.inf])),
    (pa.float64(), lambda chance: chance.choice(_FLOATS)),
    (pa.decimal128(9, 2), lambda chance: Decimal(chance.randint(-(10**9) + 1, 10**9 - 1)) / 100),
    (pa.decimal128(18, 0), lambda chance: Decimal(chance.randint(-(10**18) + 1, 10**18 - 1))),
    (pa.decimal128(38, 3), lambda chance: Decimal(chance.choice(["-1.001", "0", "9" * 35]))),
    (pa.string(), lambda chance: _text(chance)),
    (pa.binary(), lambda chance: chance.randbytes(chance.randint(0, 40))),
    (pa.binary(4), lambda chance: chance.randbytes(4)),
    (pa.date32(), lambda chance: date(1, 1, 1) + timedelta(days=chance.randint(0, 3_000_000))),
    (pa.time64("us"), lambda chance: time(23, 59, 59, chance.randint(0, 999_999))),
    (pa.timestamp("us"), lambda chance: _instant(chance)),
    (pa.timestamp("us", "UTC"), lambda chance: _instant(chance).replace(tzinfo=UTC)),
]


def _text(chance: random.Random) -> str:
    length = chance.choice([0, 1, 12, 13, 200, 5000])
    return "".join(chance.choices(string.ascii_letters + "äß漢🙂\0", k=length))


def _instant(chance: random.Random) -> datetime:
    return datetime(1900, 1, 1) + timedelta(microseconds=chance.randint(0, 2**53))


def _type(chance: random.Random, depth: int) -> tuple[pa.DataType, Draw]:
    """Return a type, nested at most *depth* deep, and what draws values of it."""
    kind = chance.choice(["plain", "plain", "list", "struct", "map"]) if depth else "plain"
    if kind == "plain":
        return chance.choice(_PLAIN)
    if kind == "list":
        inside, value = _type(chance, depth - 1)
        return pa.list_(inside), lambda chance: [
            _or_null(chance, value) for _ in range(chance.randint(0, 3))
        ]
    if kind == "struct":
        members = {name: _type(chance, depth - 1) for name in chance.sample("abC", 2)}
        made = pa.struct([(name, inside) for name, (inside, _) in members.items()])
        return made, lambda chance: {
            name: _or_null(chance, value) for name, (_, value) in members.items()
        }
    (key_type, key), (inside, value) = (
        chance.choice([_PLAIN[1], _PLAIN[8]]),
        _type(chance, depth - 1),
    )
    return pa.map_(key_type, inside), lambda chance: list(
        {key(chance): _or_null(chance, value) for _ in range(chance.randint(0, 3))}.items()
    )


def _or_null(chance: random.Random, value: Draw) -> Any:
    return None if chance.random() < 0.2 else value(chance)


def _table(chance: random.Random, rows: int, depth: int) -> pa.Table:
    columns: dict[str, pa.Array] = {"id": pa.array(range(rows), pa.int64())}
    for number in range(chance.randint(1, 5)):
        type_, value = _type(chance, depth)
        # Few values, so that columns are worth a dictionary, or many.
        pool = [_or_null(chance, value) for _ in range(chance.choice([2, rows]))]
        columns[f"c{number}"] = pa.array([chance.choice(pool) for _ in range(rows)], type_)
    return pa.table(columns)


def _shown(table: pa.Table) -> list[str]:
    """Return rows so that NaN and -0.0 are what they are."""
    return [repr(row) for row in table.sort_by("id").to_pylist()]


@pytest.mark.parametrize("seed", range(10))
def test_a_view_has_the_rows_of_its_table(mills: Mills, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    mill = mills()
    rows = _table(chance, 40, depth=3)
    source = mill.lake.create("t", rows.schema)
    # Not appended: pyiceberg writes lists of structs that are null as empty ones.
    pq.write_table(rows, tmp_path / "t.parquet")
    source.add_files([str(tmp_path / "t.parquet")])
    made = mill.one("CREATE MATERIALIZED VIEW v AS SELECT * FROM t")
    assert made["rows"] == len(rows)
    assert _shown(_read(mill, "t")) == _shown(rows)
    assert _shown(_read(mill, "v")) == _shown(rows)
    view = mill.table("v")
    assert _shown(view.scan().to_arrow()) == _shown(source.scan().to_arrow())
    (file,) = mill.files("v")
    assert _shown(pq.read_table(file)) == _shown(rows)
    ids = set(index_by_id(view.schema()))
    assert ids == _ids(pq.ParquetFile(file).schema_arrow)
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    assert _shown(_read(mill, "v")) == _shown(rows)
    assert len(mill.table("v").schemas()) == 1


def _ids(schema: pa.Schema) -> set[int]:
    found: set[int] = set()
    waiting = list(schema)
    while waiting:
        field = waiting.pop()
        if field.metadata and b"PARQUET:field_id" in field.metadata:
            found.add(int(field.metadata[b"PARQUET:field_id"]))
        if pa.types.is_nested(field.type):
            waiting += [field.type.field(number) for number in range(field.type.num_fields)]
    return found


def _read(mill: Mill, name: str) -> pa.Table:
    text = read(f"SELECT * FROM {name}")
    plan = mill.engine.plan(
        text, Defaults(mill.lake.name, mill.lake.root), {}, {}, MOMENT, mill.call
    )
    result = mill.engine.start(plan, mill.call)
    try:
        return pa.Table.from_batches(list(result), result.schema)
    finally:
        result.close()


@pytest.mark.parametrize("seed", range(30))
def test_types_that_engines_have_beside_are_stored_without_loss(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    rows = _table(chance, 20, depth=3)
    widened = rows.cast(pa.schema([(field.name, _other(field.type)) for field in rows.schema]))
    schema = file_schema(iceberg_schema(widened.schema))
    stored = [as_stored(batch, schema) for batch in widened.to_batches()]
    assert _shown(pa.Table.from_batches(stored, schema)) == _shown(rows)
    assert schema.types == file_schema(iceberg_schema(rows.schema)).types


def _other(type_: pa.DataType) -> pa.DataType:
    """Return a type that an engine may have in the place of *type_*."""
    if pa.types.is_struct(type_):
        return pa.struct([(member.name, _other(member.type)) for member in type_])
    if pa.types.is_list(type_):
        return pa.large_list(_other(type_.value_type))
    if pa.types.is_map(type_):
        return pa.map_(_other(type_.key_type), _other(type_.item_type))
    if pa.types.is_string(type_):
        return pa.large_string()
    return pa.large_binary() if type_ == pa.binary() else type_

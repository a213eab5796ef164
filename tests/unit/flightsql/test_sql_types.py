"""Arrow types by their SQL names."""

import pyarrow as pa
import pytest

from flightlake.flightsql.sql_types import sql_type


@pytest.mark.parametrize(
    ("arrow", "name", "precision", "scale"),
    [
        (pa.bool_(), "BOOLEAN", 1, None),
        (pa.int8(), "TINYINT", 3, 0),
        (pa.int64(), "BIGINT", 19, 0),
        (pa.uint32(), "INTEGER UNSIGNED", 10, 0),
        (pa.float32(), "REAL", 7, None),
        (pa.float64(), "DOUBLE", 15, None),
        (pa.decimal128(12, 2), "DECIMAL", 12, 2),
        (pa.decimal256(60, 5), "DECIMAL", 60, 5),
        (pa.date32(), "DATE", 10, None),
        (pa.time64("us"), "TIME", 15, 6),
        (pa.timestamp("s"), "TIMESTAMP", 19, 0),
        (pa.timestamp("us"), "TIMESTAMP", 26, 6),
        (pa.timestamp("us", "UTC"), "TIMESTAMP WITH TIME ZONE", 32, 6),
        (pa.month_day_nano_interval(), "INTERVAL", None, None),
        (pa.duration("s"), "INTERVAL", None, None),
        (pa.utf8(), "VARCHAR", None, None),
        (pa.large_utf8(), "VARCHAR", None, None),
        (pa.string_view(), "VARCHAR", None, None),
        (pa.binary(), "BYTEA", None, None),
        (pa.binary_view(), "BYTEA", None, None),
        (pa.binary(16), "BYTEA", 16, None),
        (pa.uuid(), "UUID", 36, None),
        (pa.list_(pa.int8()), "ARRAY", None, None),
        (pa.large_list(pa.int8()), "ARRAY", None, None),
        (pa.struct([("a", pa.int8())]), "STRUCT", None, None),
        (pa.map_(pa.utf8(), pa.int8()), "MAP", None, None),
        (pa.null(), "NULL", None, None),
        (pa.dictionary(pa.int32(), pa.utf8()), "VARCHAR", None, None),
        (pa.run_end_encoded(pa.int32(), pa.int64()), "BIGINT", 19, 0),
        (pa.json_(pa.utf8()), "VARCHAR", None, None),
    ],
)
def test_an_arrow_type_has_an_sql_name(
    arrow: pa.DataType, name: str, precision: int | None, scale: int | None
) -> None:
    described = sql_type(arrow)
    assert (described.name, described.precision, described.scale) == (name, precision, scale)


def test_only_text_is_case_sensitive() -> None:
    assert sql_type(pa.utf8()).case_sensitive
    assert not sql_type(pa.int32()).case_sensitive


def test_nested_values_cannot_be_searched() -> None:
    assert sql_type(pa.int32()).searchable
    assert not sql_type(pa.struct([])).searchable

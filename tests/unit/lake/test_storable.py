"""Columns of a query are stored in Iceberg's types without loss, or refused by name."""

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema, index_by_id
from pyiceberg.types import LongType, NestedField, StringType

from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.storable import as_stored, file_schema, iceberg_schema, stored_type


@pytest.mark.parametrize(
    ("found", "stored"),
    [
        (pa.bool_(), "boolean"),
        (pa.int8(), "int"),
        (pa.uint16(), "int"),
        (pa.int32(), "int"),
        (pa.uint32(), "long"),
        (pa.int64(), "long"),
        (pa.uint64(), "long"),
        (pa.float16(), "float"),
        (pa.float32(), "float"),
        (pa.float64(), "double"),
        (pa.decimal128(38, 4), "decimal(38, 4)"),
        (pa.decimal256(20, 0), "decimal(20, 0)"),
        (pa.date32(), "date"),
        (pa.time64("ns"), "time"),
        (pa.timestamp("ns"), "timestamp"),
        (pa.timestamp("s", "Europe/Paris"), "timestamptz"),
        (pa.string_view(), "string"),
        (pa.large_string(), "string"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (pa.binary(16), "fixed[16]"),
        (pa.large_binary(), "binary"),
        (pa.list_(pa.uint32()), "list<long>"),
        (pa.list_(pa.float16(), 3), "list<float>"),
        (pa.large_list(pa.list_(pa.string_view())), "list<list<string>>"),
        (
            pa.struct([("a", pa.int8()), ("B", pa.list_(pa.bool_()))]),
            "struct<1: a: optional int, 2: B: optional list<boolean>>",
        ),
        (pa.map_(pa.large_string(), pa.int16()), "map<string, int>"),
    ],
)
def test_a_type_is_stored_as_one_that_holds_all_its_values(found: pa.DataType, stored: str) -> None:
    assert str(stored_type(found)) == stored


@pytest.mark.parametrize(
    "found",
    [
        pa.null(), pa.duration("us"), pa.month_day_nano_interval(), pa.list_(pa.null()),
        pa.struct([]), pa.struct([("a", pa.int8()), ("A", pa.int8())]), pa.decimal256(39, 0),
        pa.map_(pa.string(), pa.duration("s")), pa.struct({"a": pa.list_(pa.date64())}),
        pa.date64(), pa.decimal128(5, -2),
    ],
)  # fmt: skip
def test_a_type_that_iceberg_lacks_is_refused_with_the_column_s_name(found: pa.DataType) -> None:
    with pytest.raises(Unsupported, match="column 'odd'"):
        iceberg_schema(pa.schema([("odd", found)]))


def test_columns_keep_their_ids_while_they_are_the_same() -> None:
    before = Schema(NestedField(4, "a", LongType()), NestedField(7, "b", StringType()))
    columns = pa.schema([("b", pa.string()), ("a", pa.int32()), ("c", pa.int64())])
    made = iceberg_schema(columns, before, highest=9, schema_id=3)
    assert [(field.name, field.field_id) for field in made.fields] == [
        ("b", 7), ("a", 10), ("c", 11),
    ]  # fmt: skip
    assert made.schema_id == 3
    ids = [field.metadata[b"PARQUET:field_id"] for field in file_schema(made)]
    assert ids == [b"7", b"10", b"11"]


def test_what_is_inside_of_columns_has_ids_that_nothing_else_has_and_keeps_them() -> None:
    inside = pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))])
    columns = pa.schema([("a", pa.list_(inside)), ("m", pa.map_(pa.string(), inside))])
    made = iceberg_schema(columns, highest=4)
    assert str(made.as_struct()) == (
        "struct<5: a: optional list<struct<8: x: optional long, 9: y: optional list<string>>>,"
        " 6: m: optional map<string, struct<13: x: optional long, 14: y: optional list<string>>>>"
    )
    ids = set(index_by_id(made))
    assert ids == set(range(5, 16))
    wider = pa.schema([("n", pa.list_(pa.int64())), *reversed(list(columns))])
    again = iceberg_schema(wider, made, highest=15)
    assert [again.find_field("a"), again.find_field("m")] == [
        made.find_field("a"), made.find_field("m"),
    ]  # fmt: skip
    assert {again.find_field("n").field_id, again.find_field("n.element").field_id} == {16, 17}
    changed = pa.schema([("a", pa.list_(pa.struct([("x", pa.int64())])))])
    assert min(index_by_id(iceberg_schema(changed, made, highest=15))) == 16


def test_a_column_that_is_called_as_a_member_of_another_is_refused() -> None:
    columns = pa.schema([("a", pa.struct([("b", pa.int64())])), ("a.b", pa.int64())])
    with pytest.raises(InvalidSql, match="called as a member of another one"):
        iceberg_schema(columns)


def test_two_columns_of_one_name_are_refused() -> None:
    for names in (("a", "a"), ("a", "A")):
        with pytest.raises(InvalidSql, match="two columns"):
            iceberg_schema(pa.schema([(name, pa.int64()) for name in names]))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([2**63], pa.uint64()),
        pa.array([1], pa.timestamp("ns")),
        pa.array([1], pa.time64("ns")),
        pa.array([[{"a": 2**63}]], pa.list_(pa.struct([("a", pa.uint64())]))),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.timestamp("ns"))),
    ],
)
def test_a_value_that_does_not_fit_is_never_stored_as_another(values: pa.Array) -> None:
    batch = pa.record_batch({"odd": values})
    schema = file_schema(iceberg_schema(batch.schema))
    with pytest.raises(InvalidSql, match="column 'odd'"):
        as_stored(batch, schema)


def test_values_that_fit_are_what_they_were() -> None:
    batch = pa.record_batch(
        {
            "n": pa.array([1, None], pa.uint64()),
            "t": pa.array([1000, None], pa.timestamp("ns")),
            "z": pa.array([1, None], pa.timestamp("s", "Europe/Paris")),
            "s": pa.array(["ä", None], pa.string_view()),
            "d": pa.array(["ä", None]).dictionary_encode(),
        }
    )
    stored = as_stored(batch, file_schema(iceberg_schema(batch.schema)))
    assert stored["n"].to_pylist() == [1, None]
    assert stored["t"].cast(pa.int64()).to_pylist() == [1, None]
    assert stored["z"].cast(pa.int64()).to_pylist() == [1_000_000, None]
    assert stored["s"].to_pylist() == stored["d"].to_pylist() == ["ä", None]

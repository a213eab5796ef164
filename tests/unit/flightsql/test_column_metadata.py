"""The metadata of result columns."""

import pyarrow as pa

from flightlake.flightsql.column_metadata import describe_field, describe_schema


def _metadata(field: pa.Field) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in field.metadata.items()}


def test_a_column_of_a_table_names_it() -> None:
    field = describe_field(
        pa.field("price", pa.decimal128(12, 2), nullable=False),
        catalog="lake",
        db_schema="bronze",
        table="orders",
    )
    assert _metadata(field) == {
        "ARROW:FLIGHT:SQL:CATALOG_NAME": "lake",
        "ARROW:FLIGHT:SQL:DB_SCHEMA_NAME": "bronze",
        "ARROW:FLIGHT:SQL:SCHEMA_NAME": "bronze",
        "ARROW:FLIGHT:SQL:TABLE_NAME": "orders",
        "ARROW:FLIGHT:SQL:TYPE_NAME": "DECIMAL",
        "ARROW:FLIGHT:SQL:PRECISION": "12",
        "ARROW:FLIGHT:SQL:SCALE": "2",
        "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT": "0",
        "ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE": "0",
        "ARROW:FLIGHT:SQL:IS_READ_ONLY": "1",
        "ARROW:FLIGHT:SQL:IS_SEARCHABLE": "1",
    }
    assert (field.name, field.type, field.nullable) == ("price", pa.decimal128(12, 2), False)


def test_a_computed_column_names_no_table() -> None:
    metadata = _metadata(describe_field(pa.field("x", pa.utf8())))
    assert "ARROW:FLIGHT:SQL:TABLE_NAME" not in metadata
    assert "ARROW:FLIGHT:SQL:PRECISION" not in metadata
    assert metadata["ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE"] == "1"


def test_a_comment_becomes_remarks_and_storage_details_stay_inside() -> None:
    field = pa.field(
        "x", pa.int32(), metadata={"doc": "Größe", "PARQUET:field_id": "7", "mine": "kept"}
    )
    metadata = _metadata(describe_field(field))
    assert metadata["ARROW:FLIGHT:SQL:REMARKS"] == "Größe"
    assert metadata["mine"] == "kept"
    assert "PARQUET:field_id" not in metadata
    assert "doc" not in metadata


def test_a_schema_keeps_its_own_metadata_and_its_fields_order() -> None:
    schema = pa.schema([("b", pa.int32()), ("a", pa.utf8()), ("b", pa.int8())], {"k": "v"})
    described = describe_schema(schema, table="t")
    assert described.equals(schema, check_metadata=False)
    assert described.metadata == {b"k": b"v"}
    assert all(b"ARROW:FLIGHT:SQL:TABLE_NAME" in field.metadata for field in described)


def test_describing_twice_changes_nothing() -> None:
    schema = describe_schema(pa.schema([("a", pa.int32())]), table="t")
    assert describe_schema(schema, table="t").equals(schema, check_metadata=True)

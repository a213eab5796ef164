"""The metadata schemas, spelt out a second time from the specification."""

import pyarrow as pa
import pytest

from flightlake.flightsql import schemas

FOREIGN = [
    "pk_catalog_name: string",
    "pk_db_schema_name: string",
    "pk_table_name: string not null",
    "pk_column_name: string not null",
    "fk_catalog_name: string",
    "fk_db_schema_name: string",
    "fk_table_name: string not null",
    "fk_column_name: string not null",
    "key_sequence: int32 not null",
    "fk_key_name: string",
    "pk_key_name: string",
    "update_rule: uint8 not null",
    "delete_rule: uint8 not null",
]
TABLES = [
    "catalog_name: string",
    "db_schema_name: string",
    "table_name: string not null",
    "table_type: string not null",
]


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        (schemas.CATALOGS, ["catalog_name: string not null"]),
        (schemas.DB_SCHEMAS, ["catalog_name: string", "db_schema_name: string not null"]),
        (schemas.TABLES, TABLES),
        (schemas.TABLES_WITH_SCHEMA, [*TABLES, "table_schema: binary not null"]),
        (schemas.TABLE_TYPES, ["table_type: string not null"]),
        (
            schemas.PRIMARY_KEYS,
            [
                "catalog_name: string",
                "db_schema_name: string",
                "table_name: string not null",
                "column_name: string not null",
                "key_sequence: int32 not null",
                "key_name: string",
            ],
        ),
        (schemas.FOREIGN_KEYS, FOREIGN),
        (
            schemas.XDBC_TYPE_INFO,
            [
                "type_name: string not null",
                "data_type: int32 not null",
                "column_size: int32",
                "literal_prefix: string",
                "literal_suffix: string",
                "create_params: list<item: string not null>",
                "nullable: int32 not null",
                "case_sensitive: bool not null",
                "searchable: int32 not null",
                "unsigned_attribute: bool",
                "fixed_prec_scale: bool not null",
                "auto_increment: bool",
                "local_type_name: string",
                "minimum_scale: int32",
                "maximum_scale: int32",
                "sql_data_type: int32 not null",
                "datetime_subcode: int32",
                "num_prec_radix: int32",
                "interval_precision: int32",
            ],
        ),
    ],
)
def test_a_schema_is_that_of_the_specification(schema: pa.Schema, fields: list[str]) -> None:
    assert [
        f"{field.name}: {field.type}{'' if field.nullable else ' not null'}" for field in schema
    ] == fields


def test_no_child_of_the_sql_info_union_may_be_null() -> None:
    value = schemas.SQL_INFO.field("value")
    assert not value.nullable
    children = [value.type.field(number) for number in range(value.type.num_fields)]
    assert [(child.name, str(child.type), child.nullable) for child in children] == [
        ("string_value", "string", False),
        ("bool_value", "bool", False),
        ("bigint_value", "int64", False),
        ("int32_bitmask", "int32", False),
        ("string_list", "list<item: string>", False),
        ("int32_to_int32_list_map", "map<int32, list<item: int32>>", False),
    ]
    assert value.type.type_codes == [0, 1, 2, 3, 4, 5]
    assert value.type.mode == "dense"

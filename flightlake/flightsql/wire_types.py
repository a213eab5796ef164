"""The types that go over the wire: those of the result, but views become plain columns.

Many clients cannot read ``string_view``, ``binary_view`` and list views, and metadata columns
are cast by ADBC and JDBC to plain strings.  The engine may produce views anywhere; here they are
replaced, at any depth, and the replaced schema is the one that clients are told.
"""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from flightlake.errors import Unsupported


def wire_schema(schema: pa.Schema) -> pa.Schema:
    """Return *schema* as clients see it; the same object if nothing has to be replaced.

    Raises:
        Unsupported: A view is inside a union or a run-end encoded column.
    """
    if not any(_holds_view(field.type) for field in schema):
        return schema
    return pa.schema([_wire_field(field) for field in schema], metadata=schema.metadata)


def to_wire(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return *batch* with the types of *schema*, which is ``wire_schema(batch.schema)``.

    Columns that need no change are not copied.
    """
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [
        column if column.type.equals(field.type) else _to_wire(column, field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    if columns:
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    return batch.replace_schema_metadata(schema.metadata)  # keeps the number of rows


def holds_dictionary(data_type: pa.DataType) -> bool:
    """Return whether *data_type* is or holds a dictionary, at any depth."""
    if isinstance(data_type, pa.BaseExtensionType):
        return holds_dictionary(data_type.storage_type)
    if kinds.is_dictionary(data_type):
        return True
    return any(holds_dictionary(child.type) for child in _children(data_type))


def _children(data_type: pa.DataType) -> list[pa.Field]:
    if kinds.is_run_end_encoded(data_type):
        return [pa.field("values", data_type.value_type)]
    return [data_type.field(index) for index in range(data_type.num_fields)]


def _wire_field(field: pa.Field, column: str = "", in_list: bool = False) -> pa.Field:
    return field.with_type(_wire_type(field.type, column or field.name, in_list))


def _wire_type(data_type: pa.DataType, column: str, in_list: bool = False) -> pa.DataType:
    if kinds.is_string_view(data_type):
        return pa.string()
    if kinds.is_binary_view(data_type):
        return pa.binary()
    if not _holds_view(data_type):
        return data_type
    if kinds.is_dictionary(data_type):
        values = _wire_type(data_type.value_type, column, in_list)
        return pa.dictionary(data_type.index_type, values, data_type.ordered)
    if kinds.is_map(data_type):
        key, item = data_type.key_field, data_type.item_field
        return pa.map_(
            _wire_field(key, column, True),
            _wire_field(item, column, True),
            keys_sorted=data_type.keys_sorted,
        )
    if kinds.is_struct(data_type):
        return pa.struct([_wire_field(field, column, in_list) for field in data_type])
    if kinds.is_fixed_size_list(data_type):
        return pa.list_(_wire_field(data_type.value_field, column, True), data_type.list_size)
    if kinds.is_list(data_type) or (kinds.is_list_view(data_type) and not in_list):
        return pa.list_(_wire_field(data_type.value_field, column, True))
    if kinds.is_large_list(data_type) or (kinds.is_large_list_view(data_type) and not in_list):
        return pa.large_list(_wire_field(data_type.value_field, column, True))
    raise Unsupported(
        f"column {column!r} holds view types inside {data_type}, which clients cannot read: "
        "cast it to a plain type"
    )


def _holds_view(data_type: pa.DataType) -> bool:
    if isinstance(data_type, pa.BaseExtensionType):
        return False  # its storage is its own affair
    if kinds.is_dictionary(data_type):
        return _holds_view(data_type.value_type)
    views = (
        kinds.is_string_view,
        kinds.is_binary_view,
        kinds.is_list_view,
        kinds.is_large_list_view,
    )
    if any(is_view(data_type) for is_view in views):
        return True
    return any(_holds_view(child.type) for child in _children(data_type))


def _to_wire(array: pa.Array, data_type: pa.DataType) -> pa.Array:
    if kinds.is_list_view(array.type) or kinds.is_large_list_view(array.type):
        return _plain_list(array, data_type)
    if kinds.is_struct(array.type):
        children = [
            _to_wire(child, field.type)
            for child, field in zip(array.flatten(), data_type, strict=True)
        ]
        # flatten() has pushed the parent's nulls into the children: both say the same now.
        return pa.StructArray.from_arrays(children, fields=list(data_type), mask=array.is_null())
    return array if array.type.equals(data_type) else array.cast(data_type)


def _plain_list(array: pa.Array, data_type: pa.DataType) -> pa.Array:
    # Not cast(): it reads beyond the offsets of a list view (pyarrow 26).
    large = kinds.is_large_list(data_type)
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
    values = _to_wire(array.flatten(), data_type.value_type)
    kind = pa.LargeListArray if large else pa.ListArray
    return kind.from_arrays(
        offsets.cast(pa.int64() if large else pa.int32()),
        values,
        type=data_type,
        mask=array.is_null(),
    )

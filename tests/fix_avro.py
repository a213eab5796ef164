"""Avro files made by hand: any schema, any codec, blocks of any size, and manifests in them."""

import bz2
import json
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

SYNC = bytes(range(16))


def number(value: int) -> bytes:
    """Return an encoded int or long."""
    raw = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while raw > 0x7F:
        encoded.append((raw & 0x7F) | 0x80)
        raw >>= 7
    return bytes([*encoded, raw])


def encoded(schema: Any, value: Any, items_per_block: int = 0) -> bytes:
    """Return *value* as *schema* encodes it.

    A value of a union is a pair: the number of the branch and the value.  With
    *items_per_block*, arrays come in blocks of so many items which say how many bytes they have.
    """
    if isinstance(schema, list):
        branch, inner = value
        return number(branch) + encoded(schema[branch], inner, items_per_block)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return b"".join(
            encoded(member["type"], value[member["name"]], items_per_block)
            for member in schema["fields"]
        )
    if kind in ("array", "map"):
        if kind == "map":
            pair = {
                "type": "record",
                "fields": [
                    {"name": "key", "type": "string"},
                    {"name": "value", "type": schema["values"]},
                ],
            }
            items = [encoded(pair, {"key": key, "value": of}) for key, of in value.items()]
        else:
            items = [encoded(schema["items"], item, items_per_block) for item in value]
        return _blocks(items, items_per_block)
    if isinstance(kind, dict | list):
        return encoded(kind, value, items_per_block)
    return _PLAIN[kind](value)


def _blocks(items: Sequence[bytes], items_per_block: int) -> bytes:
    if not items_per_block:
        return (number(len(items)) + b"".join(items) if items else b"") + number(0)
    parts = []
    for at in range(0, len(items), items_per_block):
        block = items[at : at + items_per_block]
        content = b"".join(block)
        parts += [number(-len(block)), number(len(content)), content]
    return b"".join(parts) + number(0)


_PLAIN: Mapping[str, Callable[[Any], bytes]] = {
    "null": lambda value: b"",
    "boolean": lambda value: bytes([value]),
    "int": number,
    "long": number,
    "enum": number,
    "float": lambda value: struct.pack("<f", value),
    "double": lambda value: struct.pack("<d", value),
    "bytes": lambda value: number(len(value)) + value,
    "string": lambda value: number(len(value.encode())) + value.encode(),
    "fixed": lambda value: value,
}


def _deflated(block: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(block) + packer.flush()


def _snappy(block: bytes) -> bytes:
    packed: bytes = pa.Codec("snappy").compress(block, asbytes=True)
    return packed + zlib.crc32(block).to_bytes(4, "big")


CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "null": lambda block: block,
    "deflate": _deflated,
    "snappy": _snappy,
    "zstandard": lambda block: pa.Codec("zstd").compress(block, asbytes=True),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def avro_file(
    schema: Any,
    values: Sequence[Any],
    codec: str = "null",
    per_block: int = 100,
    items_per_block: int = 0,
) -> bytes:
    """Return an Avro file of *values*."""
    records = [encoded(schema, value, items_per_block) for value in values]
    return container(
        schema, [records[at : at + per_block] for at in range(0, len(records), per_block)], codec
    )


def container(schema: Any, blocks: Sequence[Sequence[bytes]], codec: str = "null") -> bytes:
    """Return an Avro file of encoded records."""
    header = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    parts = [b"Obj\x01", encoded({"type": "map", "values": "bytes"}, header), SYNC]
    for block in blocks:
        packed = CODECS[codec](b"".join(block))
        parts += [number(len(block)), number(len(packed)), packed, SYNC]
    return b"".join(parts)


def field(name: str, field_id: int, kind: Any) -> dict[str, Any]:
    """Return a field of a record, with its Iceberg id."""
    return {"name": name, "type": kind, "field-id": field_id}


def optional(name: str, field_id: int, kind: Any) -> dict[str, Any]:
    """Return a field that may be null."""
    return {"name": name, "type": ["null", kind], "default": None, "field-id": field_id}


def by_field(key_id: int, value_id: int, kind: str) -> dict[str, Any]:
    """Return the type of a map from field ids."""
    pair = {
        "type": "record",
        "name": f"k{key_id}_v{value_id}",
        "fields": [field("key", key_id, "int"), field("value", value_id, kind)],
    }
    return {"type": "array", "items": pair, "logicalType": "map"}


def manifest_schema(
    version: int, partition: Sequence[Mapping[str, Any]] = (), more: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return the schema of manifests; *more* are fields that no specification has."""
    later = version > 1
    file = [
        *([field("content", 134, "int")] if later else []),
        field("file_path", 100, "string"),
        field("file_format", 101, "string"),
        field("partition", 102, {"type": "record", "name": "r102", "fields": list(partition)}),
        field("record_count", 103, "long"),
        field("file_size_in_bytes", 104, "long"),
        *([] if later else [field("block_size_in_bytes", 105, "long")]),
        optional("column_sizes", 108, by_field(117, 118, "long")),
        optional("value_counts", 109, by_field(119, 120, "long")),
        optional("null_value_counts", 110, by_field(121, 122, "long")),
        optional("nan_value_counts", 137, by_field(138, 139, "long")),
        optional("lower_bounds", 125, by_field(126, 127, "bytes")),
        optional("upper_bounds", 128, by_field(129, 130, "bytes")),
        *more,
        optional("key_metadata", 131, "bytes"),
        optional("split_offsets", 132, {"type": "array", "items": "long", "element-id": 133}),
        *(
            [optional("equality_ids", 135, {"type": "array", "items": "int", "element-id": 136})]
            if later
            else []
        ),
        optional("sort_order_id", 140, "int"),
        *([optional("first_row_id", 142, "long")] if version > 2 else []),
        *([optional("referenced_data_file", 143, "string")] if later else []),
        *([optional("content_offset", 144, "long")] if version > 2 else []),
        *([optional("content_size_in_bytes", 145, "long")] if version > 2 else []),
    ]
    return {
        "type": "record",
        "name": "manifest_entry",
        "fields": [
            field("status", 0, "int"),
            optional("snapshot_id", 1, "long") if later else field("snapshot_id", 1, "long"),
            *([optional("sequence_number", 3, "long")] if later else []),
            *([optional("file_sequence_number", 4, "long")] if later else []),
            field("data_file", 2, {"type": "record", "name": "r2", "fields": file}),
        ],
    }


def entry(schema: Mapping[str, Any], path: str, **given: Any) -> dict[str, Any]:
    """Return a manifest entry for *schema*: null, 0 or as *given* by the fields' names."""
    file_type = next(member["type"] for member in schema["fields"] if member["name"] == "data_file")
    known = {"file_path": path, "file_format": "PARQUET", "partition": {}, **given}
    file = {member["name"]: _value(member, known) for member in file_type["fields"]}
    return {
        member["name"]: file if member["name"] == "data_file" else _value(member, known)
        for member in schema["fields"]
    }


def _value(member: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    value = known.get(member["name"])
    if isinstance(member["type"], list):
        return (0, None) if value is None else (1, _items(member["type"][1], value))
    return 0 if value is None else value


def _items(kind: Any, value: Any) -> Any:
    if isinstance(kind, dict) and kind.get("logicalType") == "map":
        return [{"key": key, "value": of} for key, of in value.items()]
    return value

"""What makes a table unreadable here: said by name, before any row is read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table.metadata import TableMetadata

from flightlake.errors import Unsupported

NEWEST_FORMAT = 3
_TYPES = frozenset(
    {"boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz"}
    | {"timestamp_ns", "timestamptz_ns", "string", "uuid", "binary"}
)


def check_document(document: Mapping[str, Any], table: str) -> None:
    """Refuse a table's metadata that is too new, before anything tries to parse it.

    Raises:
        Unsupported: The format version, a type of the current schema, or encryption, by name.
    """
    version = document.get("format-version")
    if not isinstance(version, int) or not 1 <= version <= NEWEST_FORMAT:
        raise Unsupported(
            f"table {table} has Iceberg format version {version}; "
            f"versions 1 to {NEWEST_FORMAT} are read"
        )
    if document.get("encryption-keys"):
        raise Unsupported(f"table {table} is encrypted, which is not supported")
    for schema in document.get("schemas") or [document.get("schema") or {}]:
        if schema.get("schema-id", 0) == document.get("current-schema-id", 0):
            for name in _types_of(schema):
                if not is_known_type(name):
                    raise Unsupported(
                        f"table {table} has a column of type '{name}', which is not read"
                    )
            for field in _fields_of(schema):
                if has_nested_default(field):
                    raise Unsupported(
                        f"table {table} has a default for the nested column '{field.get('name')}',"
                        " which is not read"
                    )


def is_known_type(name: str) -> bool:
    """Whether a primitive type of metadata JSON is one that is read."""
    return name in _TYPES or name.startswith(("decimal", "fixed"))


def has_nested_default(field: Mapping[str, Any]) -> bool:
    """Whether a column of metadata JSON is nested and has a default other than null."""
    return isinstance(field.get("type"), Mapping) and field.get("initial-default") is not None


def check_metadata(metadata: TableMetadata, table: str) -> None:
    """Refuse parsed metadata; the part of ``check_document`` that parsing does not refuse.

    Raises:
        Unsupported: The format version, or encryption.
    """
    if metadata.format_version > NEWEST_FORMAT:
        raise Unsupported(f"table {table} has Iceberg format version {metadata.format_version}")
    if metadata.properties.get("encryption.key-id"):
        raise Unsupported(f"table {table} is encrypted, which is not supported")


def check_formats(formats: pa.Array, table: str) -> None:
    """Refuse data files that are not Parquet; *formats* are those of the files to be read.

    Raises:
        Unsupported: Names the first other format.
    """
    for name in pc.unique(formats).to_pylist():
        if name != "PARQUET":
            raise Unsupported(f"table {table} has {name} data files; only Parquet is read")


def parse_document(content: bytes, table: str) -> Mapping[str, Any]:
    """Return a metadata file as JSON.

    Raises:
        Unsupported: It is no JSON object.
    """
    try:
        document = json.loads(content)
    except ValueError as broken:
        raise Unsupported(f"the metadata of table {table} is not valid JSON") from broken
    if not isinstance(document, dict):
        raise Unsupported(f"the metadata of table {table} is not a JSON object")
    return document


def _fields_of(declared: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the columns of a schema, or the members in a type, of metadata JSON."""
    if isinstance(declared, Mapping):
        for field in declared.get("fields", ()):
            yield field
            yield from _fields_of(field.get("type"))
        for member in ("element", "key", "value"):
            yield from _fields_of(declared.get(member))


def _types_of(declared: Any) -> Iterator[str]:
    """Yield the names of the primitive types in a schema, or in a type, of metadata JSON."""
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, Mapping):
        for field in declared.get("fields", ()):
            yield from _types_of(field.get("type"))
        for member in ("element", "key", "value"):
            if member in declared:
                yield from _types_of(declared[member])

"""Iceberg's own Java reader, for what Spark does not read."""

from typing import Any

from tests.corpus.writers.workshop import Workshop

_DAY = 86_400


def read_by_java(workshop: Workshop, name: str) -> dict[str, Any]:
    """Return the columns and rows of the table as ``IcebergGenerics`` reads them."""
    table = workshop.table(name)
    columns = [(field.name(), str(field.type().toString())) for field in table.schema().columns()]
    java = workshop.java
    rows = []
    records = java.org.apache.iceberg.data.IcebergGenerics.read(table).build()
    iterator = records.iterator()
    while iterator.hasNext():
        record = iterator.next()
        rows.append([_value(java, record.get(at), kind) for at, (_, kind) in enumerate(columns)])
    records.close()
    return {"columns": [[column, _name(kind)] for column, kind in columns], "rows": rows}


def _name(kind: str) -> str:
    if kind.startswith("fixed") or kind in ("uuid", "binary"):
        return "binary"
    names = {"long": "bigint", "timestamp": "timestamp_ntz", "timestamptz": "timestamp"}
    names |= {"timestamp_ns": "timestamp_ntz_ns", "timestamptz_ns": "timestamp_ns"}
    return names.get(kind, kind)


def _value(java: Any, value: Any, kind: str) -> Any:
    """Return a value as ``canonical`` has it."""
    if value is None:
        return None
    if kind in ("boolean", "int", "long", "string"):
        return value
    if kind in ("float", "double"):
        return repr(float(value))
    if kind.startswith("decimal"):
        return f"{value:f}"
    if kind == "uuid":
        return value.toString().replace("-", "")
    if kind.startswith("fixed"):
        return bytes(value).hex()
    if kind == "binary":
        return bytes(value.array()).hex()
    if kind == "date":
        return value.toEpochDay()
    if kind == "time":
        return value.toNanoOfDay() // 1000
    if kind.startswith("timestamp"):
        if isinstance(value, int):  # of an identity partition, which the reader leaves as it is
            return value
        if "tz" not in kind:
            value = value.atOffset(java.java.time.ZoneOffset.UTC)
        nanos = value.toEpochSecond() * 1_000_000_000 + value.getNano()
        return nanos if kind.endswith("_ns") else nanos // 1000
    raise ValueError(f"a column of type {kind} is not read here")

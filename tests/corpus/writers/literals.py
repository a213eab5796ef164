"""One value as a literal of two dialects of SQL."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Literal:
    """A value as Spark writes it, and as flightlake is asked."""

    spark: str
    ours: str


def literal(value: Any, kind: pa.DataType) -> Literal | None:
    """Return *value* of a column of type *kind*; None for nested types and what has no literal."""
    if isinstance(value, bool):
        return _same("true" if value else "false")
    if pa.types.is_integer(kind):
        # The smallest long is no literal: its digits are read before its sign.
        return _same(f"CAST('{value}' AS BIGINT)" if abs(value) >= 1 << 31 else str(value))
    if pa.types.is_floating(kind):
        name = "FLOAT" if pa.types.is_float32(kind) else "DOUBLE"
        return _same(f"CAST('{value!r}' AS {name})") if abs(value) != float("inf") else None
    if pa.types.is_decimal(kind):
        return _same(f"CAST('{value:f}' AS DECIMAL({kind.precision},{kind.scale}))")
    if pa.types.is_date(kind):
        return _same(f"DATE '{value.isoformat()}'")
    if pa.types.is_timestamp(kind):
        return _timestamp(value, kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text(value)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _same(f"X'{value.hex()}'")
    return None


def uuid_literal(value: str) -> Literal:
    """Return a UUID, which Spark takes for text and flightlake for its bytes."""
    return Literal(f"'{value}'", f"X'{value.replace('-', '')}'")


def _same(text: str) -> Literal:
    return Literal(text, text)


def _timestamp(value: Any, kind: pa.DataType) -> Literal:
    text = value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    if kind.tz is None:
        return Literal(
            f"TIMESTAMP_NTZ '{text}'", f"arrow_cast('{text}', 'Timestamp(Microsecond, None)')"
        )
    zone = "arrow_cast('{}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
    return Literal(f"TIMESTAMP '{text}Z'", zone.format(f"{text}Z"))


def _text(value: str) -> Literal | None:
    if len(value) > 200 or "\\" in value or "{" in value:
        return None
    plain = value.replace("'", "''")
    # Spark reads two quotes as none between two literals, so a quote is escaped there.
    return Literal("'" + value.replace("'", "\\'") + "'", f"'{plain}'")

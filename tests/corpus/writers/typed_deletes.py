"""Equality deletes on columns of every type."""

from collections.abc import Iterator

from tests.corpus.writers.recipe import Recipe, create, insert, recipe
from tests.corpus.writers.row_deltas import delete
from tests.corpus.writers.typed import VALUES

_KEYS: dict[str, tuple[str | None, ...]] = {
    "boolean": ("true", None),
    "int": ("34", "-1"),
    "bigint": ("9223372036854775807", None),
    "float": ("0.5", "NaN", "-0.0"),
    "double": ("0.5", "NaN", None),
    "decimal(9,2)": ("-1.23", "10.50"),
    "decimal(38,10)": ("9999999999999999999999999999.9999999999", None),
    "date": ("2024-02-29", "9999-12-31"),
    "timestamp": ("2024-02-29T12:34:56.789012", None),
    "timestamp_ntz": ("1969-12-31T23:59:59.999999",),
    "string": ("", "日本語", None),
    "binary": ("00ff10", ""),
}


def recipes() -> list[Recipe]:
    """Return a table for each type: rows, a delete, and the same values again."""
    return list(_recipes())


def _recipes() -> Iterator[Recipe]:
    for kind, wanted in _KEYS.items():
        word = kind.replace("(", "_").replace(",", "_").replace(")", "")
        made = create(f"id BIGINT, c {kind}")
        first = insert(*(f"{number}, {value}" for number, value in enumerate(VALUES[kind])))
        again = insert(*(f"{number + 50}, {value}" for number, value in enumerate(VALUES[kind])))
        features = "deletes equality-deletes types v2"
        steps = (made, first, delete("c", *((key,) for key in wanted)), again)
        yield recipe(f"eq_on_{word}", features, *steps)

"""Names that need care: of columns, in partition values and so in paths."""

from collections.abc import Iterator

from tests.corpus.writers.deletes import modes
from tests.corpus.writers.recipe import Recipe, create, insert, recipe

_VALUES = (
    "a b", "100%", "50%25", "#1", "why?", "1+1", "x=y", "a/b", "a:b", "a&b", "ünïcode", "日本",
    "🍎", "", ".", "..", "~", "semi;colon", "comma,", "(paren)", "[brack]", "{brace}", "at@",
    "per%2Fcent", "quote\"", "back\\\\slash", "tab\\t", "NULL", "null",
    "__HIVE_DEFAULT_PARTITION__",
    "-", "'", "*", "<>|",
)  # fmt: skip
_COLUMNS = {
    "with_space": "a b",
    "with_percent": "a%20b",
    "with_hash": "a#b",
    "with_question": "a?b",
    "with_plus": "a+b",
    "with_equals": "a=b",
    "with_dash": "a-b",
    "with_dot": "a.b",
    "with_slash": "a/b",
    "with_quote": 'a"b',
    "with_apostrophe": "a'b",
    "with_dollar": "a$b",
    "with_braces": "a{b}",
    "with_parens": "a(b)",
    "with_comma": "a,b",
    "with_colon": "a:b",
    "mixed_case": "CamelCase",
    "upper_case": "UPPER",
    "accented": "Größe",
    "japanese": "列",
    "emoji": "🍎",
    "keyword": "select",
    "digits": "1st",
    "underscore": "_hidden",
    "long": "c" * 120,
}


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_partition_values(), *_columns(), *_cases(), *_tables()]


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "\\'") + "'"


def _partition_values() -> Iterator[Recipe]:
    rows = insert(*(f"{number}, {_quoted(value)}" for number, value in enumerate(_VALUES)))
    columns = "id BIGINT, `part of it` STRING"
    for version in (1, 2, 3):
        made = create(columns, "`part of it`", version)
        yield recipe(f"odd_values_v{version}", f"names v{version}", made, rows, rows)
    made = create(columns, "`part of it`", 2, **modes("merge-on-read"))
    deleted = "DELETE FROM {t} WHERE id % 2 = 0"
    features = "names deletes position-deletes v2"
    yield recipe("odd_values_deleted", features, made, rows, rows, "DELETE FROM {t} WHERE id = 5")
    third = create(columns, "`part of it`", 3, **modes("merge-on-read"))
    more = insert(*(f"{number}, {_quoted(value)}" for number, value in enumerate(_VALUES * 2)))
    features = "names deletes deletion-vectors v3"
    yield recipe("odd_values_deleted_v3", features, third, more, deleted)
    short = create(columns, "truncate(2, `part of it`)")
    yield recipe("odd_values_truncated", "names partition-truncate v2", short, rows)


def _columns() -> Iterator[Recipe]:
    for number, (word, column) in enumerate(_COLUMNS.items()):
        quoted = "`" + column.replace("`", "``") + "`"
        version = number % 3 + 1
        made = create(f"id BIGINT, {quoted} STRING, n INT", quoted if number % 2 else "", version)
        rows = insert("1, 'one', 5", "2, 'two', NULL", "3, NULL, -5")
        yield recipe(f"column_{word}", f"names v{version}", made, rows, rows)


def _cases() -> Iterator[Recipe]:
    """Columns that differ only in case."""
    made = create("id BIGINT, name STRING, Name STRING, NAME INT, ID INT", "Name")
    rows = insert(
        "1, 'small', 'Capital', 5, 10", "2, NULL, 'small', NULL, 20", "3, 'x', NULL, 7, 1"
    )
    yield recipe("columns_by_case", "names v2", made, rows, rows)
    renamed = (
        "ALTER TABLE {t} RENAME COLUMN name TO tmp",
        "ALTER TABLE {t} RENAME COLUMN Name TO name",
        "ALTER TABLE {t} RENAME COLUMN tmp TO Name",
    )
    features = "names schema-evolution v2"
    plain = create("id BIGINT, name STRING, Name STRING, NAME INT, ID INT")
    yield recipe("columns_by_case_swapped", features, plain, rows, *renamed, rows)


def _tables() -> Iterator[Recipe]:
    rows = insert("1, 'one'", "2, NULL")
    made = create("id BIGINT, v STRING")
    for name in (
        "Mixed_Case_Table",
        "table with space",
        "tåble",
        "select",
        "hash#table",
        "plus+table",
        "pct%41table",
    ):
        yield recipe(name, "names v2", made, rows, rows)

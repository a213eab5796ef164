"""Every type, partitioned by every transform that takes it."""

from tests.corpus.writers.recipe import Recipe, Step, create, insert, recipe

INTS = ("0", "1", "-1", "34", "2147483647", "-2147483648", "100", "-100", "7", "NULL")
LONGS = ("0", "1", "-1", "34", "9223372036854775807", "-9223372036854775808", "5000000000", "NULL")
FLOATS = ("0.5", "-1.5", "'-0.0'", "0.0", "'NaN'", "'Infinity'", "'-Infinity'", "1e-30", "NULL")
WIDE = ("0", "1.5", "-1.5", "9999999999999999999999999999.9999999999", "-7.25")
DATES = ("1970-01-01", "1969-12-31", "2024-02-29", "0001-01-01", "9999-12-31", "1999-05-17")
STAMPS = (
    "1970-01-01 00:00:00",
    "1969-12-31 23:59:59.999999",
    "2024-02-29 12:34:56.789012",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "2024-03-10 02:30:00",
    "1999-05-17 13:00:00.000001",
)
TEXTS = (
    "apple",
    "apricot",
    "",
    "banana",
    "bän äna",
    "日本語",
    "a b%c#d?e+f=g/h",
    "it''s",
    "🍎 pie",
)

VALUES: dict[str, tuple[str, ...]] = {
    "boolean": ("true", "false", "NULL"),
    "int": INTS,
    "bigint": tuple(f"CAST('{value}' AS BIGINT)" if value != "NULL" else value for value in LONGS),
    "float": tuple(f"CAST({value} AS FLOAT)" for value in FLOATS),
    "double": tuple(f"CAST({value} AS DOUBLE)" for value in FLOATS),
    "decimal(9,2)": ("0.00", "1.23", "-1.23", "9999999.99", "-9999999.98", "10.50", "NULL"),
    "decimal(18,4)": ("0.0000", "1.2345", "-1.2345", "99999999999999.9999", "-42.0001", "NULL"),
    "decimal(38,10)": (*(f"CAST('{value}' AS DECIMAL(38,10))" for value in WIDE), "NULL"),
    "date": (*(f"DATE '{value}'" for value in DATES), "NULL"),
    "timestamp": (*(f"TIMESTAMP '{value}Z'" for value in STAMPS), "NULL"),
    "timestamp_ntz": (*(f"TIMESTAMP_NTZ '{value}'" for value in STAMPS), "NULL"),
    "string": (*(f"'{value}'" for value in TEXTS), "NULL"),
    "binary": ("X''", "X'00'", "X'ff'", "X'00ff10'", "X'61626364'", "X'61ff'", "NULL"),
}
_ANY = ("identity",)
_TEMPORAL = ("years", "months", "days", "hours")
TRANSFORMS: dict[str, tuple[str, ...]] = {
    "boolean": _ANY,
    "int": ("identity", "bucket", "truncate"),
    "bigint": ("identity", "bucket", "truncate"),
    "float": _ANY,
    "double": _ANY,
    "decimal(9,2)": ("identity", "bucket", "truncate"),
    "decimal(18,4)": ("identity", "bucket", "truncate"),
    "decimal(38,10)": ("identity", "bucket", "truncate"),
    "date": ("identity", "bucket", *_TEMPORAL[:3]),
    "timestamp": ("identity", "bucket", *_TEMPORAL),
    "timestamp_ntz": ("identity", "bucket", *_TEMPORAL),
    "string": ("identity", "bucket", "truncate"),
    "binary": ("identity", "bucket", "truncate"),
}
_TERM = {"identity": "c", "bucket": "bucket(3, c)", "truncate": "truncate(2, c)"}


def _void(workshop: object, name: str) -> None:
    """Put the void transform on ``c``: Spark's SQL has no word for it."""
    table = workshop.table(name)  # type: ignore[attr-defined]
    java = workshop.java  # type: ignore[attr-defined]
    builder = java.org.apache.iceberg.PartitionSpec.builderFor(table.schema())
    spec = builder.alwaysNull("c").bucket("id", 2).build()
    operations = table.operations()
    before = operations.current()
    operations.commit(before, before.updatePartitionSpec(spec))


def _rows(kind: str) -> tuple[Step, ...]:
    values = VALUES[kind]
    rows = [f"{number}, {value}, 'r{number}'" for number, value in enumerate(values)]
    half = len(rows) // 2
    again = [f"{number + 100}, {value}, NULL" for number, value in enumerate(values)]
    return insert(*rows[:half]), insert(*rows[half:]), insert(*again)


def _word(kind: str) -> str:
    return kind.replace("(", "_").replace(",", "_").replace(")", "")


def recipes() -> list[Recipe]:
    """Return a table for every type and transform, the format version going round."""
    found = []
    for kind, transforms in TRANSFORMS.items():
        columns = f"id BIGINT NOT NULL, c {kind}, note STRING"
        for transform in transforms:
            version = len(found) % 3 + 1
            made = create(columns, _TERM.get(transform, f"{transform}(c)"), version)
            features = f"types partition-{transform} v{version}"
            name = f"{_word(kind)}_by_{transform}"
            found.append(recipe(name, features, made, *_rows(kind)))
    for kind in ("int", "string", "timestamp"):
        made = create(f"id BIGINT NOT NULL, c {kind}, note STRING")
        steps = (made, _void, *_rows(kind))
        found.append(recipe(f"{_word(kind)}_by_void", "types partition-void v2", *steps))
    return found

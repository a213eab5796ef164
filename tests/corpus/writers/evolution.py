"""Columns added, dropped, renamed, moved and widened; partitions that change; nested ones too."""

from collections.abc import Iterator
from typing import Any

from tests.corpus.writers.deletes import modes
from tests.corpus.writers.recipe import Recipe, Step, create, insert, recipe
from tests.corpus.writers.workshop import Workshop

_FLAT = "id BIGINT, name STRING, n INT, f FLOAT, m DECIMAL(9,2)"
_ROWS = insert("1, 'one', 10, CAST(0.5 AS FLOAT), 1.25", "2, NULL, NULL, NULL, NULL")
_MORE = insert("3, 'three', -7, CAST('NaN' AS FLOAT), -99.99")
_ALTER = "ALTER TABLE {t} "

# The name of a table: what is done to it, in turns.
_FLAT_CHANGES: dict[str, tuple[str, ...]] = {
    "add": ("ADD COLUMN extra STRING", insert("4, 'x', 1, 1.5, 2.5, 'added'")),
    "add_first": ("ADD COLUMN extra STRING FIRST", insert("'added', 4, 'x', 1, 1.5, 2.5")),
    "add_between": ("ADD COLUMN extra INT AFTER id", insert("4, 99, 'x', 1, 1.5, 2.5")),
    "add_many": (
        "ADD COLUMNS (a INT, b DOUBLE, c DATE, d TIMESTAMP, e BINARY, g BOOLEAN)",
        insert("4, 'x', 1, 1.5, 2.5, 5, 0.25, DATE '2020-01-01', NULL, X'01', true"),
    ),
    "add_unused": ("ADD COLUMN extra STRING",),
    "drop": ("DROP COLUMN name", insert("4, 1, 1.5, 2.5")),
    "drop_first": ("DROP COLUMN id", insert("'x', 1, 1.5, 2.5")),
    "rename": ("RENAME COLUMN name TO label", insert("4, 'x', 1, 1.5, 2.5")),
    "rename_unused": ("RENAME COLUMN name TO label",),
    "rename_case": ("RENAME COLUMN name TO Name", insert("4, 'x', 1, 1.5, 2.5")),
    "swap_names": (
        "RENAME COLUMN n TO tmp",
        "ADD COLUMN other INT",
        "RENAME COLUMN other TO n",
        "RENAME COLUMN tmp TO other",
        insert("4, 'x', 1, 1.5, 2.5, 77"),
    ),
    "reorder": ("ALTER COLUMN m FIRST", "ALTER COLUMN id AFTER n", insert("2.5, 'x', 1, 4, 1.5")),
    "readd": ("DROP COLUMN name", "ADD COLUMN name STRING", insert("4, 1, 1.5, 2.5, 'new'")),
    "readd_unused": ("DROP COLUMN name", "ADD COLUMN name STRING"),
    "readd_other_type": (
        "DROP COLUMN n",
        "ADD COLUMN n STRING",
        insert("4, 'x', 1.5, 2.5, 'text'"),
    ),
    "take_dropped_name": (
        "DROP COLUMN name",
        "ADD COLUMN label STRING",
        "RENAME COLUMN label TO name",
        insert("4, 1, 1.5, 2.5, 'other'"),
    ),
    "int_to_long": ("ALTER COLUMN n TYPE BIGINT", insert("4, 'x', 5000000000, 1.5, 2.5")),
    "float_to_double": ("ALTER COLUMN f TYPE DOUBLE", insert("4, 'x', 1, 1e300, 2.5")),
    "wider_decimal": (
        "ALTER COLUMN m TYPE DECIMAL(18,2)",
        insert("4, 'x', 1, 1.5, 123456789012.5"),
    ),
    "widest_decimal": (
        "ALTER COLUMN m TYPE DECIMAL(12,2)",
        insert("4, 'x', 1, 1.5, 1234567890.5"),
        "ALTER COLUMN m TYPE DECIMAL(38,2)",
        insert("5, 'x', 1, 1.5, CAST('123456789012345678901234567890.12' AS DECIMAL(38,2))"),
    ),
    "widen_and_rename": (
        "ALTER COLUMN n TYPE BIGINT",
        "RENAME COLUMN n TO big",
        "RENAME COLUMN f TO n",
        insert("4, 'x', 5000000000, 1.5, 2.5"),
    ),
    "everything": (
        "ADD COLUMN a INT FIRST",
        "RENAME COLUMN name TO b",
        "DROP COLUMN f",
        "ALTER COLUMN n TYPE BIGINT",
        insert("0, 4, 'x', 5000000000, 2.5"),
        "ADD COLUMN f STRING",
        "RENAME COLUMN a TO name",
        "ALTER COLUMN m AFTER name",
        insert("0, 2.5, 5, 'y', 1, 'f'"),
        "DROP COLUMN b",
        insert("1, 3.5, 6, 2, 'g'"),
    ),
}

_NESTED = (
    "id BIGINT, s STRUCT<a: INT, b: STRING>, l ARRAY<STRUCT<x: INT, y: STRING>>,"
    " m MAP<STRING, STRUCT<p: FLOAT>>, plain ARRAY<INT>"
)
_NESTED_ROWS = insert(
    "1, named_struct('a', 1, 'b', 'one'), array(named_struct('x', 1, 'y', 'p'), NULL),"
    " map('k', named_struct('p', CAST(0.5 AS FLOAT)), 'n', NULL), array(1, NULL, 3)",
    "2, NULL, NULL, NULL, NULL",
    "3, named_struct('a', NULL, 'b', ''), array(), map(), array()",
)
_NESTED_CHANGES: dict[str, tuple[str, ...]] = {
    "as_is": (),
    "add": (
        "ADD COLUMN s.c DOUBLE",
        insert("4, named_struct('a', 1, 'b', 'x', 'c', 0.5), NULL, NULL, NULL"),
    ),
    "add_unused": ("ADD COLUMN s.c DOUBLE",),
    "add_first": ("ADD COLUMN s.c DOUBLE FIRST",),
    "drop": ("DROP COLUMN s.a", insert("4, named_struct('b', 'x'), NULL, NULL, NULL")),
    "rename": (
        "RENAME COLUMN s.a TO aa",
        insert("4, named_struct('aa', 7, 'b', 'x'), NULL, NULL, NULL"),
    ),
    "readd": ("DROP COLUMN s.b", "ADD COLUMN s.b STRING"),
    "reorder": ("ALTER COLUMN s.b FIRST",),
    "widen": ("ALTER COLUMN s.a TYPE BIGINT",),
    "in_list_add": ("ADD COLUMN l.element.z INT",),
    "in_list_rename": ("RENAME COLUMN l.element.x TO xx",),
    "in_list_widen": ("ALTER COLUMN plain.element TYPE BIGINT",),
    "in_map_add": ("ADD COLUMN m.value.q INT",),
    "in_map_rename": ("RENAME COLUMN m.value.p TO pp",),
    "in_map_widen": ("ALTER COLUMN m.value.p TYPE DOUBLE",),
    "add_struct": ("ADD COLUMN t STRUCT<u: INT, v: STRUCT<w: STRING>>",),
    "everything": (
        "ADD COLUMN s.c DOUBLE FIRST",
        "RENAME COLUMN s.a TO b2",
        "ALTER COLUMN s.b2 TYPE BIGINT",
        "DROP COLUMN l.element.y",
        "ADD COLUMN l.element.y INT",
        "RENAME COLUMN m.value.p TO q",
        "RENAME COLUMN m TO mm",
    ),
}

_PARTS = "id BIGINT, grp STRING, t TIMESTAMP"
_PART_ROWS = insert(
    "1, 'a', TIMESTAMP '2024-01-01 01:02:03Z'",
    "2, 'b', TIMESTAMP '2024-02-01 23:59:59.999999Z'",
    "3, NULL, NULL",
)
_PART_CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "add": ("", ("ADD PARTITION FIELD grp",)),
    "add_second": ("grp", ("ADD PARTITION FIELD days(t)",)),
    "drop": ("grp", ("DROP PARTITION FIELD grp",)),
    "drop_of_two": ("grp, bucket(2, id)", ("DROP PARTITION FIELD grp",)),
    "replace": ("grp", ("REPLACE PARTITION FIELD grp WITH truncate(1, grp)",)),
    "finer": ("months(t)", ("REPLACE PARTITION FIELD months(t) WITH days(t)",)),
    "coarser": ("hours(t)", ("REPLACE PARTITION FIELD hours(t) WITH years(t)",)),
    "other_buckets": (
        "bucket(2, id)",
        ("REPLACE PARTITION FIELD bucket(2, id) WITH bucket(5, id)",),
    ),
    "back_and_forth": ("grp", ("DROP PARTITION FIELD grp", "ADD PARTITION FIELD grp")),
    "rename_source": ("grp", ("RENAME COLUMN grp TO team",)),
    "widen_source": ("truncate(10, n)", ("ALTER COLUMN n TYPE BIGINT",)),
}


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_flat(), *_nested(), *_partitions(), *_defaults(), *_deep()]


def _steps(changes: tuple[str, ...]) -> tuple[Step, ...]:
    return tuple(change if change.startswith("INSERT") else _ALTER + change for change in changes)


def _flat() -> Iterator[Recipe]:
    for number, (word, changes) in enumerate(_FLAT_CHANGES.items()):
        version = number % 3 + 1
        steps = (create(_FLAT, "", version), _ROWS, _MORE, *_steps(changes))
        yield recipe(f"evolve_{word}", f"schema-evolution v{version}", *steps)


def _nested() -> Iterator[Recipe]:
    for number, (word, changes) in enumerate(_NESTED_CHANGES.items()):
        version = number % 2 + 2
        steps = (create(_NESTED, "", version), _NESTED_ROWS, *_steps(changes))
        features = f"schema-evolution nested v{version}" if changes else f"nested v{version}"
        yield recipe(f"nested_{word}", features, *steps)


def _partitions() -> Iterator[Recipe]:
    for number, (word, (by, changes)) in enumerate(_PART_CHANGES.items()):
        version = number % 2 + 1
        columns, rows = _PARTS, _PART_ROWS
        if word == "widen_source":
            columns, rows = "id BIGINT, n INT", insert("1, 5", "2, 15", "3, -1", "4, NULL")
        steps = (create(columns, by, version), rows, *_steps(changes), rows)
        yield recipe(f"respec_{word}", f"partition-evolution v{version}", *steps)


def _with_default(column: str, kind: str, value: Any) -> Step:
    def step(workshop: Workshop, name: str) -> None:
        api = workshop.java.org.apache.iceberg
        made = api.types.Types
        types = {
            "int": made.IntegerType.get,
            "long": made.LongType.get,
            "string": made.StringType.get,
            "double": made.DoubleType.get,
            "boolean": made.BooleanType.get,
        }
        literal = api.expressions.Literal.of(value)
        table = workshop.table(name)
        table.updateSchema().addColumn(column, types[kind](), literal).commit()

    return step


def _defaults() -> Iterator[Recipe]:
    """v3: a column that files from before it have a value for."""
    features = "schema-evolution initial-default v3"
    for kind, value in (("int", 42), ("string", "unset"), ("double", 0.5), ("boolean", True)):
        added = _with_default("extra", kind, value)
        literal = f"'{value}'" if kind == "string" else str(value).lower()
        later = insert(f"4, 'x', 1, 1.5, 2.5, {literal}", "5, 'x', 1, 1.5, 2.5, NULL")
        yield recipe(f"default_{kind}", features, create(_FLAT, "", 3), _ROWS, added, later)
    unset = (_with_default("extra", "int", 7), "ALTER TABLE {t} RENAME COLUMN extra TO more")
    yield recipe("default_renamed", features, create(_FLAT, "", 3), _ROWS, *unset)
    made = create(_FLAT, "", 3, **modes("merge-on-read"))
    deleted = (_with_default("extra", "int", 7), "DELETE FROM {t} WHERE extra = 7 AND id = 1")
    yield recipe(
        "default_deleted", f"{features} deletes deletion-vectors", made, _ROWS, _MORE, *deleted
    )


def _deep() -> Iterator[Recipe]:
    columns = (
        "id BIGINT, deep ARRAY<MAP<STRING, STRUCT<l: ARRAY<ARRAY<INT>>, s: STRUCT<b: BINARY,"
        " t: TIMESTAMP, d: DECIMAL(20,3)>>>>, keyed MAP<STRUCT<a: INT, b: STRING>, DATE>"
    )
    rows = insert(
        "1, array(map('k', named_struct('l', array(array(1, 2), NULL, array()), 's',"
        " named_struct('b', X'00ff', 't', TIMESTAMP '2024-01-01 00:00:00Z', 'd', -1.125)))),"
        " map(named_struct('a', 1, 'b', 'x'), DATE '2024-01-01')",
        "2, array(NULL, map()), map()",
        "3, NULL, NULL",
    )
    for version in (1, 2, 3):
        yield recipe(
            f"nested_deep_v{version}", f"nested v{version}", create(columns, "", version), rows
        )

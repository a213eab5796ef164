"""Random stories of tables, told by Spark; and by DuckDB (``duck_stories``).

``python -m tests.corpus.writers.stories JARS SEED COUNT``: appends, updates and deletes (copied
or marked), merges, overwrites, evolution of columns and partitions at every depth, compaction,
rollbacks, branches and tags.  Spark's answers are stored as those of the corpus are.  The place
is held by whoever started this.
"""

import json
import logging
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import types as t

from tests.corpus.place import CATALOG, PLACE
from tests.corpus.writers import duck_stories
from tests.corpus.writers.answers import answer
from tests.corpus.writers.recipe import recipe
from tests.corpus.writers.workshop import Workshop

STEPS = 16
COLUMNS = """id BIGINT, i INT, f FLOAT, d DECIMAL(9,2), s STRING, day DATE, ts TIMESTAMP,
    st STRUCT<a: INT, b: STRING, inner: STRUCT<x: INT>>,
    l ARRAY<STRUCT<a: INT, b: STRING, inner: STRUCT<x: INT>>>,
    m MAP<STRING, STRUCT<a: INT, b: STRING, inner: STRUCT<x: INT>>>"""
VALUES: dict[str, list[Any]] = {
    "int": [0, 1, 2, 3, -1, 2**31 - 1],
    "bigint": [0, 1, 2, 3, -1, 2**62],
    "float": [0.0, -0.0, 1.5, "NaN", "-Infinity"],
    "double": [0.0, -0.0, 1.5, "NaN", "-Infinity"],
    "decimal": [0, -1.1, 9999999.99],
    "string": ["", "a", "b", "it's", "日本"],
    "date": ["2024-02-29", "1969-12-31", "1970-01-01"],
    "timestamp": ["2024-02-29T23:59:59.999Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"],
    "boolean": [True, False],
}
LITERALS = {
    "int": ["0", "1", "2", "-1"],
    "bigint": ["0", "1", "2", "-1"],
    "string": ["''", "'a'", "'b'"],
    "date": ["DATE '1970-01-01'", "DATE '2024-02-29'"],
}
ADDED = (
    *("INT", "STRING", "FLOAT", "DATE", "DECIMAL(9,2)", "BOOLEAN"),
    *("STRUCT<x: INT, y: STRING>", "ARRAY<STRUCT<x: INT>>", "MAP<STRING, STRUCT<a: INT>>"),
)
WIDER = {"int": "BIGINT", "float": "DOUBLE", "decimal(9,2)": "DECIMAL(20,2)"}
TRANSFORMS = {
    "int": ("{}", "bucket(3, {})", "truncate(2, {})"),
    "bigint": ("{}", "bucket(3, {})", "truncate(2, {})"),
    "string": ("{}", "bucket(3, {})", "truncate(1, {})"),
    "date": ("{}", "year({})", "month({})"),
    "timestamp": ("day({})", "month({})", "hour({})"),
    "decimal": ("{}", "bucket(2, {})"),
}
Path_ = tuple[str, ...]


class Story:
    """One table and what happens to it; ``told`` are the statements."""

    def __init__(self, workshop: Workshop, name: str, seed: int) -> None:
        self.workshop, self.name = workshop, name
        self.random = random.Random(seed)  # noqa: S311 - to be told again
        self.told: list[str] = []
        self.names = (f"n{number}" for number in range(1000))
        version = self.random.choice((1, 2, 2, 3))
        how = "merge-on-read" if version > 1 and self.random.random() < 0.7 else "copy-on-write"
        modes = "".join(
            f", 'write.{kind}.mode' = '{how}'" for kind in ("delete", "update", "merge")
        )
        manifests = self.random.choice(("true", "false"))
        by = self.random.choice(("", "", "s", "bucket(3, id)", "truncate(1, s)", "month(day)"))
        self.sql(
            f"CREATE TABLE {{t}} ({COLUMNS}) USING iceberg "
            + (f"PARTITIONED BY ({by}) " if by else "")
            + f"TBLPROPERTIES ('format-version' = '{version}'{modes},"
            f" 'commit.manifest-merge.enabled' = '{manifests}',"
            " 'commit.manifest.min-count-to-merge' = '2',"
            f" 'write.delete.granularity' = '{self.random.choice(('file', 'partition'))}')"
        )

    def sql(self, statement: str) -> None:
        self.told.append(statement)
        self.workshop.sql(statement, self.name)

    def go_on(self) -> None:
        """Do the next step; what Spark does not allow is not done."""
        try:
            self.random.choice(CHANGES)(self)
        except (PySparkException, Py4JError) as refusal:
            self.told.append(f"  (refused: {str(refusal).splitlines()[0][:150]})")

    def insert(self) -> None:
        self.sql(f"INSERT INTO {{t}} {self._some_rows()}")

    def delete(self) -> None:
        self.sql(f"DELETE FROM {{t}} WHERE {self._condition()}")

    def update(self) -> None:
        able = [field for field in self._schema().fields if _kind(field.dataType) in LITERALS]
        field = self.random.choice(able)
        value = self.random.choice([*LITERALS[_kind(field.dataType)], "NULL"])
        self.sql(f"UPDATE {{t}} SET `{field.name}` = {value} WHERE {self._condition()}")

    def merge(self) -> None:
        names = self._schema().names
        able = [f.name for f in self._schema().fields if _kind(f.dataType) in ("int", "bigint")]
        key = self.random.choice(able)
        distinct = f"SELECT * FROM ({self._some_rows()}) WHERE `{key}` IS NOT NULL LIMIT 1"
        self.sql(
            f"MERGE INTO {{t}} t USING ({distinct}) s ON t.`{key}` = s.`{key}`"
            f" WHEN MATCHED AND {self._condition('t.')} THEN DELETE"
            f" WHEN MATCHED THEN UPDATE SET {', '.join(f't.`{n}` = s.`{n}`' for n in names)}"
            " WHEN NOT MATCHED THEN INSERT *"
        )

    def overwrite(self) -> None:
        self.sql(f"INSERT OVERWRITE {{t}} {self._some_rows()}")

    def compact(self) -> None:
        call = self.random.choice(
            (
                "rewrite_data_files(table => '{name}', options => map('rewrite-all', 'true'))",
                "rewrite_data_files(table => '{name}', options => map('min-input-files', '2'))",
                "rewrite_position_delete_files(table => '{name}',"
                " options => map('rewrite-all', 'true'))",
                "rewrite_manifests('{name}')",
            )
        )
        self.sql(f"CALL {CATALOG}.system.{call}")

    def roll_back(self) -> None:
        history = [entry.snapshotId() for entry in self.workshop.table(self.name).history()]
        if history:
            snapshot = self.random.choice(history)
            self.sql(f"CALL {CATALOG}.system.rollback_to_snapshot('{{name}}', {snapshot})")

    def mark(self) -> None:
        kind = self.random.choice(("BRANCH", "TAG"))
        self.sql(f"ALTER TABLE {{t}} CREATE {kind} {next(self.names)}")

    def add(self) -> None:
        parents = [(), *(path for path, kind in self._parts() if isinstance(kind, t.StructType))]
        path = (*self.random.choice(parents), self._new_name())
        self.sql(f"ALTER TABLE {{t}} ADD COLUMN {_dotted(path)} {self.random.choice(ADDED)}")

    def drop(self) -> None:
        path = self._member()
        if sum(other[:-1] == path[:-1] for other, _ in self._parts()) > 1:
            self.sql(f"ALTER TABLE {{t}} DROP COLUMN {_dotted(path)}")

    def rename(self) -> None:
        self.sql(f"ALTER TABLE {{t}} RENAME COLUMN {_dotted(self._member())} TO {self._new_name()}")

    def reorder(self) -> None:
        self.sql(f"ALTER TABLE {{t}} ALTER COLUMN {_dotted(self._member())} FIRST")

    def widen(self) -> None:
        able = [(path, kind.simpleString()) for path, kind in self._parts()]
        able = [(path, kind) for path, kind in able if kind in WIDER]
        if able:
            path, kind = self.random.choice(able)
            self.sql(f"ALTER TABLE {{t}} ALTER COLUMN {_dotted(path)} TYPE {WIDER[kind]}")

    def partition(self) -> None:
        fields = list(self.workshop.table(self.name).spec().fields())
        if fields and self.random.random() < 0.4:
            self.sql(f"ALTER TABLE {{t}} DROP PARTITION FIELD {self.random.choice(fields).name()}")
            return
        able = [field for field in self._schema().fields if _kind(field.dataType) in TRANSFORMS]
        field = self.random.choice(able)
        transform = self.random.choice(TRANSFORMS[_kind(field.dataType)]).format(field.name)
        self.sql(f"ALTER TABLE {{t}} ADD PARTITION FIELD {transform} AS {next(self.names)}")

    def _condition(self, prefix: str = "") -> str:
        able = [field for field in self._schema().fields if _kind(field.dataType) in LITERALS]
        field = self.random.choice(able)
        values = LITERALS[_kind(field.dataType)]
        column, value = f"{prefix}`{field.name}`", self.random.choice(values)
        return self.random.choice(
            (
                f"{column} = {value}",
                f"{column} <= {value}",
                f"{column} > {value}",
                f"{column} IN ({', '.join(self.random.sample(values, 2))})",
                f"{column} IS NULL",
            )
        )

    def _some_rows(self) -> str:
        schema = self._schema()
        rows = [self._value(schema, nullable=False) for _ in range(self.random.randint(1, 8))]
        text = json.dumps(rows, ensure_ascii=False).replace("'", "\\'")
        return (
            f"SELECT * FROM (SELECT inline(from_json('{text}', 'array<{schema.simpleString()}>')))"
        )

    def _value(self, kind: t.DataType, *, nullable: bool = True) -> Any:
        if nullable and self.random.random() < 0.2:
            return None
        if isinstance(kind, t.StructType):
            return {field.name: self._value(field.dataType) for field in kind.fields}
        if isinstance(kind, t.ArrayType):
            return [self._value(kind.elementType) for _ in range(self.random.randint(0, 3))]
        if isinstance(kind, t.MapType):
            keys = self.random.sample(("a", "b", "c"), self.random.randint(0, 3))
            return {key: self._value(kind.valueType) for key in keys}
        return self.random.choice(VALUES[_kind(kind)])

    def _schema(self) -> t.StructType:
        schema: t.StructType = self.workshop.sql("SELECT * FROM {t} LIMIT 0", self.name).schema
        return schema

    def _parts(self) -> list[tuple[Path_, t.DataType]]:
        return list(_walk(self._schema(), ()))

    def _member(self) -> Path_:
        members = [path for path, _ in self._parts() if path[-1] not in ("element", "value")]
        return self.random.choice(members)

    def _new_name(self) -> str:
        old = ("i", "s", "a", "b", "x")
        return self.random.choice(old) if self.random.random() < 0.3 else next(self.names)


CHANGES: tuple[Callable[[Story], None], ...] = (
    *([Story.insert] * 6),
    *(Story.delete, Story.delete, Story.delete, Story.update, Story.merge, Story.overwrite),
    *(Story.compact, Story.compact, Story.roll_back, Story.mark),
    *(Story.add, Story.add, Story.drop, Story.rename, Story.rename, Story.reorder),
    *(Story.widen, Story.widen, Story.partition, Story.partition),
)


def _kind(kind: t.DataType) -> str:
    return kind.simpleString().partition("(")[0]


def _dotted(path: Path_) -> str:
    return ".".join(path)


def _walk(kind: t.DataType, path: Path_) -> Iterator[tuple[Path_, t.DataType]]:
    members: list[tuple[str, t.DataType]] = []
    if isinstance(kind, t.StructType):
        members = [(field.name, field.dataType) for field in kind.fields]
    elif isinstance(kind, t.ArrayType):
        members = [("element", kind.elementType)]
    elif isinstance(kind, t.MapType):
        members = [("value", kind.valueType)]
    for name, member in members:
        yield (*path, name), member
        yield from _walk(member, (*path, name))


def _tell(workshop: Workshop, name: str, seed: int) -> list[str]:
    story = Story(workshop, name, seed)
    while len(story.told) < STEPS:
        story.go_on()
    return story.told


def main(jars: str, first: str, count: str) -> int:
    """Have each writer tell *count* stories, the first from the seed *first*."""
    logging.getLogger("SQLQueryContextLogger").disabled = True  # what is not allowed is not done
    workshop = Workshop(Path(jars))
    failed = 0
    for seed in range(int(first), int(first) + int(count)):
        for name, tell in ((f"story_{seed}", _tell), (f"duck_story_{seed}", duck_stories.tell)):
            (PLACE / f"{name}.txt").write_text("\n".join(tell(workshop, name, seed)))
            try:
                answer(workshop, recipe(name, "branch rollback schema-evolution story"))
            except Exception:  # noqa: BLE001 - the others are told all the same
                traceback.print_exc(limit=3)
                failed += 1
    print(f"twice {count} stories from seed {first}; Spark cannot read {failed}", flush=True)
    workshop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Random stories of tables, told by DuckDB: rows inserted, updated and deleted, columns changed."""

import random
from collections.abc import Callable

import duckdb

from tests.corpus.place import NAMESPACE, WAREHOUSE
from tests.corpus.writers.by_duckdb import DUCK
from tests.corpus.writers.workshop import Workshop

STEPS = 14
VALUES = {
    "BIGINT": ["0", "1", "2", "-1", "9223372036854775807"],
    "INTEGER": ["0", "1", "2", "-1", "2147483647"],
    "DOUBLE": ["0.0", "'-0.0'::DOUBLE", "1.5", "'NaN'::DOUBLE", "'-inf'::DOUBLE"],
    "VARCHAR": ["''", "'a'", "'b'", "'it''s'", "'日本'"],
    "DATE": ["DATE '1970-01-01'", "DATE '2024-02-29'", "DATE '1969-12-31'"],
    "DECIMAL(9,2)": ["0.00", "-1.10", "9999999.99"],
    "STRUCT(a INTEGER, b VARCHAR)": ["{'a': 1, 'b': 'x'}", "{'a': NULL, 'b': ''}"],
    "INTEGER[]": ["[1, NULL, 2]", "[]::INTEGER[]"],
}
FILTERED = ("BIGINT", "INTEGER", "VARCHAR", "DATE", "DECIMAL(9,2)")
PARTITIONS = ("", "", "s", "bucket(3, id)", "truncate(1, s)", "month(d)")


class DuckStory:
    """One table and what happens to it; ``told`` are the statements."""

    def __init__(self, name: str, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be told again
        self.table, self.told = f'rest.{NAMESPACE}."{name}"', list[str]()
        self.names = (f"n{number}" for number in range(1000))
        self.columns = {"id": "BIGINT", "i": "INTEGER", "f": "DOUBLE", "s": "VARCHAR", "d": "DATE"}
        self.columns |= {"m": "DECIMAL(9,2)", "st": "STRUCT(a INTEGER, b VARCHAR)"}
        self.columns |= {"l": "INTEGER[]"}
        told = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        version, by = self.random.choice((2, 3)), self.random.choice(PARTITIONS)
        parted = f" PARTITIONED BY ({by})" if by else ""
        self.run(f"CREATE TABLE {{t}} ({told}){parted} WITH ('format-version' = '{version}')")

    def run(self, statement: str) -> None:
        self.told.append(statement)
        DUCK.connection.execute(statement.replace("{t}", self.table))

    def go_on(self) -> None:
        """Do the next step; what DuckDB does not do is not done."""
        try:
            self.random.choice(CHANGES)(self)
        except duckdb.Error as refusal:
            self.told.append(f"  (refused: {str(refusal).splitlines()[0][:150]})")

    def insert(self) -> None:
        rows = [
            "(" + ", ".join(self.value(kind) for kind in self.columns.values()) + ")"
            for _ in range(self.random.randint(1, 8))
        ]
        self.run(f"INSERT INTO {{t}} VALUES {', '.join(rows)}")

    def delete(self) -> None:
        self.run(f"DELETE FROM {{t}} WHERE {self.condition()}")

    def update(self) -> None:
        name = self.random.choice([n for n, kind in self.columns.items() if kind in FILTERED])
        value = self.value(self.columns[name])
        self.run(f"UPDATE {{t}} SET {name} = {value} WHERE {self.condition()}")

    def add(self) -> None:
        name, kind = next(self.names), self.random.choice(list(VALUES))
        self.run(f"ALTER TABLE {{t}} ADD COLUMN {name} {kind}")
        self.columns[name] = kind

    def drop(self) -> None:
        name = self.random.choice(list(self.columns))
        self.run(f"ALTER TABLE {{t}} DROP COLUMN {name}")
        del self.columns[name]

    def rename(self) -> None:
        name = self.random.choice(list(self.columns))
        other = self.random.choice([next(self.names), "i", "s"])
        if other not in self.columns:
            self.run(f"ALTER TABLE {{t}} RENAME COLUMN {name} TO {other}")
            self.columns = {other if n == name else n: kind for n, kind in self.columns.items()}

    def condition(self) -> str:
        name = self.random.choice([n for n, kind in self.columns.items() if kind in FILTERED])
        value = self.random.choice(VALUES[self.columns[name]])
        sign = self.random.choice(("=", "<=", ">"))
        return self.random.choice((f"{name} {sign} {value}", f"{name} IS NULL"))

    def value(self, kind: str) -> str:
        return "NULL" if self.random.random() < 0.2 else self.random.choice(VALUES[kind])


CHANGES: tuple[Callable[[DuckStory], None], ...] = (
    *([DuckStory.insert] * 4),
    *(DuckStory.delete, DuckStory.delete, DuckStory.update, DuckStory.update),
    *(DuckStory.add, DuckStory.drop, DuckStory.rename),
)


def tell(workshop: Workshop, name: str, seed: int) -> list[str]:
    """Tell the story of *seed* about a table *name*; return its statements."""
    story = DuckStory(name, seed)
    while len(story.told) < STEPS:
        story.go_on()
    metadata = max((WAREHOUSE / NAMESPACE / name / "metadata").glob("*.metadata.json"))
    workshop.register(name, f"file://{metadata}")
    return story.told

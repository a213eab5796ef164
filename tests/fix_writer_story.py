"""Random stories of a table, written by pyiceberg: appends, deletes, evolution, rollbacks.

A story is drawn from a seed, so that a failing one can be told again.
"""

import datetime as dt
import random
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import (
    AlwaysTrue,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    Not,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from tests.fix_catalogs import Lake
from tests.fix_writer_values import ADDED, FILTERED, TRANSFORMS, VALUES, WIDER, first_schema

Path = tuple[str, ...]


class Story:
    """One table and what happens to it.  ``told`` are the steps, for messages."""

    def __init__(self, lake: Lake, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be told again
        self.told: list[str] = []
        self._names = (f"n{number}" for number in range(1000))
        self.name = f"story_{seed}"
        properties = {
            "format-version": str(self.random.choice((1, 2, 2))),
            "commit.manifest-merge.enabled": self.random.choice(("true", "false")),
            "commit.manifest.min-count-to-merge": "2",
            "write.parquet.page-row-limit": "4",
        }
        schema = first_schema()
        spec = PartitionSpec(*self._partition(schema)) if self.random.random() < 0.6 else None
        more = {} if spec is None else {"partition_spec": spec}
        self.table: Table = lake.create(self.name, schema, properties=properties, **more)
        self.told.append(f"create {properties} {spec}")

    def go_on(self) -> None:
        """Do the next step; one that pyiceberg does not allow is not done."""
        step = self.random.choice(STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a delete that matches nothing warns
            try:
                told = step(self)
            except (ValueError, TypeError, NotImplementedError) as refusal:
                told = f"(refused: {str(refusal)[:60]})"
        self.told.append(f"{step.__name__} {told}")
        self.table.refresh()

    def append(self) -> str:
        rows = self._rows()
        self.table.append(rows)
        return str(rows.num_rows)

    def delete(self) -> str:
        chosen = self.filter()
        self.table.delete(chosen)
        return str(chosen)

    def overwrite(self) -> str:
        chosen = self.filter()
        self.table.overwrite(self._rows(), overwrite_filter=chosen)
        return str(chosen)

    def compact(self) -> str:
        self.table.overwrite(self.table.scan().to_arrow())
        return ""

    def roll_back(self) -> str:
        found = self.random.choice([entry.snapshot_id for entry in self.table.history()] or [0])
        self.table.manage_snapshots().rollback_to_snapshot(found).commit()
        return str(found)

    def add(self) -> str:
        parents = [()] + [path for path, field in self._fields() if _is_struct(field.field_type)]
        path = (*self.random.choice(parents), self._new_name())
        kind = self.random.choice(ADDED)()
        with self.table.update_schema() as update:
            update.add_column(path, kind)
        return f"{path} {kind}"

    def drop(self) -> str:
        path, field = self._member()
        # pyiceberg does not look after either: neither can be read then.
        if field.field_id in {part.source_id for part in self.table.spec().fields}:
            return f"(not {path}: the table is partitioned by it)"
        if sum(other[:-1] == path[:-1] for other, _ in self._fields()) == 1:
            return f"(not {path}: it is the last)"
        with self.table.update_schema() as update:
            update.delete_column(path)
        return str(path)

    def rename(self) -> str:
        path, _ = self._member()
        name = self._new_name()
        with self.table.update_schema() as update:
            update.rename_column(path, name)
        return f"{path} {name}"

    def reorder(self) -> str:
        path, _ = self._member()
        with self.table.update_schema() as update:
            update.move_first(path)
        return str(path)

    def widen(self) -> str:
        able = [(path, field) for path, field in self._fields() if type(field.field_type) in WIDER]
        path, field = self.random.choice(able)
        with self.table.update_schema() as update:
            update.update_column(path, WIDER[type(field.field_type)])
        return str(path)

    def partition(self) -> str:
        fields = self.table.spec().fields
        if fields and self.random.random() < 0.4:
            gone = self.random.choice(fields).name
            with self.table.update_spec() as update:
                update.remove_field(gone)
            return f"not {gone}"
        (field,) = self._partition(self.table.schema())
        source = self.table.schema().find_column_name(field.source_id)
        with self.table.update_spec() as update:
            update.add_field(source, field.transform, self._new_name())
        return f"{source} {field.transform}"

    def filter(self) -> BooleanExpression:
        """Return a condition on a column of the table as it is now."""
        return self.condition()[0]

    def condition(self) -> tuple[BooleanExpression, str]:
        """Return a condition on a column of the table as it is now, and the same in SQL."""
        able = [f for f in self.table.schema().fields if isinstance(f.field_type, FILTERED)]
        if not able:
            return AlwaysTrue(), "true"
        field = self.random.choice(able)
        some = VALUES[type(field.field_type)]
        value, others = self.random.choice(some), self.random.sample(some, 2)
        name, column = field.name, f'"{field.name}"'
        listed = ", ".join(_sql(other) for other in others)
        return self.random.choice(
            (
                (EqualTo(name, _literal(value)), f"{column} = {_sql(value)}"),
                (In(name, [_literal(other) for other in others]), f"{column} IN ({listed})"),
                (GreaterThanOrEqual(name, _literal(value)), f"{column} >= {_sql(value)}"),
                (LessThan(name, _literal(value)), f"{column} < {_sql(value)}"),
                (IsNull(name), f"{column} IS NULL"),
                (Not(IsNull(name)), f"{column} IS NOT NULL"),
            )
        )

    def _rows(self) -> pa.Table:
        fields = self.table.schema().fields
        rows = [
            {field.name: self._value(field.field_type) for field in fields}
            for _ in range(self.random.randint(1, 8))
        ]
        return pa.Table.from_pylist(rows, self.table.schema().as_arrow())

    def _value(self, kind: IcebergType) -> Any:
        if self.random.random() < 0.2:
            return None
        if isinstance(kind, StructType):
            return {field.name: self._value(field.field_type) for field in kind.fields}
        if isinstance(kind, ListType):
            return [self._value(kind.element_type) for _ in range(self.random.randint(0, 3))]
        if isinstance(kind, MapType):
            keys = self.random.sample(("a", "b", "c"), self.random.randint(0, 3))
            return [(key, self._value(kind.value_type)) for key in keys]
        return self.random.choice(VALUES[type(kind)])

    def _partition(self, schema: Schema) -> list[PartitionField]:
        able = [field for field in schema.fields if type(field.field_type) in TRANSFORMS]
        field = self.random.choice(able)
        transform = self.random.choice(TRANSFORMS[type(field.field_type)])
        return [PartitionField(field.field_id, 1000, transform, f"p_{field.name}")]

    def _member(self) -> tuple[Path, NestedField]:
        """Return a column, or a member of a struct, however deep."""
        return self.random.choice(
            [(p, f) for p, f in self._fields() if p[-1] not in ("element", "key", "value")]
        )

    def _fields(self) -> list[tuple[Path, NestedField]]:
        return list(_walk(self.table.schema().as_struct(), ()))

    def _new_name(self) -> str:
        """Return a name for a column: new, or one that there was once."""
        old = ("i", "s", "a", "b", "x")
        return self.random.choice(old) if self.random.random() < 0.3 else next(self._names)


STEPS: tuple[Callable[[Story], str], ...] = (
    *([Story.append] * 5),
    *(Story.delete, Story.delete, Story.overwrite, Story.compact, Story.roll_back),
    *(Story.add, Story.add, Story.drop, Story.rename, Story.rename, Story.reorder),
    *(Story.widen, Story.widen, Story.partition, Story.partition),
)


def _is_struct(kind: IcebergType) -> bool:
    inside = kind.element_type if isinstance(kind, ListType) else kind
    inside = inside.value_type if isinstance(inside, MapType) else inside
    return isinstance(inside, StructType)


def _walk(kind: IcebergType, path: tuple[str, ...]) -> Iterator[tuple[Path, NestedField]]:
    members: tuple[NestedField, ...] = ()
    if isinstance(kind, StructType):
        members = kind.fields
    elif isinstance(kind, ListType):
        members = (kind.element_field,)
    elif isinstance(kind, MapType):
        members = (kind.value_field,)
    for member in members:
        here = (*path, member.name)
        yield here, member
        yield from _walk(member.field_type, here)


def _literal(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _sql(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value}'"
    if isinstance(value, dt.date):
        return f"DATE '{value}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"CAST('{value}' AS DECIMAL(20,2))" if isinstance(value, Decimal) else str(value)

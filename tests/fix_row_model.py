"""A model of a table with row-level deletes: it knows only what was written, row by row.

It applies "Scan Planning", "Row-level Deletes" and "Column Projection" of the specification.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.fix_row_deletes import HandMade

Row = dict[int, Any]


@dataclass
class File:
    """A data file of the model: what its rows were written as, by field id."""

    path: str
    rows: list[Row]
    sequence: int
    partition: tuple[Any, ...]
    deleted: set[int] = field(default_factory=set)
    vector: set[int] | None = None
    absent: dict[int, Any] = field(default_factory=dict)


@dataclass
class Values:
    """An equality delete of the model."""

    ids: tuple[int, ...]
    rows: list[tuple[Any, ...]]
    sequence: int
    partition: tuple[Any, ...]
    everywhere: bool


def same(value: Any) -> Any:
    """Return what *value* is compared by: as Java compares, 0.0 is not -0.0, NaN is NaN."""
    if isinstance(value, float):
        return ("float", repr(value))
    return value


@dataclass
class Model:
    table: HandMade
    files: list[File] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)
    defaults: dict[int, Any] = field(default_factory=dict)

    def key(self, partition: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.table.spec().spec_id, *map(same, partition))

    def read(self, file: File, row: Row, field_id: int) -> Any:
        if field_id in row:
            return row[field_id]
        if field_id in file.absent:
            return file.absent[field_id]
        return self.defaults.get(field_id)

    def rows(self) -> list[tuple[Any, ...]]:
        ids = [made["id"] for made in self.table.columns]
        return [
            tuple(same(self.read(file, row, field_id)) for field_id in ids)
            for file in self.files
            for number, row in enumerate(file.rows)
            if not self.is_deleted(file, number, row)
        ]

    def is_deleted(self, file: File, number: int, row: Row) -> bool:
        if number in (file.deleted if file.vector is None else file.vector):
            return True
        for values in self.values:
            if file.sequence >= values.sequence:
                continue
            if not values.everywhere and file.partition != values.partition:
                continue
            mine = tuple(same(self.read(file, row, field_id)) for field_id in values.ids)
            if mine in [tuple(map(same, other)) for other in values.rows]:
                return True
        return False

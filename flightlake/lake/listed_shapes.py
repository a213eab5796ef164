"""Avro arrays and maps in lanes; and the shapes of a schema.

Source: Apache Avro specification, "Arrays" and "Maps" under "Binary Encoding"; Iceberg spec,
appendix A, "Avro" (field ids).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flightlake.lake.avro import Malformed, number_at
from flightlake.lake.shapes import (
    Boolean,
    Bytes,
    Choice,
    Column,
    Fixed,
    Items,
    Key,
    Member,
    Null,
    Number,
    Record,
    Shape,
    joined,
)
from flightlake.lake.tape import Places, Tape

Wanted = Mapping[int, Any]
"""Field ids of what is read, each with what is read of it; None stands for everything."""

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class List:
    """An array, or a map (then items are pairs): blocks of items, the last of none."""

    item: Shape
    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        owners: list[Places] = []
        columns: list[Column] = []
        each = self.item.numbers

        def take(lanes: Places, here: Places, counts: Places) -> Places:
            if each is not None:
                values, found, here = tape.numbers(here, counts * each)
                owners.append(np.repeat(lanes, found // each))
                columns.append(_of_item(self.item, values.reshape(-1, each)))
                return here
            for on in _items(tape, here, counts):
                column, here[on] = self.item.read(tape, here[on])
                owners.append(lanes[on])
                columns.append(column)
            return here

        at = _through(tape, at, take)
        if not owners:
            return Items(np.zeros(len(at), np.int64), None), at
        all_owners = np.concatenate(owners)
        lengths = np.bincount(all_owners, minlength=len(at)).astype(np.int64)
        if len(columns) == 1:
            return Items(lengths, columns[0]), at
        return Items(lengths, joined(columns, np.argsort(all_owners, kind="stable"))), at

    def skip(self, tape: Tape, at: Places) -> Places:
        each = self.item.numbers

        def take(lanes: Places, here: Places, counts: Places) -> Places:
            if each is not None:
                return tape.skip_numbers(here, counts * each)
            for on in _items(tape, here, counts):
                here[on] = self.item.skip(tape, here[on])
            return here

        return _through(tape, at, take)

    def pass_one(self, content: bytes, at: int) -> int:
        while True:
            count, at = number_at(content, at)
            if count == 0:
                return at
            if count < 0:
                count = -count
                _, at = number_at(content, at)
            if count > len(content):
                raise Malformed("more items than bytes")
            for _ in range(count):
                at = self.item.pass_one(content, at)


def _items(tape: Tape, here: Places, counts: Places) -> Iterator[Places | slice]:
    """Yield for each item in turn the lanes that have it; *here* is moved on meanwhile."""
    most = int(counts.max())
    if most == int(counts.min()):
        yield from [slice(None)] * most
        return
    for place in range(most):
        yield ((counts > place) & (here <= tape.size)).nonzero()[0]


def _through(tape: Tape, at: Places, take: Callable[[Places, Places, Places], Places]) -> Places:
    """Return what follows lists at *at*; *take* gets lanes, places and counts of each block."""
    at = at.copy()
    lanes = np.arange(len(at))
    while len(lanes):
        counts, here = tape.number(at[lanes])
        if counts.min() < 0:
            here = np.where(counts < 0, tape.skip_numbers(here, 1), here)
            counts = np.abs(counts)
        here = tape.only((counts >= 0) & (counts <= tape.size), here)
        at[lanes] = here
        more = ((counts > 0) & (here <= tape.size)).nonzero()[0]
        lanes = lanes[more]
        if len(lanes):
            at[lanes] = take(lanes, here[more], counts[more])
    return at


def _of_item(item: Shape, values: npt.NDArray[np.int64]) -> Column:
    if isinstance(item, Record):
        columns: dict[Key, Column] = {}
        for member in item.members:
            count = member.shape.numbers or 0
            columns[member.key] = _of_item(member.shape, values[:, :count])
            values = values[:, count:]
        return columns
    return np.ascontiguousarray(values[:, 0])


def shape_of(schema: Any, wanted: Wanted | None = None) -> Shape:
    """Return the shape of an Avro schema, given as JSON has it.

    Raises:
        Malformed: It is no schema, or one that contains itself.
    """
    return _shape(schema, wanted, {}, _DEEPEST)


def _shape(schema: Any, wanted: Wanted | None, named: dict[str, Any], depth: int) -> Shape:
    if depth == 0:
        raise Malformed("a schema that contains itself")
    if isinstance(schema, str):
        if schema in _PLAIN:
            return _PLAIN[schema]
        if schema not in named:
            raise Malformed("an unknown type")
        return _shape(named[schema], wanted, named, depth - 1)
    if isinstance(schema, list):
        branches = tuple(_shape(branch, wanted, named, depth - 1) for branch in schema)
        return Choice(branches)
    if not isinstance(schema, dict):
        raise Malformed("no schema")
    kind = schema.get("type")
    if kind in ("record", "enum", "fixed"):
        _name(schema, named)
    if kind == "record":
        return Record(tuple(_member(member, wanted, named, depth) for member in schema["fields"]))
    if kind == "enum":
        return Number()
    if kind == "fixed":
        return Fixed(int(schema["size"]))
    if kind == "array":
        return List(_shape(schema["items"], None, named, depth - 1))
    if kind == "map":
        value = _shape(schema["values"], None, named, depth - 1)
        return List(Record((Member("key", Bytes(), True), Member("value", value, True))))
    return _shape(kind, wanted, named, depth - 1)


def _member(
    field: Mapping[str, Any], wanted: Wanted | None, named: dict[str, Any], depth: int
) -> Member:
    key: Key = field.get("field-id", field["name"])
    below = None if wanted is None else wanted.get(key) if isinstance(key, int) else None
    is_wanted = wanted is None or key in wanted
    return Member(key, _shape(field["type"], below, named, depth - 1), is_wanted)


def _name(schema: Mapping[str, Any], named: dict[str, Any]) -> None:
    """Remember a type under its name, with its namespace and without."""
    name = schema.get("name")
    if isinstance(name, str):
        named[name] = named[name.rpartition(".")[2]] = schema
        if schema.get("namespace"):
            named[f"{schema['namespace']}.{name}"] = schema


_PLAIN: Mapping[str, Shape] = {
    "null": Null(),
    "boolean": Boolean(),
    "int": Number(),
    "long": Number(),
    "float": Fixed(4),
    "double": Fixed(8),
    "bytes": Bytes(),
    "string": Bytes(),
}

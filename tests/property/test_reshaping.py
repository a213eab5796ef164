"""Nested values made anew by the engine: as a model in Python makes them, whatever the shape."""

import random
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionContext

from flightlake.engine.reshaping import reshape
from flightlake.lake.nesting import KEPT, Kept, ListOf, MapOf, Member, Reshaped, Shape, StructOf
from flightlake.lake.parts import Column

LEAVES: list[tuple[pa.DataType, pa.DataType, list[Any]]] = [
    (pa.int32(), pa.int64(), [0, 1, -1, 2**31 - 1]),
    (pa.float32(), pa.float64(), [0.5, -0.0]),
    (pa.string(), pa.string(), ["", "it's", "日本"]),
    (pa.bool_(), pa.bool_(), [True, False]),
]
DEFAULTS = [pa.scalar(7, pa.int32()), pa.scalar("it's"), pa.scalar(b"\x00\xff"), pa.scalar(0.1)]
NAMES = ["a", "b", "A", "a b", "it's", 'q"q', "x.y", "日本", "each0"]


class Drawn:
    """A type as a file has it, what becomes of it, and the type that gives."""

    def __init__(self, draw: random.Random, depth: int = 0) -> None:
        kind = draw.choice(["leaf", "struct", "list", "map"][: 4 if depth < 3 else 1])
        kind = draw.choice(["struct", "list", "map"]) if depth == 0 else kind
        self.draw = draw
        getattr(self, f"_{kind}")(depth)

    def _leaf(self, _: int) -> None:
        self.stored, wider, values = self.draw.choice(LEAVES)
        widened = self.draw.random() < 0.5
        self.type = wider if widened else self.stored
        self.shape: Shape = Kept(self.type) if self.type != self.stored else KEPT
        self.value = lambda: self.draw.choice(values)
        self.made = lambda value: value

    def _struct(self, depth: int) -> None:
        draw = self.draw
        parts = [Drawn(draw, depth + 1) for _ in range(draw.randint(1, 3))]
        before = dict(zip(draw.sample(NAMES, len(parts)), parts, strict=True))
        kept = draw.sample(list(before), draw.randint(0, len(before)))
        added = [draw.choice([None, *DEFAULTS]) for _ in range(draw.randint(0 if kept else 1, 2))]
        after = iter(draw.sample(NAMES, len(kept) + len(added)))
        here = [Member(next(after), name, before[name].shape) for name in kept]
        new = [Member(next(after), None, KEPT, default) for default in added]
        members = [*here, *new]
        draw.shuffle(members)
        self.stored = pa.struct([(name, part.stored) for name, part in before.items()])
        self.type = pa.struct(
            [
                (member.name, before[member.stored].type)
                if member.stored
                else (member.name, pa.date32() if member.absent is None else member.absent.type)
                for member in members
            ]
        )
        self.shape = StructOf(tuple(members))
        self.value = lambda: {name: part.some() for name, part in before.items()}
        self.made = lambda value: {
            member.name: before[member.stored].become(value[member.stored])
            if member.stored
            else (None if member.absent is None else member.absent.as_py())
            for member in members
        }

    def _list(self, depth: int) -> None:
        part = Drawn(self.draw, depth + 1)
        self.stored = pa.list_(pa.field("item", part.stored))
        self.type = pa.list_(pa.field("element", part.type))
        self.shape = ListOf(part.shape)
        self.value = lambda: [part.some() for _ in range(self.draw.randint(0, 3))]
        self.made = lambda value: [part.become(each) for each in value]

    def _map(self, depth: int) -> None:
        part = Drawn(self.draw, depth + 1)
        self.stored, self.type = pa.map_(pa.int32(), part.stored), pa.map_(pa.int64(), part.type)
        self.shape = MapOf(Kept(pa.int64()), part.shape)
        keys = range(self.draw.randint(0, 3))
        self.value = lambda: [(key, part.some()) for key in keys]
        self.made = lambda value: [(key, part.become(each)) for key, each in value]

    def some(self) -> Any:
        return None if self.draw.random() < 0.25 else self.value()

    def become(self, value: Any) -> Any:
        return None if value is None else self.made(value)


@pytest.mark.parametrize("seed", range(200))
def test_values_are_made_anew_as_the_model_makes_them(seed: int) -> None:
    drawn = Drawn(random.Random(seed))  # noqa: S311 - to be drawn again
    values = [drawn.some() for _ in range(drawn.draw.choice([0, 1, 20]))]
    column = Column("c", drawn.type, "old c", reshaped=Reshaped(drawn.stored, drawn.shape))
    rows = pa.record_batch({"old c": pa.array([*values, None, *values], drawn.stored)})
    # Not from the start of the arrays: the engine slices what it has read.
    frame = SessionContext().read_batch(rows).limit(len(values) + 1, len(values))
    found = frame.select(reshape(column).alias("c")).to_arrow_table()
    assert found.schema.field("c").type == drawn.type
    assert found.column("c").to_pylist() == [None, *map(drawn.become, values)]

"""What may happen to a table, drawn step by step: done to a real one and told to the model."""

import itertools
import math
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on
from tests.fix_row_deletes import HandMade, column, identity
from tests.fix_row_model import File, Model, Values

Draw = Any

STARTS: dict[int, tuple[str, str]] = {
    1: ("id", "int"),
    2: ("tag", "string"),
    3: ("x", "double"),
    4: ("d", "decimal(9,2)"),
    5: ("f", "float"),
}
WIDER = {"int": "long", "float": "double", "decimal(9,2)": "decimal(18,2)"}
VALUES: dict[str, list[Any]] = {
    "int": [None, 0, 1, 2, 3],
    "long": [None, 0, 1, 2, 1 << 40],
    "string": [None, "", "a", "b", "it's"],
    "double": [None, 0.0, -0.0, math.nan, 1.5],
    "float": [None, 0.0, -0.0, math.nan, 1.5],
    "decimal(9,2)": [None, Decimal("0.00"), Decimal("1.10")],
    "decimal(18,2)": [None, Decimal("1.10"), Decimal("123456789012.34")],
}


class World:
    """A lake and an engine for all examples."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake: Lake = sqlite_lake(folder)
        engine = engine_on({self.lake.name: self.lake.open()}, folder / "spill")
        self.lab = Lab(engine, Defaults(self.lake.name, self.lake.root))


class Story:
    """Draws what happens to a table, and tells the model."""

    def __init__(self, world: World, draw: Draw) -> None:
        self.draw = draw
        parted = draw(st.sampled_from([None, None, 2, 3]))
        columns = [column(number, name, kind) for number, (name, kind) in STARTS.items()]
        folder = Path(tempfile.mkdtemp(dir=world.folder))
        spec = [] if parted is None else identity(parted, STARTS[parted][0])
        self.table = HandMade(world.lake, folder, columns, partition=spec)
        self.model = Model(self.table)
        self.parted = parted
        self.names = (f"n{number}" for number in itertools.count())
        self.ids = itertools.count(10)

    def pick(self, values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def some(self, values: Any, least: int = 1, most: int = 4) -> list[Any]:
        return self.draw(st.lists(st.sampled_from(values), min_size=least, max_size=most))

    def partition(self) -> tuple[Any, ...]:
        if self.parted is None:
            return ()
        return (self.pick(VALUES[self.kind(self.parted)]),)

    def kind(self, number: int) -> str:
        for schema in reversed(self.table.document["schemas"]):
            for made in schema["fields"]:
                if made["id"] == number:
                    return str(made["type"])
        raise AssertionError(number)

    def append(self) -> None:
        partition = self.partition()
        ids = [made["id"] for made in self.table.columns]
        rows = [
            {number: self.pick(VALUES[self.kind(number)]) for number in ids}
            for _ in range(self.draw(st.integers(1, 6)))
        ]
        left_out: dict[int, Any] = {}
        if self.parted in ids:
            for row in rows:
                row[self.parted] = partition[0]
            if self.pick([True, False]) and len(ids) > 1:
                left_out = {self.parted: partition[0]}
                for row in rows:
                    del row[self.parted]
        elif self.parted is not None:
            left_out = {self.parted: partition[0]}
        names = [made["name"] for made in self.table.columns if made["id"] not in left_out]
        written = [made["id"] for made in self.table.columns if made["id"] not in left_out]
        schema = self.table.arrow(*names)
        data = pa.table([[row[number] for row in rows] for number in written], schema=schema)
        path = self.table.data(data, partition)
        self.model.files.append(
            File(path, rows, self.table.sequence, self.model.key(partition), absent=left_out)
        )

    def positions(self) -> None:
        """Delete rows by position, of one or several files of one partition."""
        if not (files := self.model.files):
            return
        chosen = self.pick(files)
        if chosen.partition[0] != self.table.spec().spec_id:
            return
        mates = [file for file in files if file.partition == chosen.partition]
        named = self.some(mates)
        deletes = [(self.pick(named), row) for row in self.some([0, 0, 1, 2, 3, 99])]
        targets = {file.path for file, _ in deletes}
        how: dict[str, Any] = {}
        if len(targets) == 1:
            how = self.pick([{}, {"referenced": next(iter(targets))}, {"bounds": True}])
        else:
            how = self.pick([{}, {"bounds": True}])
        raw = self.raw(chosen)
        older = self.pick([None, None, chosen.sequence])
        pairs = sorted((file.path, row) for file, row in deletes)
        self.table.positions(pairs, raw, sequence=older, **how)
        sequence = self.table.sequence if older is None else older
        for file, row in deletes:
            if file.sequence <= sequence:
                file.deleted.add(row)

    def raw(self, file: File) -> tuple[Any, ...]:
        return tuple(
            float(value[1]) if isinstance(value, tuple) else value for value in file.partition[1:]
        )

    def vectors(self) -> None:
        free = [
            file
            for file in self.model.files
            if file.vector is None and file.partition[0] == self.table.spec().spec_id
        ]
        if not free:
            return
        chosen = self.pick(free)
        mates = [file for file in free if file.partition == chosen.partition]
        files = {file.path: file for file in self.some(mates, 1, 3)}
        rows = {path: sorted(set(self.some([0, 1, 2, 3, 1 << 33]))) for path in files}
        self.table.vectors(rows, self.raw(chosen))
        for path, file in files.items():
            file.vector = set(rows[path])

    def equality(self) -> None:
        kept = [made["id"] for made in self.table.columns]
        ids = tuple(sorted(set(self.some(kept, 1, 2))))
        rows = [tuple(self.pick(VALUES[self.kind(number)]) for number in ids) for _ in range(2)]
        seen = [(file, row) for file in self.model.files for row in file.rows]
        if seen and self.pick([True, True, False]):
            file, row = self.pick(seen)
            hit = tuple(self.model.read(file, row, number) for number in ids)
            rows.append(hit)
        by_id = {made["id"]: made["name"] for made in self.table.columns}
        order = [made["id"] for made in self.table.columns if made["id"] in ids]
        data = pa.table(
            [[row[ids.index(number)] for row in rows] for number in order],
            schema=self.table.arrow(*(by_id[number] for number in ids)),
        )
        partition = self.partition()
        self.table.equality(data, ids, partition)
        everywhere = not self.table.spec().fields
        self.model.values.append(
            Values(ids, rows, self.table.sequence, self.model.key(partition), everywhere)
        )

    def rename(self) -> None:
        columns = [dict(made) for made in self.table.columns]
        self.pick(columns)["name"] = self.pick([next(self.names), "Tag", "TAG"])
        self.evolve(columns)

    def swap(self) -> None:
        columns = [dict(made) for made in self.table.columns]
        one, other = self.pick(columns), self.pick(columns)
        one["name"], other["name"] = other["name"], one["name"]
        self.evolve(columns)

    def reorder(self) -> None:
        self.evolve(self.draw(st.permutations(self.table.columns)))

    def drop(self) -> None:
        if len(self.table.columns) > 1:
            gone = self.pick(self.table.columns)
            if gone["id"] != self.parted:
                self.evolve([made for made in self.table.columns if made is not gone])

    def add(self) -> None:
        kind = self.pick(list(WIDER))
        used = {made["name"] for made in self.table.columns}
        name = self.pick([name for name, _ in STARTS.values()] + [next(self.names)])
        if name in used:
            return
        number = next(self.ids)
        made = column(number, name, kind)
        default = self.pick([value for value in VALUES[kind] if not _is_nan(value)])
        if default is not None:
            made["initial-default"] = str(default) if isinstance(default, Decimal) else default
            self.model.defaults[number] = default
        self.evolve([*self.table.columns, made])

    def widen(self) -> None:
        columns = [dict(made) for made in self.table.columns]
        chosen = self.pick(columns)
        if chosen["id"] != self.parted:
            chosen["type"] = WIDER.get(chosen["type"], chosen["type"])
            self.evolve(columns)

    def respec(self) -> None:
        """Partition by another column, or not at all, from now on."""
        kept = [made["id"] for made in self.table.columns if made["id"] in (2, 3)]
        self.parted = self.pick([None, *kept])
        names = {made["id"]: made["name"] for made in self.table.columns}
        parted = self.parted
        self.table.use_spec([] if parted is None else identity(parted, names[parted]))

    def evolve(self, columns: Any) -> None:
        names = [made["name"] for made in columns]
        if len(set(names)) == len(names):
            self.table.evolve(columns)
            self.table.publish()


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)

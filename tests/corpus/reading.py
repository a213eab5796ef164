"""flightlake's engine on the unpacked corpus, and how its answers are held against Spark's."""

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from flightlake.engine.engine import Defaults
from flightlake.errors import FlightlakeError, Unsupported
from flightlake.lake.catalogs import open_catalog
from flightlake.names import quote
from tests.corpus import place
from tests.corpus.canonical import bag, type_name
from tests.fix_engine import Lab, engine_on

_SHARE = 6
_AS_OF = re.compile(r" FOR (?:VERSION|TIMESTAMP) AS OF (?:'[^']*'|\S+)")
_FOLDER = Path(__file__).parent
TABLES = _FOLDER / "tables.txt"
REFUSED = _FOLDER / "refused.txt"


@contextmanager
def opened(spill: Path) -> Iterator[Lab]:
    """Unpack the corpus and open an engine on it; the lock is held meanwhile."""
    with place.held():
        place.unpack()
        with on_the_place(spill) as lab:
            yield lab


@contextmanager
def on_the_place(spill: Path) -> Iterator[Lab]:
    """Open an engine on what lies at the place, which the caller holds."""
    properties = {"uri": f"sqlite:///{place.DATABASE}", "warehouse": str(place.WAREHOUSE)}
    catalog = open_catalog(place.CATALOG, "sql", properties, timedelta(minutes=2))
    engine = engine_on({place.CATALOG: catalog}, spill)
    try:
        yield Lab(engine, Defaults(place.CATALOG, place.NAMESPACE))
    finally:
        engine.close()


def features() -> dict[str, list[str]]:
    """Return what each table of the corpus is good for, in words."""
    lines = (line.split("\t") for line in TABLES.read_text().splitlines())
    return {name: words.split() for name, _, words in lines}


def names() -> list[str]:
    """Return the tables of the corpus."""
    return list(features())


def refused() -> dict[str, str]:
    """Return what is refused today: a table, or a table at a snapshot or ref, and why."""
    lines = (line.partition(": ") for line in REFUSED.read_text().splitlines() if line.strip())
    return {key: reason for key, _, reason in lines}


def answer(name: str) -> dict[str, Any]:
    """Return what Spark said about the table."""
    document: dict[str, Any] = json.loads((place.ANSWERS / f"{name}.json").read_text())
    return document


@dataclass(frozen=True)
class State:
    """A table at one of its states, with what Spark read there.

    ``key`` is the table's name, with ``@`` and the number of a snapshot or a time, or a ref,
    for older states; ``source`` is what stands for it in SQL.
    """

    key: str
    source: str
    expected: Mapping[str, Any]


def states(document: Mapping[str, Any]) -> list[State]:
    """Return the states of a table that somebody read."""
    name = document["table"]
    table = quote(name)
    found = [State(name, table, document)]
    for number, past in enumerate(document.get("history", ())):
        source = f"{table} FOR VERSION AS OF {past['snapshot']}"
        found.append(State(f"{name}@{number}", source, past))
    for ref in document.get("refs", ()):
        source = f"{table} FOR VERSION AS OF '{ref['ref']}'"
        found.append(State(f"{name}@{ref['ref']}", source, ref))
    for number, moment in enumerate(document.get("moments", ())):
        source = f"{table} FOR TIMESTAMP AS OF TIMESTAMP '{moment['moment']}'"
        found.append(State(f"{name}@time {number}", source, moment))
    return found


@dataclass(frozen=True)
class Survey:
    """What reading a table gave: why each state was refused, and what differs from Spark."""

    refused: Mapping[str, str]
    different: Sequence[str]


def survey(lab: Lab, name: str) -> Survey:
    """Read the table at all its states, and a part of it by each of its filters.

    Filters may be answered where the table is refused: they may leave out the very files that
    it is refused for.
    """
    document = answer(name)
    refused, different = {}, []
    for state in states(document):
        everything = [json.dumps(row, **_COMPACT) for row in state.expected.get("rows", ())]
        try:
            rows = read(lab, state)
        except Unsupported as reason:
            refused[state.key] = _AS_OF.sub("", reason.message)
        except FlightlakeError as error:
            different.append(f"{state.key}: {type(error).__name__}: {error.message}")
        else:
            lines = _columns(rows, state) + _rows(bag(rows), everything)
            if state.source == quote(name) and (count := _count(lab, state, "")) != rows.num_rows:
                lines.append(f"count(*) is {count}, and there are {rows.num_rows} rows")
            different += [f"{state.key}: {line}" for line in lines]
    different += _filtered(lab, document, tolerant=name in refused)
    return Survey(refused, different)


def read(lab: Lab, state: State, where: str = "", what: str = "*") -> pa.Table:
    """Return the rows of *state*, those that *where* chooses."""
    sql = f"SELECT {what} FROM {state.source}" + (f" WHERE {where}" if where else "")
    return lab.collect(lab.plan(sql))


def _filtered(lab: Lab, document: Mapping[str, Any], tolerant: bool) -> list[str]:
    now = states(document)[0]
    everything = [json.dumps(row, **_COMPACT) for row in document.get("rows", ())]
    found = []
    for number, asked in enumerate(_some_filters(document)):
        where, expected = asked["where"], [everything[at] for at in asked["rows"]]
        try:
            rows = read(lab, now, where)
            # Without columns the engine may answer from statistics.
            count = _count(lab, now, where) if number == 0 else len(expected)
        except FlightlakeError as error:
            if not (tolerant and isinstance(error, Unsupported)):
                found.append(f"{now.key} {where}: {type(error).__name__}: {error.message}")
            continue
        found += [f"{now.key} {where}: {line}" for line in _rows(bag(rows), expected)]
        if count != len(expected):
            found.append(f"{now.key} {where}: count(*) is {count}, Spark's {len(expected)}")
    return found


def _count(lab: Lab, state: State, where: str) -> int:
    (count,) = read(lab, state, where, "count(*)").column(0).to_pylist()
    return int(count)


def _some_filters(document: Mapping[str, Any]) -> list[Any]:
    """Return all filters of a table that is about types, of others a few, by the table's name.

    All of all would take minutes; ``FLIGHTLAKE_CORPUS=all`` asks for them.
    """
    filters = list(document.get("filters", ()))
    if "types" in document["features"] or os.environ.get("FLIGHTLAKE_CORPUS") == "all":
        return filters
    return filters[zlib.crc32(document["table"].encode()) % _SHARE :: _SHARE]


def _columns(rows: pa.Table, state: State) -> list[str]:
    if "columns" not in state.expected:
        return ["was read, though nobody could say what is in it"]
    ours = [[field.name, type_name(field.type)] for field in rows.schema]
    expected = state.expected["columns"]
    return [] if ours == expected else [f"columns {ours}, but Spark's are {expected}"]


def _rows(ours: list[str], expected: list[str]) -> list[str]:
    missing, strange = Counter(expected) - Counter(ours), Counter(ours) - Counter(expected)
    if not missing and not strange:
        return []
    return [
        f"{len(ours)} rows where Spark has {len(expected)};"
        f" lost {_some(missing)}; not Spark's {_some(strange)}"
    ]


def _some(rows: Counter[str]) -> str:
    shown = [row[:200] for row in list(rows.elements())[:3]]
    return f"{rows.total()} {shown}" if rows else "none"


_COMPACT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}

"""flightlake's engine on the unpacked corpus, and how its answers are held against Spark's."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from flightlake.engine.engine import Defaults
from flightlake.errors import FlightlakeError, Unsupported
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import open_catalog
from flightlake.names import TableIdentifier, quote
from tests.corpus import place
from tests.corpus.canonical import bag, type_name
from tests.fix_engine import Lab, engine_on

_FOLDER = Path(__file__).parent
TABLES = _FOLDER / "tables.txt"
REFUSED = _FOLDER / "refused.txt"


@contextmanager
def opened(spill: Path) -> Iterator[Lab]:
    """Unpack the corpus and open an engine on it; the lock is held meanwhile."""
    with place.held():
        place.unpack()
        properties = {"uri": f"sqlite:///{place.DATABASE}", "warehouse": str(place.WAREHOUSE)}
        catalog = open_catalog(place.CATALOG, "sql", properties, timedelta(seconds=10))
        engine = engine_on({place.CATALOG: catalog}, spill)
        try:
            yield Lab(engine, Defaults(place.CATALOG, place.NAMESPACE))
        finally:
            engine.close()


def names() -> list[str]:
    """Return the tables of the corpus."""
    return [line.split()[0] for line in TABLES.read_text().splitlines() if line.strip()]


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

    ``key`` is the table's name, with ``@`` and the snapshot's number or a ref for older states.
    ``pin`` is None for the current state.
    """

    key: str
    table: str
    pin: Pin | None
    expected: Mapping[str, Any]


def states(document: Mapping[str, Any]) -> list[State]:
    """Return the states of a table that somebody read."""
    name = document["table"]
    found = [State(name, name, None, document)]
    for number, past in enumerate(document.get("history", ())):
        pin = Pin(past["snapshot"], past["schema"])
        found.append(State(f"{name}@{number}", name, pin, past))
    for ref in document.get("refs", ()):
        pin = Pin(ref["snapshot"], ref.get("schema"))
        found.append(State(f"{name}@{ref['ref']}", name, pin, ref))
    return found


def refusal(lab: Lab, state: State) -> str | None:
    """Return why *state* cannot be read today; None if it can."""
    try:
        lab.plan(f"SELECT * FROM {quote(state.table)}", pins=_pins(state))
    except Unsupported as reason:
        return reason.message
    return None


def refusals(lab: Lab) -> dict[str, str]:
    """Return all that is refused today, and why, in the order of the tables."""
    found = {}
    for name in names():
        for state in states(answer(name)):
            reason = refusal(lab, state)
            if reason is not None:
                found[state.key] = reason
    return found


def read(lab: Lab, state: State, where: str | None = None) -> pa.Table:
    """Return the rows of *state*, those that *where* chooses."""
    sql = f"SELECT * FROM {quote(state.table)}" + (f" WHERE {where}" if where else "")
    return lab.collect(lab.plan(sql, pins=_pins(state)))


def differences(lab: Lab, state: State, tolerant: bool) -> list[str]:
    """Return how flightlake's answers differ from Spark's, each in a line or two.

    Args:
        lab: The engine.
        state: What is read.
        tolerant: Whether a refusal is no difference: filters of a table that is refused may
            leave out the very files that it is refused for.
    """
    everything = [json.dumps(row, **_COMPACT) for row in state.expected["rows"]]
    questions: list[tuple[str | None, list[str]]] = [(None, everything)]
    for asked in state.expected.get("filters", ()):
        questions.append((asked["where"], [everything[at] for at in asked["rows"]]))
    found = []
    for where, expected in questions:
        try:
            rows = read(lab, state, where)
        except Unsupported as reason:
            if not tolerant:
                found.append(f"{where or 'all rows'}: refused: {reason.message}")
            continue
        except FlightlakeError as error:
            found.append(f"{where or 'all rows'}: {type(error).__name__}: {error.message}")
            continue
        if where is None:
            found += _columns(rows, state)
        found += _rows(where or "all rows", bag(rows), expected)
    return found


def _columns(rows: pa.Table, state: State) -> list[str]:
    ours = [[field.name, type_name(field.type)] for field in rows.schema]
    expected = state.expected["columns"]
    return [] if ours == expected else [f"columns {ours}, but Spark's are {expected}"]


def _rows(question: str, ours: list[str], expected: list[str]) -> list[str]:
    missing, strange = Counter(expected) - Counter(ours), Counter(ours) - Counter(expected)
    if not missing and not strange:
        return []
    return [
        f"{question}: {len(ours)} rows where Spark has {len(expected)};"
        f" lost {_some(missing)}; not Spark's {_some(strange)}"
    ]


def _some(rows: Counter[str]) -> str:
    shown = [row[:200] for row in list(rows.elements())[:3]]
    return f"{rows.total()} {shown}" if rows else "none"


def _pins(state: State) -> dict[TableIdentifier, Pin]:
    identifier = TableIdentifier(place.CATALOG, place.NAMESPACE, state.table)
    return {} if state.pin is None else {identifier: state.pin}


_COMPACT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}

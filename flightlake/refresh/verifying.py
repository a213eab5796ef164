"""Whether the rows of a view are what its query gives, at the snapshots that the view records.

The query is run again, at exactly these snapshots, and compared with the rows that readers of
the view get now: as bags, by the engine (``engine.comparison``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.engine.comparison import WEIGHT, Side, differences
from flightlake.engine.engine import Defaults, Engine, Plan
from flightlake.engine.sql_text import read
from flightlake.errors import InternalError, NotFound, Unsupported
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.mapping import naming_of
from flightlake.lake.materialized import is_unmade, reached_by_compaction
from flightlake.names import TableIdentifier, quote_always
from flightlake.refresh.finding import plain
from flightlake.refresh.outcomes import VERIFICATIONS, Outcome
from flightlake.refresh.pairing import Differences, Row
from flightlake.refresh.records import Source, definition_of, state_of
from flightlake.refresh.refreshing import Threads

OK, DIFFERENT, UNVERIFIABLE = "OK", "DIFFERENT", "UNVERIFIABLE"
REPAIRED = "REPAIRED"
_SHOWN = 200  # characters of a value in an example
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found of a view.

    ``state``: ``OK``; ``DIFFERENT``, of which ``missing`` rows should be there and are not, and
    ``extra`` are and should not be, some of which are ``examples``; ``UNVERIFIABLE``, for the
    ``reason`` given; ``REPAIRED``, was different, and all rows were made anew.  ``rows`` are
    those compared, and ``snapshot`` that of the view's table which holds them.
    """

    view: TableIdentifier
    state: str
    reason: str | None = None
    rows: int | None = None
    missing: int | None = None
    extra: int | None = None
    examples: str | None = None
    snapshot: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares views with their queries.  Thread-safe.

    Args:
        engine: Plans and executes.
        catalogs: What the server itself reads.
        threads: Where it plans.
        clock: The time.
    """

    engine: Engine
    catalogs: Catalogs
    threads: Threads
    clock: Clock

    def verify(self, view: Committed, call: Cancellation) -> Verification:
        """Compare the rows of *view* with those of its query; changes nothing.

        Raises:
            DamagedData: A file of the view or of a source is missing or broken.
            FlightlakeError: The rows cannot be made or read; or the reason of *call*.
        """
        started = self.clock.monotonic()
        found = self.threads.run(lambda: self._planned(view, call), call)
        if isinstance(found, Plan):
            found = self._compared(view, found, call)
        return replace(found, seconds=self.clock.monotonic() - started)

    def _planned(self, view: Committed, call: Cancellation) -> Plan | Verification:
        """Return the comparison as a plan, or why there is none to make."""
        name, metadata = view.identifier, view.metadata
        definition = definition_of(metadata.properties, name)
        state = state_of(metadata.properties, str(metadata.table_uuid))
        if is_unmade(metadata):
            return _unverifiable(view, "the view has not been initialized yet")
        if state is None:
            return _unverifiable(view, "there is no record of what the rows were made of")
        if state.version != definition.version:
            return _unverifiable(view, "the definition has changed since the rows were made")
        pins = {
            source.identifier: Pin(source.snapshot_id, source.schema_id, source.uuid)
            for source in state.sources
        }
        defaults = Defaults(definition.catalog, definition.db_schema)
        try:
            query = self.engine.outline(read(definition.query), defaults, pins, self.catalogs)
        except NotFound as gone:
            reason = gone.message.removesuffix("; run the statement again")
            return _unverifiable(view, reason)
        renamed = next((one for one in state.sources if self._is_named_otherwise(one)), None)
        if renamed is not None:
            return _unverifiable(view, f"the name mapping of {renamed.identifier} was changed")
        stored = self.catalogs[name.catalog].load(name.db_schema, name.table)
        if stored.schema.names != query.schema.names:
            return Verification(
                name, DIFFERENT, "the columns of the view's table were changed by somebody else",
                snapshot=metadata.current_snapshot_id,
            )  # fmt: skip
        quoted = ".".join(map(quote_always, (name.catalog, name.db_schema, name.table)))
        expected = Side(f"({definition.query.rstrip().rstrip(';')}\n)", query.schema)
        try:
            text = read(differences(expected, Side(quoted, stored.schema)))
        except Unsupported as odd:
            return _unverifiable(view, odd.message)
        pins[name] = Pin(
            metadata.current_snapshot_id, metadata.current_schema_id, str(metadata.table_uuid)
        )
        plan = self.engine.plan(text, defaults, pins, {}, state.as_of, call, self.catalogs)
        if dict(plan.pins) != pins:
            raise InternalError("the rows would be compared at other snapshots than were chosen")
        return plan

    def _is_named_otherwise(self, source: Source) -> bool:
        """Whether columns of files without field ids are found by other names than then."""
        if source.kind != "table":
            return False
        name = plain(source.identifier)
        table = self.catalogs[name.catalog].load(name.db_schema, name.table)
        return naming_of(table.metadata) != source.naming

    def _compared(self, view: Committed, plan: Plan, call: Cancellation) -> Verification:
        names = [field.name for field in plan.schema if field.name != WEIGHT]
        found = Differences(pa.schema([plan.schema.field(name) for name in names]))
        result = self.threads.run(
            lambda: self.engine.start(plan, call), call, lambda begun: begun.close()
        )
        result.draw(lambda batch: found.add(_weighed(batch)), call)
        found.finish(call.check)
        return _verification(view, found, self._columns(view))

    def _columns(self, view: Committed) -> list[str]:
        return [field.name for field in view.metadata.schema().fields]


def repaired(found: Verification, outcome: Outcome) -> Verification:
    """Return what was *found* of a view whose rows were then made anew, with *outcome*."""
    return replace(found, state=REPAIRED, rows=outcome.rows, snapshot=outcome.snapshot)


def verification_rows(found: Iterable[Verification]) -> pa.Table:
    """Return one row for each of *found* (``VERIFICATIONS``)."""
    rows = [
        (
            str(one.view), one.state, one.reason, one.rows, one.missing, one.extra, one.examples,
            one.snapshot, one.seconds,
        )
        for one in found
    ]  # fmt: skip
    columns = [[row[place] for row in rows] for place in range(len(VERIFICATIONS))]
    return pa.table(columns, schema=VERIFICATIONS)


def _unverifiable(view: Committed, reason: str) -> Verification:
    snapshot = view.metadata.current_snapshot_id
    return Verification(view.identifier, UNVERIFIABLE, reason, snapshot=snapshot)


def _verification(view: Committed, found: Differences, names: list[str]) -> Verification:
    metadata = view.metadata
    state = state_of(metadata.properties, str(metadata.table_uuid))
    alike = not (found.missing or found.extra)
    reason = None
    if state is not None and not reached_by_compaction(metadata, state.snapshot_id):
        reason = "the view's table was changed by somebody else"
        if alike:
            reason += ", and holds the same rows"
    elif not alike:
        reason = "the rows are not those of the query"
    snapshot = metadata.current_snapshot()
    said = snapshot.summary.get("total-records") if snapshot and snapshot.summary else None
    return Verification(
        view.identifier,
        OK if alike else DIFFERENT,
        reason,
        int(said) if said is not None and said.isdecimal() else None,
        found.missing,
        found.extra,
        "; ".join(_shown(what, row, names) for what, row in found.examples) or None,
        metadata.current_snapshot_id,
    )


def _shown(what: str, row: Row, names: list[str]) -> str:
    values = ", ".join(
        f"{name}={str(value)[:_SHOWN]}" for name, value in zip(names, row, strict=True)
    )
    return f"{what}: {values}"


def _weighed(batch: pa.RecordBatch) -> Iterable[tuple[Row, int]]:
    columns = [_values(column) for column in batch.columns]
    for *row, weight in zip(*columns, strict=True):
        yield tuple(row), int(weight)


def _values(column: pa.Array) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):  # Python has no dates after the year 9999, or before 1
        return [_value(column, place) for place in range(len(column))]


def _value(column: pa.Array, place: int) -> Any:
    try:
        return column[place].as_py()
    except (OverflowError, ValueError):
        one = column.slice(place, 1)
        return one.to_string(window=_ALL, container_window=_ALL, skip_new_lines=True)

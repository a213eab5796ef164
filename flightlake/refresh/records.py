"""What a view's table says of the view: its definition, and the state its rows are of.

Both are JSON in properties of the table.  The state also stands in the summary of the snapshot
it is of, as ``refresh-state``, in the form of the draft of Iceberg's specification for
materialized views (apache/iceberg#11041), so that it can be read of every snapshot.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flightlake.errors import PreconditionFailed
from flightlake.lake import materialized
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import AS_OF_MARK, TableIdentifier, to_namespace

REFRESH_STATE = "refresh-state"
REFRESH_ID = "flightlake.refresh-id"
STRATEGY = "flightlake.strategy"
REASON = "flightlake.reason"
REFRESH_ENDED = "flightlake.refresh-ended"
"""Of a snapshot with the rows of an earlier one: when that was made, in milliseconds since 1970."""


NOT_OURS = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading JSON ends in that somebody else wrote."""

_LONGEST = 1e10  # seconds


@dataclass(frozen=True, slots=True)
class Definition:
    """How a view is made.

    ``catalog`` and ``db_schema`` stand in for those that names in ``query`` leave out;
    ``version`` counts the definitions that the view has had, from 1.
    """

    query: str
    catalog: str
    db_schema: str
    partitioned_by: tuple[LayoutTerm, ...]
    mode: str
    version: int


@dataclass(frozen=True, slots=True)
class Source:
    """A table or view that was read.

    ``snapshot_id`` is None for a table without rows; of a view it is the version's id.
    ``schema_id`` is None of views; ``naming`` stands for the names by which columns are found in
    files without field ids (``lake.mapping.naming_of``).
    """

    identifier: TableIdentifier
    kind: str
    uuid: str
    snapshot_id: int | None
    schema_id: int | None
    naming: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the rows of a view are: its query at ``sources``, all of which stood at ``as_of``.

    ``snapshot_id`` is the snapshot of the view's table that holds the rows; ``version`` the
    definition's.
    """

    version: int
    snapshot_id: int
    refresh_id: str
    strategy: str
    reason: str
    rows: int
    as_of: datetime
    seconds: float
    sources: tuple[Source, ...]


def properties(table_uuid: str, definition: Definition, state: State) -> dict[str, str]:
    """Return what the table of a view says of it."""
    return {
        materialized.UUID: table_uuid,
        materialized.VERSION: str(definition.version),
        materialized.DEFINITION: definition_json(definition),
        materialized.STATE: json.dumps(
            {
                "view-uuid": table_uuid,
                "version": state.version,
                "snapshot-id": state.snapshot_id,
                "refresh-id": state.refresh_id,
                "strategy": state.strategy,
                "reason": state.reason,
                "rows": state.rows,
                "as-of": state.as_of.isoformat(),
                "seconds": state.seconds,
                "sources": [source_json(source) for source in state.sources],
            }
        ),
    }


def definition_json(definition: Definition) -> str:
    """Return *definition* as it is kept in ``flightlake.mv.definition``."""
    return json.dumps(
        {
            "query": definition.query,
            "default-catalog": definition.catalog,
            "default-schema": definition.db_schema,
            "partitioned-by": [[term.transform, term.column] for term in definition.partitioned_by],
            "refresh-mode": definition.mode,
            "version": definition.version,
            "dialect": "flightlake",
        }
    )


def summary(state: State, started: datetime) -> dict[str, str]:
    """Return what the snapshot of *state* says beside its counts."""
    refresh_state = {
        "view-version-id": state.version,
        "source-states": [_spec_source(source) for source in state.sources],
        "refresh-start-timestamp-ms": int(started.timestamp() * 1000),
    }
    return {
        REFRESH_STATE: json.dumps(refresh_state),
        REFRESH_ID: state.refresh_id,
        STRATEGY: state.strategy,
        REASON: state.reason,
    }


def definition_of(properties: Mapping[str, str], view: TableIdentifier) -> Definition:
    """Return the definition in the *properties* of a view's table.

    Raises:
        PreconditionFailed: It is not what this server wrote.
    """
    try:
        found = json.loads(properties[materialized.DEFINITION])
        return Definition(
            query=_text(found["query"]),
            catalog=_text(found["default-catalog"]),
            db_schema=_text(found["default-schema"]),
            partitioned_by=tuple(
                LayoutTerm(_text(transform), _text(column))
                for transform, column in found["partitioned-by"]
            ),
            mode=_text(found["refresh-mode"]),
            version=_number(found["version"]),
        )
    except NOT_OURS as broken:
        raise PreconditionFailed(
            f"the definition of materialized view {view} cannot be read; make it anew with CREATE"
            " OR REPLACE"
        ) from broken


def state_of(properties: Mapping[str, str], table_uuid: str) -> State | None:
    """Return the state in the *properties* of a view's table; None if it is not what was written.

    A state that names another table is not this view's.
    """
    try:
        found = json.loads(properties[materialized.STATE])
        if found["view-uuid"] != table_uuid:
            return None
        return State(
            version=_number(found["version"]),
            snapshot_id=_number(found["snapshot-id"]),
            refresh_id=_text(found["refresh-id"]),
            strategy=_text(found["strategy"]),
            reason=_text(found["reason"]),
            rows=_number(found["rows"]),
            as_of=moment(found["as-of"]),
            seconds=_seconds(found["seconds"]),
            sources=tuple(read_source(source) for source in found["sources"]),
        )
    except NOT_OURS:
        return None


def moment(text: str) -> datetime:
    """Return the moment that *text* (ISO 8601) is.

    Raises:
        ValueError: It is none, or one without its zone.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no moment without its zone")
    return found


def source_json(source: Source) -> dict[str, Any]:
    """Return *source* as it is kept in the state of a view."""
    name = source.identifier
    naming = {} if source.naming is None else {"naming": source.naming}
    return {
        "type": source.kind,
        "name": [name.catalog, name.db_schema, name.table],
        "uuid": source.uuid,
        "snapshot-id": source.snapshot_id,
        "schema-id": source.schema_id,
        **naming,
    }


def read_source(found: Mapping[str, Any]) -> Source:
    """Return what ``source_json`` was told; raises one of ``NOT_OURS`` if that is nothing."""
    catalog, db_schema, table = map(_text, found["name"])
    snapshot_id, schema_id = found["snapshot-id"], found["schema-id"]
    naming = found.get("naming")
    return Source(
        TableIdentifier(catalog, db_schema, table),
        _text(found["type"]),
        _text(found["uuid"]),
        None if snapshot_id is None else _number(snapshot_id),
        None if schema_id is None else _number(schema_id),
        None if naming is None else _text(naming),
    )


def _spec_source(source: Source) -> dict[str, Any]:
    name = source.identifier
    told: dict[str, Any] = {
        "type": source.kind,
        "name": name.table.partition(AS_OF_MARK)[0],
        "namespace": list(to_namespace(name.db_schema)),
        "catalog": name.catalog,
        "uuid": source.uuid,
    }
    if source.kind == "view":
        return {**told, "version-id": source.snapshot_id}
    if AS_OF_MARK in name.table:
        told["as-of"] = name.table.partition(AS_OF_MARK)[2]
    # The draft has no word for a table without a snapshot; -1 is what others write.
    return {**told, "snapshot-id": -1 if source.snapshot_id is None else source.snapshot_id}


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError("no text")
    return found


def _number(found: Any) -> int:
    number = int(found)
    if not -(2**63) <= number < 2**63:
        raise ValueError("no number that a table has")
    return number


def _seconds(found: Any) -> float:
    seconds = float(found)
    if not 0 <= seconds <= _LONGEST:
        raise ValueError("no time that a refresh takes")
    return seconds

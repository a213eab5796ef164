"""Which snapshots the views of a server keep account of: those their rows were made of."""

import json
from collections.abc import Iterable

from flightlake.lake.commits import Committed
from flightlake.lake.materialized import STATE, on_branch
from flightlake.lake.versions import heads
from flightlake.refresh.records import NOT_OURS, REFRESH_STATE, State, state_of


def states(view: Committed) -> list[State]:
    """Return the states that the properties of *view* hold: of ``main``, and of its branches."""
    found = view.metadata.properties
    names = [STATE, *(on_branch(STATE, branch) for branch in view.metadata.refs)]
    told = [found[name] for name in names if name in found]
    uuid = str(view.metadata.table_uuid)
    return [state for text in told if (state := state_of({STATE: text}, uuid)) is not None]


def recorded(views: Iterable[Committed]) -> dict[str, frozenset[int]]:
    """Return the snapshots that *views* were made of, by the UUID of the table they are of.

    That is what their states say, and the heads of their branches and tags of themselves.
    """
    found: dict[str, set[int]] = {}
    for view in views:
        for state in states(view):
            for source in state.sources:
                if source.kind == "table" and source.snapshot_id is not None:
                    found.setdefault(source.uuid, set()).add(source.snapshot_id)
        for snapshot in heads(view.metadata):
            said = snapshot.summary.get(REFRESH_STATE) if snapshot.summary else None
            for uuid, snapshot_id in _told(said or ""):
                found.setdefault(uuid, set()).add(snapshot_id)
    return {uuid: frozenset(ids) for uuid, ids in found.items()}


def _told(refresh_state: str) -> list[tuple[str, int]]:
    try:
        sources = json.loads(refresh_state)["source-states"]
        return [
            (str(source["uuid"]), int(source["snapshot-id"]))
            for source in sources
            if source["type"] == "table"
        ]
    except NOT_OURS:
        return []  # another engine's, or none

"""What the row of a view in ``flightlake_system.materialized_views`` says, part by part."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flightlake.lake.materialized import told_of_snapshot
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier
from flightlake.refresh.durations import written
from flightlake.refresh.finding import View, state_word
from flightlake.refresh.records import REFRESH_ENDED
from flightlake.refresh.runs import Run
from flightlake.telemetry import RefreshFinished

UNREACHABLE = "UNREACHABLE"

Row = dict[str, object]
"""Values by the names of columns; those that are not known are left out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a view is behind its sources, and when it is refreshed next, if that is known."""

    lag: timedelta | None = None
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A view, and its table as it is now."""

    view: View
    table: IcebergTable


def name_of(view: TableIdentifier) -> Row:
    """Return the name of a view."""
    return {"catalog": view.catalog, "schema": view.db_schema, "name": view.table}


def of_silent(catalog: str, why: str) -> Row:
    """Return the row that stands for the views of a catalog that does not answer."""
    return {
        "catalog": catalog, "schema": "", "name": "", "state": UNREACHABLE, "state_reason": why
    }  # fmt: skip


def of_policy(view: View) -> Row:
    """Return what its maker said of a view."""
    row: Row = {}
    if view.definition is not None:
        row |= {
            "query": view.definition.query,
            "default_catalog": view.definition.catalog,
            "default_schema": view.definition.db_schema,
            "partitioned_by": ", ".join(map(str, view.definition.partitioned_by)),
            "version": view.definition.version,
            "refresh_mode": view.definition.mode,
        }
    policy = view.policy
    if policy is not None:
        lag = policy.target_lag
        change = policy.on_change
        wishes = [] if policy.schedule is None else [str(policy.schedule)]
        if change is not None:
            least = change.at_most_every
            wishes.append("ON CHANGE" + (f" AT MOST EVERY '{written(least)}'" if least else ""))
        row |= {
            "owner": policy.owner or None,
            "target_lag": "DOWNSTREAM" if policy.downstream else lag and written(lag),
            "target_lag_seconds": None if lag is None else lag.total_seconds(),
            "schedule": ", ".join(wishes) or None,
        }
    return row


def of_state(view: View, stale: TableIdentifier | None) -> Row:
    """Return how a view fares; *stale* is one that it reads and that is stuck."""
    word, _, reason = state_word(view, stale).partition("(")
    return {"state": word, "state_reason": reason.removesuffix(")") or None}


def of_content(seen: Seen, latest: RefreshFinished | None) -> Row:
    """Return what is known of a view's rows."""
    snapshot, state = seen.table.metadata.current_snapshot(), seen.view.state
    summary = snapshot.summary if snapshot is not None else None
    row: Row = {"snapshot_id": seen.view.snapshot_id}
    if summary is not None:
        row |= {
            "rows": _count(summary["total-records"]),
            "bytes": _count(summary["total-files-size"]),
        }
    if state is not None:
        row |= {
            "strategy": state.strategy,
            "reason": state.reason,
            "as_of": state.as_of,
            "rows": state.rows,
        }
    if latest is not None and latest.candidates:
        row["candidates"] = candidates_json(latest.candidates)
    return row


def of_refresh(seen: Seen, run: Run | None) -> Row:
    """Return how the last refresh of a view went, or how the present one goes."""
    if run is not None:
        return {
            "refresh_id": run.id,
            "refresh_started": run.started,
            "refresh_status": run.state,
        }
    state, last = seen.view.state, seen.view.status.last
    row: Row = {}
    if state is not None:
        ended = _committed(seen.table, state.snapshot_id)
        row = {
            "refresh_id": state.refresh_id,
            "refresh_started": None if ended is None else ended - timedelta(seconds=state.seconds),
            "refresh_ended": ended,
            "refresh_status": "OK",
        }
        if last is None or (ended is not None and ended > last.at):
            return row
    if last is None:
        return row
    return {
        "refresh_started": seen.view.status.attempted,
        "refresh_ended": last.at,
        "refresh_status": last.code,
        "refresh_error": last.message,
    }


def _committed(table: IcebergTable, snapshot_id: int) -> datetime | None:
    snapshot = table.metadata.snapshot_by_id(snapshot_id)
    if snapshot is None:
        return None
    # What has put small files together since is no refresh.
    said = told_of_snapshot(table.metadata, snapshot_id, REFRESH_ENDED) or ""
    milliseconds = int(said) if said.isdecimal() else snapshot.timestamp_ms
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def of_standing(standing: Standing) -> Row:
    """Return how far a view is behind, and when it is refreshed next."""
    lag = standing.lag
    return {
        "lag_seconds": None if lag is None else lag.total_seconds(),
        "next_due": standing.next_due,
    }


def candidates_json(candidates: Sequence[tuple[str, str]]) -> str:
    """Return the strategies that were considered, each with why it was taken or not."""
    return json.dumps([{"strategy": strategy, "why": why} for strategy, why in candidates])


def _count(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None

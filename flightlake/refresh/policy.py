"""When and how a view is refreshed by itself: what its maker wants, kept with the view."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flightlake.errors import FlightlakeError, PreconditionFailed
from flightlake.lake.materialized import PREFIX
from flightlake.names import TableIdentifier
from flightlake.refresh.durations import LONGEST, written
from flightlake.refresh.schedules import Cron, Every, Schedule, checked

POLICY = f"{PREFIX}policy"


@dataclass(frozen=True, slots=True)
class OnChange:
    """After each change of a source, with at least ``at_most_every`` between two refreshes."""

    at_most_every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Several wishes may stand beside each other; each makes the view due for itself.

    ``target_lag`` is how far the rows may be behind their sources; ``downstream``: as the views
    that read this one need it.  ``owner`` is the subject who made the view, for the record.
    ``timeout`` and ``suspend_after`` (failures in a row) are None for the server's settings.
    Of several views that are due, those of higher ``priority`` come first.
    ``history_retention`` is how long old snapshots of the view are kept; None: the server's.
    """

    target_lag: timedelta | None = None
    downstream: bool = False
    schedule: Schedule | None = None
    on_change: OnChange | None = None
    owner: str = ""
    comment: str = ""
    timeout: timedelta | None = None
    suspend_after: int | None = None
    history_retention: timedelta | None = None
    priority: int = 0

    @property
    def automatic(self) -> bool:
        """Whether the view is ever refreshed by itself."""
        return (
            self.target_lag is not None
            or self.downstream
            or self.schedule is not None
            or self.on_change is not None
        )


def policy_json(policy: Policy) -> str:
    """Return *policy* as it is kept in ``flightlake.mv.policy``."""
    schedule: dict[str, Any] | None = None
    if isinstance(policy.schedule, Cron):
        schedule = {"cron": policy.schedule.expression, "zone": policy.schedule.zone}
    elif policy.schedule is not None:
        schedule = {"every": policy.schedule.period.total_seconds()}
    change = None
    if policy.on_change is not None:
        change = {"at-most-every": _seconds(policy.on_change.at_most_every)}
    told = {
        "target-lag": "downstream" if policy.downstream else _seconds(policy.target_lag),
        "schedule": schedule,
        "on-change": change,
        "owner": policy.owner,
        "comment": policy.comment,
        "timeout": _seconds(policy.timeout),
        "suspend-after": policy.suspend_after,
        "history-retention": _seconds(policy.history_retention),
        "priority": policy.priority,
    }
    return json.dumps({name: value for name, value in told.items() if value not in (None, "")})


def policy_of(properties: Mapping[str, str], view: TableIdentifier) -> Policy:
    """Return the policy in the *properties* of a view's table; a view without one has none.

    Raises:
        PreconditionFailed: It is not what this server wrote.
    """
    if POLICY not in properties:
        return Policy()
    try:
        found = json.loads(properties[POLICY])
        lag, change = found.get("target-lag"), found.get("on-change")
        return Policy(
            target_lag=None if lag == "downstream" else _duration(lag),
            downstream=lag == "downstream",
            schedule=_schedule(found.get("schedule")),
            on_change=None if change is None else OnChange(_duration(change["at-most-every"])),
            owner=str(found.get("owner", "")),
            comment=str(found.get("comment", "")),
            timeout=_duration(found.get("timeout")),
            suspend_after=None if "suspend-after" not in found else int(found["suspend-after"]),
            history_retention=_duration(found.get("history-retention")),
            priority=int(found.get("priority", 0)),
        )
    except (
        AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
        FlightlakeError,
    ) as broken:  # fmt: skip
        raise PreconditionFailed(
            f"the policy of materialized view {view} cannot be read; write it anew with ALTER"
            f" MATERIALIZED VIEW {view} SET (target_lag = NONE)"
        ) from broken


def clauses(policy: Policy) -> list[str]:
    """Return *policy* as clauses of CREATE MATERIALIZED VIEW."""
    found = []
    if policy.comment:
        found.append(f"COMMENT {literal(policy.comment)}")
    if policy.downstream:
        found.append("TARGET_LAG = DOWNSTREAM")
    elif policy.target_lag is not None:
        found.append(f"TARGET_LAG = '{written(policy.target_lag)}'")
    if policy.schedule is not None:
        found.append(f"SCHEDULE = {policy.schedule}")
    if policy.on_change is not None:
        least = policy.on_change.at_most_every
        found.append("ON CHANGE" + (f" AT MOST EVERY '{written(least)}'" if least else ""))
    options = []
    if policy.timeout is not None:
        options.append(f"timeout = '{written(policy.timeout)}'")
    if policy.suspend_after is not None:
        options.append(f"suspend_after = {policy.suspend_after}")
    if policy.history_retention is not None:
        options.append(f"history_retention = '{written(policy.history_retention)}'")
    if policy.priority:
        options.append(f"priority = {policy.priority}")
    if options:
        found.append(f"WITH ({', '.join(options)})")
    return found


def literal(text: str) -> str:
    """Return *text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _duration(seconds: object) -> timedelta | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError("no length of time")
    if not 0 < seconds <= LONGEST.total_seconds():
        raise ValueError("no length of time that a statement could say")
    return timedelta(seconds=seconds)


def _schedule(found: Mapping[str, Any] | None) -> Schedule | None:
    if found is None:
        return None
    if "cron" in found:
        return checked(Cron(str(found["cron"]), str(found["zone"])))
    period = _duration(found["every"])
    return None if period is None else Every(period)

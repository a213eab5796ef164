"""Doing what was planned, one statement after the other, each of which is done or not at all.

The first that fails ends it.  What was done before it stays, and is not done again the next
time, as the next plan begins from what there is then.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flightlake.errors import FlightlakeError
from flightlake.project.changes import Change, Kind, Plan
from flightlake.project.checking import Checked
from flightlake.project.files import statement
from flightlake.project.server import Server, insist, quoted
from flightlake.project.settings import altering


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made: ``rows`` are those of the view now, if it is known."""

    change: Change
    rows: int | None
    strategy: str
    seconds: float


class Stopped(FlightlakeError):
    """A change failed; those before it were made."""

    def __init__(self, change: Change, failure: FlightlakeError, done: int, left: int) -> None:
        super().__init__(
            f"{change.view} could not be {_PAST[change.kind]}: {failure.message} ({done} done"
            f" before it, {left} not begun; run it again when that is put right)"
        )


_PAST = {
    Kind.CREATE: "made",
    Kind.REPLACE: "made anew",
    Kind.SETTINGS: "set",
    Kind.REFRESH: "refreshed",
    Kind.DROP: "dropped",
}


def apply(
    checked: Checked,
    plan: Plan,
    server: Server,
    report: Callable[[Done], None],
    branch: str = "",
) -> int:
    """Do what *plan* says; tell *report* of each change made; return how many were.

    *branch* is that of *server*.

    Raises:
        Stopped: A change failed; says which, and how many were made before it.
    """
    for number, change in enumerate(plan.to_do):
        try:
            done = _do(checked, change, server, branch)
        except FlightlakeError as failure:
            left = len(plan.to_do) - number - 1
            raise Stopped(change, failure, number, left) from failure
        report(done)
    return len(plan.to_do)


def _do(checked: Checked, change: Change, server: Server, branch: str) -> Done:
    view = change.view
    if change.kind in (Kind.CREATE, Kind.REPLACE):
        file = checked.files[view]
        # A view that somebody else made meanwhile is not replaced unseen.
        head = "CREATE" if change.kind is Kind.CREATE else "CREATE OR REPLACE"
        # Only a view that is not there can wait for its rows, and none on a branch.
        waits = change.kind is Kind.CREATE and not branch
        settings = [one for one in file.settings if waits or one.name != "initialize"]
        sql = statement(file, checked.project.name, f"{head} MATERIALIZED VIEW", settings)
        rows = insist(server, sql, view.catalog, view.db_schema)
    elif change.kind is Kind.SETTINGS:
        name = quoted(view)
        rows = []
        for clause in altering(change.before, change.settings):
            rows = insist(server, f"ALTER MATERIALIZED VIEW {name} {clause}")
    elif change.kind is Kind.REFRESH:
        rows = insist(server, f"REFRESH MATERIALIZED VIEW {quoted(view)}")
    else:
        rows = insist(server, f"DROP MATERIALIZED VIEW IF EXISTS {quoted(view)}")
    told = rows[0] if rows else {}
    return Done(
        change,
        told.get("rows"),
        str(told.get("strategy") or ""),
        float(told.get("duration_seconds") or 0),
    )

"""A plan and what is wrong with it, for people and for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from flightlake.project.applying import Done
from flightlake.project.changes import Change, ColumnChanges, Kind, Plan
from flightlake.project.problems import Problem

_SIGNS = {
    Kind.CREATE: "+",
    Kind.REPLACE: "~",
    Kind.SETTINGS: "=",
    Kind.REFRESH: "r",
    Kind.DROP: "-",
    Kind.LEAVE: "?",
}
_WORDS = {
    Kind.CREATE: "to make",
    Kind.REPLACE: "to make anew",
    Kind.SETTINGS: "to set",
    Kind.REFRESH: "to refresh",
    Kind.DROP: "to drop",
}
_DONE = {
    Kind.CREATE: "made",
    Kind.REPLACE: "made anew",
    Kind.SETTINGS: "set",
    Kind.REFRESH: "refreshed",
    Kind.DROP: "dropped",
}


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield *plan* line by line."""
    counts = [
        f"{count} {word}"
        for kind, word in _WORDS.items()
        if (count := sum(change.kind is kind for change in plan.changes))
    ]
    counts.append(f"{plan.unchanged} unchanged")
    yield f"project {plan.project}: {', '.join(counts)}"
    for change in plan.changes:
        yield ""
        yield from _change_lines(change)


def done_line(done: Done) -> str:
    """Return what was done, in a line."""
    rows = "" if done.rows is None or done.change.kind is Kind.DROP else f", {_rows(done.rows)}"
    return f"{done.change.view} {_DONE[done.change.kind]}{rows} ({done.seconds:.2f} s)"


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return *plan* as a JSON document."""
    return {
        "project": plan.project,
        "unchanged": plan.unchanged,
        "changes": [_document(change) for change in plan.changes],
        "problems": [],
    }


def problems_document(project: str, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return what is wrong with a project as a JSON document."""
    return {
        "project": project,
        "problems": [
            {
                "path": problem.path,
                "line": problem.line or None,
                "column": problem.column or None,
                "message": problem.message,
            }
            for problem in problems
        ],
    }


def _change_lines(change: Change) -> Iterator[str]:
    path = f"  ({change.path})" if change.path else ""
    yield f"{_SIGNS[change.kind]} {change.view}{path}"
    if change.kind is Kind.LEAVE:
        yield f"    {change.reasons[0]}; it stays, and --prune drops it"
        return
    yield from (f"    {reason}" for reason in change.reasons)
    yield from (f"    {line}" for line in _column_lines(change.columns))
    if change.kind in (Kind.CREATE, Kind.REPLACE, Kind.SETTINGS):
        yield from (f"    - {one}" for one in change.before if one not in change.settings)
        yield from (f"    + {one}" for one in change.settings if one not in change.before)
    if change.kind in (Kind.REPLACE, Kind.REFRESH):
        yield f"    has {_rows(change.rows)}, {_size(change.bytes)} now"
    elif change.kind is Kind.DROP:
        yield f"    has {_rows(change.rows)} now"


def _column_lines(columns: ColumnChanges) -> Iterator[str]:
    yield from (f"+ column {column.name} {column.type}" for column in columns.added)
    yield from (f"- column {column.name} {column.type}" for column in columns.removed)
    for before, after in columns.retyped:
        yield f"~ column {after.name} {before.type} → {after.type}"
    if columns.breaking:
        yield "BREAKING for those who read these columns"


def _document(change: Change) -> dict[str, Any]:
    columns = change.columns
    return {
        "kind": change.kind.value,
        "view": str(change.view),
        "path": change.path or None,
        "reasons": list(change.reasons),
        "columns": {
            "added": [{"name": one.name, "type": one.type} for one in columns.added],
            "removed": [{"name": one.name, "type": one.type} for one in columns.removed],
            "retyped": [
                {"name": after.name, "before": before.type, "after": after.type}
                for before, after in columns.retyped
            ],
            "breaking": columns.breaking,
        },
        "settings": list(change.settings),
        "settings_before": list(change.before),
        "rows": change.rows,
        "bytes": change.bytes,
    }


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"

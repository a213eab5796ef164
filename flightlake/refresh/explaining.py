"""EXPLAIN REFRESH: what a refresh would do, one property after the other."""

from flightlake.lake.changes import Changes, Unclear
from flightlake.refresh.asking import Asked
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.refreshing import Explained
from flightlake.refresh.sources import place
from flightlake.refresh.statements import ExplainRefresh
from flightlake.refresh.windows import Window


def explain(jobs: Jobs, statement: ExplainRefresh, asked: Asked) -> list[tuple[str, str]]:
    """Return what a refresh of the view would do now; changes nothing.

    Raises:
        NotFound: There is no such view, or a table that it reads is gone.
        FlightlakeError: It cannot be told.
    """
    view = jobs.views.existing(asked.named(statement.name))
    catalog = jobs.views.catalog(view.identifier)
    return told(jobs.refresher.explain(catalog, view, asked.call, statement.full))


def told(found: Explained) -> list[tuple[str, str]]:
    """Return *found* as properties, in order."""
    rows = [
        ("view", str(found.view)),
        ("strategy", found.strategy),
        ("reason", found.reason),
    ]
    for window in found.windows:
        rows.append(("source", _moved(window)))
        rows += [("step", step) for step in _steps(window)]
        rows += [("change", change) for change in _changes(window)]
    rows += [("candidate", f"{strategy}: {why}") for strategy, why in found.candidates]
    return rows


def _moved(window: Window) -> str:
    before, now = place(window.before.snapshot_id), place(window.now.snapshot_id)
    return (
        f"{window.identifier}: {before}, as it was"
        if before == now
        else (f"{window.identifier}: from {before} to {now}")
    )


def _steps(window: Window) -> list[str]:
    if isinstance(window.happened, Unclear):
        return []
    return [
        f"{window.identifier}: snapshot {step.snapshot_id}, {step.operation}"
        + (", which changes no rows" if step.rewrote else "")
        for step in window.happened.steps
    ]


def _changes(window: Window) -> list[str]:
    happened = window.happened
    if isinstance(happened, Unclear):
        return [f"{window.identifier}: {happened.reason}"]
    if happened.none:
        return []
    return [f"{window.identifier}: {_counted(happened)}"]


def _counted(happened: Changes) -> str:
    parts = []
    for word, portions in (("came", happened.added), ("went", happened.removed)):
        if portions:
            files = sum(portion.files for portion in portions)
            rows = sum(portion.rows for portion in portions)
            size = sum(portion.size for portion in portions)
            parts.append(f"{rows} rows in {files} files of {size} bytes {word}")
    if happened.deletes:
        parts.append("rows of files that stay were deleted, or came back")
    return ", and ".join(parts)

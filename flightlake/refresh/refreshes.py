"""REFRESH MATERIALIZED VIEW and CANCEL REFRESH."""

from collections.abc import Iterator

from flightlake.errors import FlightlakeError
from flightlake.names import TableIdentifier
from flightlake.refresh.asking import Asked
from flightlake.refresh.dependencies import in_order
from flightlake.refresh.finding import Views, view_of
from flightlake.refresh.jobs import Job, Jobs
from flightlake.refresh.outcomes import CANCELLED, Outcome
from flightlake.refresh.runs import STATEMENT, Runs, Wanted
from flightlake.refresh.statements import CancelRefresh, Refresh, RefreshAll, identified_schema


def refresh(jobs: Jobs, statement: Refresh | RefreshAll, asked: Asked) -> Iterator[Outcome]:
    """Refresh views, one after the other; what is asynchronous is only begun.

    Raises:
        FlightlakeError: One could not be refreshed; those before it were.
    """
    names = _wanted(jobs.views, statement, asked)
    # Of a single one the schema is looked for below, with the view.
    look = jobs.views.allowed if len(names) == 1 else jobs.views.writable_catalog
    for name in names:
        look(name)
    subject = asked.identity.subject
    wanted = [Job(Wanted(name, STATEMENT, subject), statement.full) for name in names]
    if statement.asynchronous:
        for name in names:
            jobs.views.existing(name)
        for run in jobs.later(wanted):
            told = "look at flightlake_system.refresh_history for how it ends"
            yield Outcome(run.wanted.view, run.state, reason=told, refresh_id=run.id)
        return
    done: list[Outcome] = []
    for job in wanted:
        try:
            jobs.views.existing(job.wanted.view)  # what is not there is no refresh that failed
            done.append(jobs.now(job, asked.call))
        except FlightlakeError as failure:
            if not done:
                raise
            before = ", ".join(str(one.view) for one in done)
            raise type(failure)(
                f"{job.wanted.view} was not refreshed: {failure.message} (refreshed before it:"
                f" {before})"
            ) from failure
    yield from done


def _wanted(views: Views, statement: Refresh | RefreshAll, asked: Asked) -> list[TableIdentifier]:
    if isinstance(statement, Refresh):
        return [asked.named(name) for name in statement.names]
    catalog, db_schema = identified_schema(statement.db_schema, asked.catalog)
    views.writable_catalog(TableIdentifier(catalog, db_schema, ""))
    found = map(view_of, views.tables(catalog, db_schema))
    return [view.identifier for view in in_order(found)]


def cancel(runs: Runs, statement: CancelRefresh, asked: Asked) -> Outcome:
    """End a refresh that waits or runs in this process.

    Raises:
        NotFound: There is none of that id.
    """
    run = runs.cancel(statement.refresh_id, asked.identity.subject)
    told = f"the refresh was {run.state.lower()}, and ends as soon as it can"
    return Outcome(run.wanted.view, CANCELLED, reason=told, refresh_id=run.id)

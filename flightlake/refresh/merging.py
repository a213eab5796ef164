"""Views on branches: what a branch is to statements, and how it becomes ``main``.

``MERGE MATERIALIZED VIEW name FROM BRANCH b``: where ``main`` has not moved since the branch was
made, its head becomes that of the branch, and no row is computed.  Else the rows are made anew on
``main``, by the definition of the branch.  Either way the branch is gone.
"""

import re
from dataclasses import replace

from flightlake.cancellation import Cancellation
from flightlake.errors import InvalidRequest, NotFound, PreconditionFailed
from flightlake.lake.branches import BranchCatalog, forwarded, made_here, seen_from, without
from flightlake.lake.commits import Committed, Refused, commit, current
from flightlake.lake.materialized import DEFINITION
from flightlake.lake.writing import WritableCatalog
from flightlake.names import MAIN as MAIN
from flightlake.names import TableIdentifier
from flightlake.refresh.asking import Asked
from flightlake.refresh.finding import Views
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.merged_settings import merged_settings
from flightlake.refresh.outcomes import READY, Outcome
from flightlake.refresh.records import definition_of, state_of
from flightlake.refresh.runs import STATEMENT, Wanted
from flightlake.refresh.statements import Merge

FAST_FORWARD = "FAST_FORWARD"
_NAME = re.compile(r"\w[\w./-]{0,99}")
_TRIES = 5


def on_branch(jobs: Jobs, branch: str) -> Jobs:
    """Return *jobs* as they are to whoever works on *branch*.

    Raises:
        InvalidRequest: A branch of views cannot be called so.
    """
    if not _NAME.fullmatch(branch):
        raise InvalidRequest(
            f"'{branch[:100]}' cannot be a branch of views; use letters, digits, dots, / , - and _"
        )
    seen = {name: BranchCatalog(one, branch) for name, one in jobs.views.catalogs.items()}
    views = Views(seen, jobs.views.writable)
    return replace(jobs, views=views, refresher=replace(jobs.refresher, catalogs=seen))


def merge(jobs: Jobs, statement: Merge, asked: Asked) -> Outcome:
    """Make what a branch of a view has that of ``main``.

    Raises:
        InvalidRequest: The branch is ``main``.
        NotFound: There is no such view, or it has no such branch.
        PreconditionFailed: It is no branch that this server made.
        FlightlakeError: It cannot be done; nothing has changed, unless that is not known.
    """
    view, branch = asked.named(statement.name), statement.branch
    if branch == MAIN:
        raise InvalidRequest(f"views are merged into {MAIN}; name the branch they come from")
    catalog = jobs.views.writable_catalog(view)
    _existing(catalog, view, branch)

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        base = _existing(catalog, view, branch)
        call.check()
        forward = _forward(catalog, base, branch)
        return forward or _anew(jobs, catalog, base, branch, refresh_id, call)

    outcome = jobs.runs.run(Wanted(view, STATEMENT, asked.identity.subject), work, asked.call)
    jobs.runs.changed(view)
    return outcome


def _existing(catalog: WritableCatalog, view: TableIdentifier, branch: str) -> Committed:
    base = current(catalog, view)
    if base is None or branch not in base.metadata.refs:
        raise NotFound(f"there is no branch '{branch}' of a materialized view {view}")
    if not made_here(base.metadata, branch):
        raise PreconditionFailed(
            f"branch '{branch}' of {view} was not made as a view's; merge it with the program that"
            " made it"
        )
    return base


def _forward(catalog: WritableCatalog, base: Committed, branch: str) -> Outcome | None:
    """Make the branch ``main``, if ``main`` has not moved since; return None otherwise."""
    settings = merged_settings(base, branch)
    updates = forwarded(base.metadata, branch, settings)
    if updates is None:
        return None
    done = commit(catalog, base, updates, lambda now: branch not in now.refs)
    view, found = base.identifier, done.metadata
    state = state_of(found.properties, str(found.table_uuid))
    reason = f"main had not moved since branch '{branch}' was made"
    outcome = Outcome(view, READY, FAST_FORWARD, reason, snapshot=found.current_snapshot_id)
    return outcome if state is None else replace(outcome, rows=state.rows, as_of=state.as_of)


def _anew(
    jobs: Jobs,
    catalog: WritableCatalog,
    base: Committed,
    branch: str,
    refresh_id: str,
    call: Cancellation,
) -> Outcome:
    view, seen = base.identifier, seen_from(base.metadata, branch).properties
    more = dict(merged_settings(base, branch))
    now = definition_of(base.metadata.properties, view)
    wanted = definition_of({DEFINITION: more.pop(DEFINITION)}, view) if DEFINITION in more else now
    newer = max(definition_of(seen, view).version, now.version) + 1
    definition = replace(wanted, version=newer)
    outcome = jobs.refresher.make(catalog, view, base, definition, call, refresh_id, more)
    _forget(catalog, view, branch)
    return replace(outcome, reason=f"main has moved since branch '{branch}' was made")


def _forget(catalog: WritableCatalog, view: TableIdentifier, branch: str) -> None:
    """Take the branch away; it has been made ``main`` by then."""
    for left in reversed(range(_TRIES)):
        base = current(catalog, view)
        updates = [] if base is None else without(base.metadata, branch)
        if base is None or not updates:
            return
        try:
            commit(catalog, base, updates, lambda now: branch not in now.refs)
            return
        except Refused:
            if not left:
                raise

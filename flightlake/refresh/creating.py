"""CREATE and DROP MATERIALIZED VIEW."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from flightlake.cancellation import Cancellation
from flightlake.errors import AlreadyExists, InvalidSql, NotFound, PreconditionFailed
from flightlake.lake.commits import Committed, current, dropped
from flightlake.lake.materialized import branches_of, is_materialized_view, is_unmade
from flightlake.lake.replacement import plain_table
from flightlake.names import TableIdentifier
from flightlake.refresh.asking import Asked
from flightlake.refresh.dependencies import readers_of
from flightlake.refresh.finding import Views
from flightlake.refresh.initializing import begin
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.outcomes import ABSENT, DROPPED, TABLE, Outcome
from flightlake.refresh.policy import POLICY, policy_json
from flightlake.refresh.records import Definition, definition_of
from flightlake.refresh.refreshing import NOOP
from flightlake.refresh.runs import CREATE, Wanted
from flightlake.refresh.showing import as_it_is
from flightlake.refresh.statements import Create, Drop
from flightlake.refresh.status import STATUS, WELL, status_json


def create(jobs: Jobs, statement: Create, asked: Asked) -> Outcome:
    """Make a view, or make it anew.

    Raises:
        AlreadyExists: The name is taken.
        FlightlakeError: It cannot be made; nothing has changed, unless that is not known.
    """
    view = asked.named(statement.name)
    wanted = Wanted(view, CREATE, asked.identity.subject)

    def work(refresh_id: str, call: Cancellation) -> Outcome:
        return _made(jobs, statement, view, asked, refresh_id, call)

    base = _base(jobs.views, statement, view)  # what is refused is no refresh
    if base is not None and statement.if_not_exists:
        return _there(jobs.views, base)
    if statement.on_schedule:  # nor is this
        begun = work("", asked.call)
        jobs.runs.changed(view)
        return begun
    return jobs.runs.run(wanted, work, asked.call)


def _made(
    jobs: Jobs,
    statement: Create,
    view: TableIdentifier,
    asked: Asked,
    refresh_id: str,
    call: Cancellation,
) -> Outcome:
    base = _base(jobs.views, statement, view)
    if base is not None and statement.if_not_exists:
        return _there(jobs.views, base)
    definition = Definition(
        query=statement.query,
        catalog=asked.catalog,
        db_schema=asked.db_schema,
        partitioned_by=tuple(statement.partitioned_by),
        mode=statement.mode,
        version=1 if base is None else _version(base) + 1,
    )
    policy = replace(statement.policy, owner=asked.identity.subject)
    more = {POLICY: policy_json(policy), STATUS: status_json(WELL)}
    catalog = jobs.views.writable_catalog(view)
    try:
        if statement.on_schedule:
            return begin(jobs.refresher, catalog, view, base, definition, call, more)
        return jobs.refresher.make(catalog, view, base, definition, call, refresh_id, more)
    except NotFound as missing:
        if base is None and missing.message.startswith(f"table {view} does not exist"):
            raise InvalidSql(
                f"materialized view {view} cannot read itself; name other tables"
            ) from missing
        raise


def _there(views: Views, base: Committed) -> Outcome:
    outcome = as_it_is(views, base)
    return replace(outcome, strategy=NOOP, reason="the view is there already", seconds=0.0)


def _base(views: Views, statement: Create, view: TableIdentifier) -> Committed | None:
    base = current(views.writable_catalog(view), view)
    if base is not None and not is_materialized_view(base.metadata):
        elsewhere = branches_of(base.metadata)
        if elsewhere:
            raise AlreadyExists(
                f"{view} is there on branch '{elsewhere[0]}'; merge it, or drop it on that branch"
            )
        raise AlreadyExists(f"{view} is a table; give the view another name")
    if base is not None and not statement.replace and not statement.if_not_exists:
        raise AlreadyExists(
            f"materialized view {view} is there already; use CREATE OR REPLACE, or IF NOT EXISTS"
        )
    return base


def drop(
    views: Views, statement: Drop, asked: Asked, remember: Callable[[Committed], bool]
) -> Iterator[Outcome]:
    """Take a view out of its catalog, and with CASCADE all that read it.

    *remember* is told of each that certainly left it, and says whether its files go later.

    Raises:
        NotFound: There is none.
        FlightlakeError: It cannot be done; says why.
    """
    view = asked.named(statement.name)
    catalog = views.writable_catalog(view)
    if current(catalog, view) is None and statement.if_exists:
        yield Outcome(view, ABSENT, reason="there is no view of that name")
        return
    base = views.existing(view)
    asked.call.check()
    if statement.keep_table and is_unmade(base.metadata):
        raise PreconditionFailed(f"{view} has no rows yet to be kept; leave KEEP TABLE out")
    if statement.keep_table:
        kept = plain_table(catalog, base)
        snapshot = kept.metadata.current_snapshot_id
        reason = "its rows stay as they are, as an ordinary table"
        yield Outcome(view, TABLE, reason=reason, snapshot=snapshot)
        return
    # Those that read others first, so that none is left without what it reads.
    readers = readers_of(view, views.all()) if statement.cascade else []
    for reader in reversed(readers):
        name = reader.identifier
        found = views.existing(name)
        dropped(views.writable_catalog(name), found)
        yield Outcome(name, DROPPED, reason=f"it read {view}; {_fate(remember(found))}")
    dropped(catalog, base)
    yield Outcome(view, DROPPED, reason=_fate(remember(base)))


def _fate(remembered: bool) -> str:
    return "its files go with the upkeep" if remembered else "its files stay where they are"


def _version(view: Committed) -> int:
    try:
        return definition_of(view.metadata.properties, view.identifier).version
    except PreconditionFailed:  # it is replaced, whatever it was
        return 0

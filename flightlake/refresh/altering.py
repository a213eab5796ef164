"""ALTER MATERIALIZED VIEW: how a view is refreshed, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from flightlake.errors import InvalidSql, NotFound, PreconditionFailed
from flightlake.lake import commits
from flightlake.lake.commits import Committed
from flightlake.lake.decided_properties import change_properties
from flightlake.lake.materialized import DEFINITION, is_materialized_view
from flightlake.names import TableIdentifier
from flightlake.refresh.asking import Asked
from flightlake.refresh.choosing import INCREMENTAL
from flightlake.refresh.finding import Views
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.policy import POLICY, Policy, policy_json, policy_of
from flightlake.refresh.records import definition_json, definition_of
from flightlake.refresh.statements import Alter
from flightlake.refresh.status import STATUS, resumed, status_json, status_of, suspended

_DEFAULTS: Mapping[str, Any] = {
    **{field.name: getattr(Policy(), field.name) for field in fields(Policy)},
    "mode": "AUTO",
}


@dataclass(frozen=True, slots=True)
class Altered:
    """What became of a view: its table, and what was done in words."""

    table: Committed
    told: str


def alter(jobs: Jobs, statement: Alter, asked: Asked) -> Altered:
    """Do what *statement* says, in one commit of properties, or of the name.

    Raises:
        NotFound: There is no such view.
        AlreadyExists: The new name is taken.
        Conflict: Others changed the view each time that this was tried.
        FlightlakeError: It cannot be done; says why.
    """
    views = jobs.views
    view = asked.named(statement.name)
    catalog = views.writable_catalog(view)
    base = views.existing(view)
    asked.call.check()
    if statement.action == "RENAME":
        return _renamed(views, base, statement, asked)
    if statement.values.get("mode") == INCREMENTAL:
        definition = definition_of(base.metadata.properties, view)
        jobs.refresher.bound(view, replace(definition, mode=INCREMENTAL), asked.call)

    def decide(now: Committed) -> Mapping[str, str]:
        if not is_materialized_view(now.metadata):
            raise PreconditionFailed(f"{view} is a table, and no materialized view")
        return _changed(statement, now)

    table = change_properties(catalog, view, decide)
    if table is None:
        raise NotFound(f"materialized view {view} does not exist any more")
    return Altered(table, _TOLD[statement.action])


def _changed(statement: Alter, now: Committed) -> dict[str, str]:
    properties = now.metadata.properties
    status = status_of(properties)
    if statement.action == "SUSPEND":
        return {STATUS: status_json(suspended(status))}
    if statement.action == "RESUME":
        return {STATUS: status_json(resumed(status))}
    values = dict(statement.values) or {name: _DEFAULTS[name] for name in statement.fields}
    mode = values.pop("mode", None)
    told: dict[str, str] = {}
    if mode is not None:
        definition = definition_of(properties, now.identifier)
        told[DEFINITION] = definition_json(replace(definition, mode=mode))
    if values:
        told[POLICY] = policy_json(replace(_policy(now, values), **values))
    return told


def _policy(now: Committed, values: Mapping[str, Any]) -> Policy:
    try:
        return policy_of(now.metadata.properties, now.identifier)
    except PreconditionFailed:
        if values.get("target_lag", now) is not None:
            raise
        return Policy()  # it cannot be read, and TARGET_LAG = NONE writes it anew


def _renamed(views: Views, base: Committed, statement: Alter, asked: Asked) -> Altered:
    old = base.identifier
    new = statement.new_name
    # A name of one part stays in the schema of the view, whatever the session's defaults are.
    to = TableIdentifier(old.catalog, old.db_schema, new[0]) if len(new) == 1 else asked.named(new)
    if to.catalog != old.catalog:
        raise InvalidSql(f"{old} stays in its catalog; name another schema or view only")
    if to == old:
        return Altered(base, "the view is called so already")
    catalog = views.writable_catalog(to)
    commits.renamed(catalog, base, to)
    return Altered(replace(base, identifier=to), f"the view was called {old} before")


_TOLD: Mapping[str, str] = {
    "SUSPEND": "the view is not refreshed by itself any more; REFRESH still does it",
    "RESUME": "the view is refreshed by itself again, as its policy says",
    "SET": "the policy was changed",
    "UNSET": "the policy was changed",
}

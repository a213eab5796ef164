"""The settings of a view of which a branch becomes ``main``.

What was changed on the branch is taken from there, all else is as ``main`` says by now.
"""

from collections.abc import Mapping
from dataclasses import fields, replace

from flightlake.errors import PreconditionFailed
from flightlake.lake.branch_points import point_of
from flightlake.lake.branches import seen_from
from flightlake.lake.commits import Committed
from flightlake.lake.materialized import DEFINITION, on_branch
from flightlake.names import TableIdentifier
from flightlake.refresh.policy import POLICY, Policy, policy_json, policy_of
from flightlake.refresh.records import Definition, definition_json, definition_of
from flightlake.refresh.status import BY_USER, STATUS, status_of

_LAG = frozenset({"target_lag", "downstream"})
"""Fields that are one setting."""


def merged_settings(table: Committed, branch: str) -> Mapping[str, str]:
    """Return what ``main`` is to say of a view: its definition, policy and status.

    What is left out stays as it is.

    Raises:
        PreconditionFailed: A definition cannot be read.
    """
    view, metadata = table.identifier, table.metadata
    main, was = metadata.properties, point_of(metadata.properties, branch)
    own = seen_from(metadata, branch).properties
    found = {}
    for name, decide in ((DEFINITION, _definition), (POLICY, _policy), (STATUS, _status)):
        if on_branch(name, branch) not in main:
            continue
        if name not in was or was[name] == main.get(name, ""):
            found[name] = own[name]
        elif was[name] != own[name]:
            found[name] = decide(was[name], main.get(name, ""), own[name], view)
    return found


def _definition(was: str, main: str, own: str, view: TableIdentifier) -> str:
    before, there, here = (definition_of({DEFINITION: text}, view) for text in (was, main, own))
    made = there if _same_query(before, here) else here
    return definition_json(replace(made, mode=(there if before.mode == here.mode else here).mode))


def _same_query(one: Definition, other: Definition) -> bool:
    return replace(one, mode="", version=0) == replace(other, mode="", version=0)


def _policy(was: str, main: str, own: str, view: TableIdentifier) -> str:
    try:
        before = policy_of({POLICY: was}, view) if was else Policy()
        there, here = (policy_of({POLICY: text}, view) for text in (main, own))
    except PreconditionFailed:  # then that of the branch is at least one that was written there
        return own
    names = [field.name for field in fields(Policy)]
    changed = {name for name in names if getattr(before, name) != getattr(here, name)}
    if changed & _LAG:
        changed |= _LAG
    return policy_json(replace(there, **{name: getattr(here, name) for name in changed}))


def _status(was: str, main: str, own: str, view: TableIdentifier) -> str:
    before, there, here = (status_of({STATUS: text} if text else {}) for text in (was, main, own))
    if there.suspended == BY_USER and before.suspended != BY_USER:
        return main
    return main if before.suspended == here.suspended else own

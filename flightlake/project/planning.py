"""From a folder to what is to be done: read, checked, and held against what there is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flightlake.names import TableIdentifier
from flightlake.project.changes import Kind, Plan, Removed, changes
from flightlake.project.checking import Checked, check
from flightlake.project.files import Project, project_of
from flightlake.project.placing import named
from flightlake.project.problems import Problem, ProblemsFound
from flightlake.project.server import Refused, Server, identifier, quoted, sources_in


def plan(project: Project, server: Server, prune: bool, branch: str = "") -> tuple[Checked, Plan]:
    """Return what makes *server*, on its *branch*, have the views of *project*; changes nothing.

    Raises:
        ProblemsFound: Something is wrong with the project; tells all of it.
        FlightlakeError: The server does not answer, or lets nobody in.
    """
    # First: a server that refuses this refuses everything, which is no problem of any file.
    there = server.ask("SHOW MATERIALIZED VIEWS")
    checked = check(project, server)
    _require_own(checked)
    removed = _removed(checked, server, there)
    made = changes(checked, removed, prune)
    if prune:
        _require_unread(checked, made)
    if not branch:
        _require_rows(checked, made)
    return checked, made


def _require_own(checked: Checked) -> None:
    """Two projects that make one view would undo each other's work for ever."""
    problems = []
    for view, told in checked.explained.items():
        owner = None if told.present is None else project_of(told.present.query)
        if owner not in (None, checked.project.name):
            said = f"{view} is a view of the project '{owner}'; give yours another name"
            problems.append(Problem(checked.files[view].path, 0, 0, said))
    if problems:
        raise ProblemsFound(tuple(sorted(problems)))


def _removed(checked: Checked, server: Server, there: Sequence[Mapping[str, Any]]) -> list[Removed]:
    """Return the views that the project made and has no file for, and who else reads each."""
    ours = {str(view) for view in checked.views}
    gone: list[Removed] = []
    readers: dict[str, list[str]] = {}
    for row in there:
        name = str(row["view"])
        if name in ours:
            continue
        view = identifier(name)
        try:
            told = server.ask(f"DESCRIBE MATERIALIZED VIEW {quoted(view)}")
        except Refused:  # dropped since, or its definition cannot be read: it is not ours
            continue
        facts = [(str(one["property"]), str(one["value"])) for one in told]
        query = next((value for name_, value in facts if name_ == "query"), "")
        sources = tuple(sources_in(told))
        if project_of(query) == checked.project.name:
            gone.append(Removed(view, sources, int(row["rows"] or 0), 0))
        else:
            for source in sources:
                readers.setdefault(source, []).append(name)
    return [replace(one, readers=tuple(readers.get(str(one.view), ()))) for one in gone]


def _require_unread(checked: Checked, made: Plan) -> None:
    goes = {str(change.view): change.view for change in made.changes if change.kind is Kind.DROP}
    problems = [
        replace(
            named(checked.files[view], goes[source]),
            message=f"it reads {source}, which would be dropped, as no file makes it any more",
        )
        for view, told in checked.explained.items()
        for source in told.sources
        if source in goes
    ]
    if problems:
        raise ProblemsFound(tuple(sorted(problems)))


def _require_rows(checked: Checked, made: Plan) -> None:
    """A view that is made with its rows cannot read one that is made without."""
    rowless = {
        change.view
        for change in made.changes
        if change.kind is Kind.CREATE and _waits(checked, change.view)
    }
    problems = [
        replace(
            named(checked.files[change.view], source),
            message=f"it reads {source}, which is made without rows (initialize: on_schedule), so"
            " it cannot be made with its own; give it that setting, too",
        )
        for change in made.changes
        if change.kind in (Kind.CREATE, Kind.REPLACE) and change.view not in rowless
        for source in checked.reads[change.view]
        if source in rowless
    ]
    if problems:
        raise ProblemsFound(tuple(sorted(problems)))


def _waits(checked: Checked, view: TableIdentifier) -> bool:
    return any(one.clause == "INITIALIZE = ON_SCHEDULE" for one in checked.files[view].settings)

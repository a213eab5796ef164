"""A branch becomes ``main``: which views have it, and merging them one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flightlake.errors import FlightlakeError, NotFound
from flightlake.names import TableIdentifier, quote_always
from flightlake.project.ordering import ordered
from flightlake.project.server import Refused, Server, identifier, insist, quoted, sources_in
from flightlake.project.settings import literal


@dataclass(frozen=True, slots=True)
class Merged:
    """A view that was merged: ``computed`` says whether its rows were made anew for that."""

    view: TableIdentifier
    computed: bool
    rows: int | None


class MergeStopped(FlightlakeError):
    """A view could not be merged; those before it were."""

    def __init__(self, view: TableIdentifier, failure: FlightlakeError, done: int) -> None:
        super().__init__(
            f"{view} could not be merged: {failure.message} ({done} merged before it; run it again"
            " when that is put right)"
        )


def views_on(branch: str, server: Server) -> tuple[TableIdentifier, ...]:
    """Return the views that have *branch*, each after those it reads.

    Args:
        branch: Its name.
        server: Asked about that branch.

    Raises:
        NotFound: No view has it.
        FlightlakeError: The server does not answer, or lets nobody in.
    """
    found: dict[TableIdentifier, list[str]] = {}
    for row in server.ask("SHOW MATERIALIZED VIEWS"):
        view = identifier(str(row["view"]))
        if _has(branch, view, server):
            told = server.ask(f"DESCRIBE MATERIALIZED VIEW {quoted(view)}")
            found[view] = sources_in(told)
    if not found:
        raise NotFound(f"no materialized view has a branch '{branch}'; flightlake apply makes one")
    names = {str(view): view for view in found}
    reads = {
        view: [names[source] for source in sources if source in names]
        for view, sources in found.items()
    }
    return ordered(reads).views


def merge(
    branch: str,
    views: Sequence[TableIdentifier],
    server: Server,
    report: Callable[[Merged], None],
) -> None:
    """Merge *views* in order, then bring them up to date; tell *report* of each.

    Raises:
        MergeStopped: One could not be merged; says how many were.
        FlightlakeError: One that was merged could not be refreshed.
    """
    for number, view in enumerate(views):
        sql = f"MERGE MATERIALIZED VIEW {quoted(view)} FROM BRANCH {literal(branch)}"
        try:
            (row,) = insist(server, sql)
        except FlightlakeError as failure:
            raise MergeStopped(view, failure, number) from failure
        report(Merged(view, row["strategy"] != "FAST_FORWARD", row["rows"]))
    # One that was made anew has other snapshots than those that its readers were made of.
    for view in views:
        insist(server, f"REFRESH MATERIALIZED VIEW {quoted(view)}")


def _has(branch: str, view: TableIdentifier, server: Server) -> bool:
    refs = ".".join(map(quote_always, (view.catalog, view.db_schema, f"{view.table}$refs")))
    asked = f"SELECT count(*) AS n FROM {refs} FOR VERSION AS OF {literal(branch)}"  # noqa: S608 (both are quoted)
    try:
        server.query(asked)
    except Refused:  # it has no such branch
        return False
    return True

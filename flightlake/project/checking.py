"""All views of a project, checked by the server: what each reads, and all that is wrong.

First, what reads what: the views of the project whose name stands in a query are given to the
server without columns, and it tells which of them the query really reads.  Then each view is
checked after those that it reads, over the columns that these will have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flightlake.names import TableIdentifier
from flightlake.project.files import Project, ViewFile, statement
from flightlake.project.ordering import Order, ordered
from flightlake.project.placing import bare, named, placed
from flightlake.project.problems import Problem, ProblemsFound
from flightlake.project.server import Explained, Refused, Server, explain_head, explained, quoted
from flightlake.project.settings import Setting


@dataclass(frozen=True, slots=True)
class Checked:
    """The views of a project, each after those it reads, and what the server says of them."""

    project: Project
    views: tuple[TableIdentifier, ...]
    explained: Mapping[TableIdentifier, Explained]
    reads: Mapping[TableIdentifier, tuple[TableIdentifier, ...]]

    @property
    def files(self) -> Mapping[TableIdentifier, ViewFile]:
        return {file.view: file for file in self.project.files}


def check(project: Project, server: Server) -> Checked:
    """Check *project* against *server*, which nothing of it changes.

    Raises:
        ProblemsFound: Something is wrong with it; tells all of it.
        FlightlakeError: The server does not answer, or lets nobody in.
    """
    return _Check(project, server).run()


@dataclass(slots=True)
class _Check:
    project: Project
    server: Server
    problems: list[Problem] = field(default_factory=list)
    wrong: set[TableIdentifier] = field(default_factory=set)
    """The views whose columns cannot be told."""
    settings: dict[TableIdentifier, Sequence[Setting]] = field(default_factory=dict)
    """Of files with wrong settings, the others, so that their queries are checked as well."""
    explained: dict[TableIdentifier, Explained] = field(default_factory=dict)

    def run(self) -> Checked:
        self.problems += self.project.problems
        files = {file.view: file for file in self.project.files}
        reads = {view: self._reads(file) for view, file in files.items()}
        order = ordered(reads)
        self._tell_cycles(order, files)
        for view in order.views:
            self._check(files[view], reads[view])
        for view in order.behind:
            self._unchecked(files[view], reads[view])
        if self.problems:
            raise ProblemsFound(tuple(sorted(set(self.problems))))
        return Checked(self.project, order.views, self.explained, reads)

    def _reads(self, file: ViewFile) -> tuple[TableIdentifier, ...]:
        text = file.query.casefold().replace('""', '"').replace("``", "`")  # quoted in a name
        near = [one.view for one in self.project.files if one.view.table.casefold() in text]
        if not near:
            return ()
        told = self._explain(file, dict.fromkeys(near))
        if told is None:
            return ()
        names = {str(view): view for view in near}
        return tuple(names[name] for name in told.reads)

    def _check(self, file: ViewFile, reads: Sequence[TableIdentifier]) -> None:
        if file.view in self.wrong:
            return
        if any(source in self.wrong for source in reads):
            self._unchecked(file, reads)
            return
        given = {source: self.explained[source].schema for source in reads}
        told = self._explain(file, given)
        if told is not None:
            self.explained[file.view] = told

    def _explain(
        self, file: ViewFile, given: Mapping[TableIdentifier, str | None]
    ) -> Explained | None:
        """Ask the server; keep what is wrong, and then return None."""
        told = self._asked(file, given)
        if isinstance(told, Refused) and file.view not in self.settings:
            bad = self._wrong_settings(file)
            self.settings[file.view] = [one for one in file.settings if one not in bad]
            told = self._asked(file, given)
        if isinstance(told, Explained):
            return told
        self.problems.append(self._placed(file, told))
        self.wrong.add(file.view)
        return None

    def _asked(
        self, file: ViewFile, given: Mapping[TableIdentifier, str | None]
    ) -> Explained | Refused:
        head = f"{explain_head(given)} MATERIALIZED VIEW"
        settings = self.settings.get(file.view, file.settings)
        sql = statement(file, self.project.name, head, settings)
        try:
            return explained(self.server.ask(sql, file.view.catalog, file.view.db_schema))
        except Refused as failure:
            return failure

    def _wrong_settings(self, file: ViewFile) -> list[Setting]:
        """Return the settings that the server takes with no query, and tell what is wrong."""
        plain = self._tried(file, "")
        found = []
        for one in file.settings:
            if one.name == "partitioned_by":
                continue  # it depends on the columns of the query
            said = self._tried(file, one.clause)
            if said is not None and said != plain:
                self.problems.append(Problem(file.path, one.line, 0, bare(said)))
                found.append(one)
        return found

    def _tried(self, file: ViewFile, clause: str) -> str | None:
        """Return why the server does not take *clause*; None if it does."""
        head = f"EXPLAIN CREATE MATERIALIZED VIEW {quoted(file.view)}"
        try:
            self.server.ask(f"{head} {clause} AS SELECT 1 AS n")
        except Refused as failure:
            return failure.message
        return None

    def _placed(self, file: ViewFile, failure: Refused) -> Problem:
        for one in file.settings:
            if one.name == "partitioned_by" and "PARTITIONED BY" in failure.message:
                return Problem(file.path, one.line, 0, failure.message)
        return placed(file, failure.message)

    def _tell_cycles(self, order: Order, files: Mapping[TableIdentifier, ViewFile]) -> None:
        for ring in order.cycles:
            chain = " → ".join(map(str, (*ring, ring[0])))
            said = "the view reads itself" if len(ring) == 1 else f"views read each other: {chain}"
            self.problems.append(replace(named(files[ring[0]], ring[1 % len(ring)]), message=said))
            self.wrong.update(ring)

    def _unchecked(self, file: ViewFile, reads: Sequence[TableIdentifier]) -> None:
        if file.view in self.wrong:
            return
        self.wrong.add(file.view)
        source = next(one for one in reads if one in self.wrong)
        said = f"not checked, as it reads {source}, with which something is wrong"
        self.problems.append(replace(named(file, source), message=said))

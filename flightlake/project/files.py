"""A project's folder: which views it has.

::

    catalog/schema/name.sql
    catalog/bronze.inventory/name.sql     a schema of two levels,
    catalog/bronze/inventory/name.sql     the same
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flightlake.errors import NotFound, PreconditionFailed
from flightlake.names import TableIdentifier, quote_always
from flightlake.project.problems import Problem
from flightlake.project.settings import Setting, clauses, read_settings

_NAME = re.compile(r"[\w .-]{1,100}")
_MARK = re.compile(r'\A-- of flightlake project "([\w .-]{1,100})"\s*\n')


@dataclass(frozen=True, slots=True)
class ViewFile:
    """A view as a file makes it.

    ``query`` begins in line ``first_line`` of the file.
    """

    view: TableIdentifier
    path: str
    settings: tuple[Setting, ...]
    query: str = field(repr=False)
    first_line: int


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that was read: ``problems`` are those that need no server to be found."""

    name: str
    files: tuple[ViewFile, ...]
    problems: tuple[Problem, ...]


def read_project(directory: Path, name: str | None = None) -> Project:
    """Read the project in *directory*, called *name*, else like the folder.

    Raises:
        NotFound: There is no such folder, or no file of a view in it.
        PreconditionFailed: The name cannot be a project's.
    """
    if not directory.is_dir():
        raise NotFound(f"there is no folder {directory}; give the folder of a project")
    called = name or Path(os.path.abspath(directory)).name  # a link's own name, not its target's
    if not _NAME.fullmatch(called):
        raise PreconditionFailed(
            f"'{called}' cannot be the name of a project; give another with --project, of letters,"
            " digits, spaces, dots, - and _"
        )
    files: list[ViewFile] = []
    problems: list[Problem] = []
    known: dict[TableIdentifier, str] = {}
    for path in _found(directory, problems):
        read, wrong = _read(path, path.relative_to(directory).parts)
        problems += wrong
        if read is None:
            continue
        if read.view in known:
            said = f"{read.view} is also made by {known[read.view]}; keep one of the two files"
            problems.append(Problem(read.path, 0, 0, said))
            continue
        known[read.view] = read.path
        files.append(read)
    if not files and not problems:
        raise NotFound(f"{directory} holds no views; they are files catalog/schema/name.sql")
    return Project(called, tuple(files), tuple(problems))


def statement(file: ViewFile, project: str, head: str, settings: Sequence[Setting]) -> str:
    """Return the statement that begins with *head* and makes the view of *file*.

    The name of the project goes with the query, as a comment: so it is known whose the view is.
    All before the query is one line: what the server says of a line of the statement, as of a text
    that does not end, and of a line of its query, are the same then.
    """
    name = ".".join(map(quote_always, (file.view.catalog, file.view.db_schema, file.view.table)))
    parts = [f"{head} {name}", *clauses(settings), "AS", _mark(project)]
    return " ".join(parts) + file.query


LINES_OF_MARK = 1
"""Lines of the statement, and of the query as the server sees it, before those of the file."""


def project_of(query: str) -> str | None:
    """Return the name of the project that made a view of *query*; None if none did."""
    found = _MARK.match(query)
    return found[1] if found else None


def _mark(project: str) -> str:
    return f'-- of flightlake project "{project}"\n'


def _found(directory: Path, problems: list[Problem]) -> list[Path]:
    """Return the files of views in *directory*; keep in *problems* the folders that cannot be read.

    What is in those is not known: it must not look as if it were gone.
    """

    def unread(failure: OSError) -> None:
        shown = Path(failure.filename).relative_to(directory).as_posix()
        said = f"the folder cannot be read ({failure.strerror}); change its rights"
        problems.append(Problem(_printable(shown), 0, 0, said))

    found: list[Path] = []
    for folder, below, names in os.walk(directory, onerror=unread):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in names
            if name.endswith(".sql") and not name.startswith(".")
        ]
    return sorted(found)


def _printable(text: str) -> str:
    """Return *text*, with bytes of a path that are no UTF-8 as ``\\xff``."""
    return os.fsencode(text).decode(errors="backslashreplace")


def _read(path: Path, parts: Sequence[str]) -> tuple[ViewFile | None, list[Problem]]:
    shown = _printable("/".join(parts))
    if shown != "/".join(parts):
        said = "the name of the file is no UTF-8 text; give it another"
        return None, [Problem(shown, 0, 0, said)]
    if len(parts) < 3:
        said = "a view's file is called catalog/schema/name.sql, seen from the project's folder"
        return None, [Problem(shown, 0, 0, said)]
    table = parts[-1].removesuffix(".sql")
    if not table or "." in table:
        said = f"'{table}' cannot be the name of a view; leave out the dot"
        return None, [Problem(shown, 0, 0, said)]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        said = "the file is no UTF-8 text; save it as such"
        return None, [Problem(shown, 0, 0, said)]
    except OSError as failure:
        said = f"the file cannot be read ({failure.strerror}); change its rights, or take it away"
        return None, [Problem(shown, 0, 0, said)]
    lines = text.split("\n")
    settings, above, problems = read_settings(shown, lines)
    query = "\n".join(lines[above:])
    view = TableIdentifier(parts[0], ".".join(parts[1:-1]), table)
    if not query.strip():
        problems.append(Problem(shown, 0, 0, "the file holds no query"))
        return None, problems
    return ViewFile(view, shown, tuple(settings), query, above + 1), problems

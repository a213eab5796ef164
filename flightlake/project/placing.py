"""Where in a file the thing stands that the server's message is about."""

import re
from collections.abc import Iterator

from flightlake.names import TableIdentifier
from flightlake.project.files import LINES_OF_MARK, ViewFile
from flightlake.project.problems import Problem

_AT = re.compile(r",? at line (\d+), column (\d+)")
_PART = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAMED = re.compile(
    r"\b(?:table|view|column|field|schema|catalog|[Ff]unction|called)(?: named)?"
    rf" ('[^']+'|{_PART}(?:\.{_PART})*)"
)
_SKIPPED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


def placed(file: ViewFile, message: str) -> Problem:
    """Return the problem of *message*, which the server said of the query of *file*."""
    said = _AT.search(message)
    if said is not None:
        line, column = int(said[1]), int(said[2])
        told = message[: said.start()] + message[said.end() :]
        return Problem(file.path, file.first_line + line - 1 - LINES_OF_MARK, column, told)
    for name in _names(message):
        offset = _find(file.query, name)
        if offset is not None:
            line = file.query.count("\n", 0, offset)
            column = offset - (file.query.rfind("\n", 0, offset) + 1) + 1
            return Problem(file.path, file.first_line + line, column, message)
    before = len(file.query) - len(_visible(file.query).lstrip())
    return Problem(file.path, file.first_line + file.query.count("\n", 0, before), 0, message)


def named(file: ViewFile, view: TableIdentifier) -> Problem:
    """Return a problem, of no message, at the place where *file* names *view*."""
    return placed(file, f"table {view}")


def bare(message: str) -> str:
    """Return *message* without a place in a statement that nobody wrote."""
    return _AT.sub("", message)


def _names(message: str) -> Iterator[str]:
    for found in _NAMED.finditer(message):
        *_, last = re.findall(_PART, found[1])
        yield last.strip('"').replace('""', '"')


def _find(query: str, name: str) -> int | None:
    """Return where *name* stands in *query*, outside of texts and comments."""
    spelled = re.escape(name.replace('"', '""'))
    word = re.compile(rf"(?<!\w){spelled}(?!\w)", re.IGNORECASE)
    found = word.search(_visible(query))
    return found.start() if found else None


def _visible(query: str) -> str:
    """Return *query* with blanks for texts and comments."""
    return _SKIPPED.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), query)

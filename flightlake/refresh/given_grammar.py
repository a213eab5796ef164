"""What stands before statements about views: where they are, and what is given.

``[IN SCHEMA catalog.schema] [ON BRANCH 'b'] statement``: as if the session's options were those.  A
program that runs many statements says it with each, and need not wait for options to be set.

``EXPLAIN [GIVEN name ['columns'], …] CREATE MATERIALIZED VIEW …``.

GIVEN names views that are still to be made, or made anew, so that a query over them can be
checked before they are there.  Their columns are what this statement told as ``schema`` of each;
where they are left out, it only tells which of the given views the query reads.
"""

from collections.abc import Callable, Sequence

from flightlake.engine.sql_tokens import Token
from flightlake.errors import InvalidSql
from flightlake.lake.given import from_json
from flightlake.refresh.heads import Head
from flightlake.refresh.statements import Create, ExplainCreate, GivenView, Placed, ViewStatement

_FIRST = (
    ("EXPLAIN", "CREATE", "MATERIALIZED"),  # of tables and other views, the engine says no
    ("EXPLAIN", "CREATE", "OR", "REPLACE", "MATERIALIZED"),
    ("EXPLAIN", "GIVEN"),
    ("IN", "SCHEMA"),
    ("ON", "BRANCH"),
)


def is_prefixed(words: Sequence[str]) -> bool:
    """Return whether a statement that begins with *words* (upper case) is of this kind."""
    return any(tuple(words[: len(first)]) == first for first in _FIRST)


def prefixed(
    sql: str, found: Sequence[Token], parse: Callable[[str], ViewStatement]
) -> ViewStatement:
    """Return the statement in *sql*, whose tokens are *found*; *parse* reads what is behind.

    Raises:
        InvalidSql, Unsupported: It is not written as it must be.
    """
    head = Head(sql, found)
    place, branch = None, None
    if head.take("IN"):
        head.require("SCHEMA")
        place = head.name()
        if len(place) != 2:
            raise InvalidSql("IN SCHEMA names a catalog and a schema: catalog.schema")
    if head.take("ON"):
        head.require("BRANCH")
        branch = head.take_string()
        if branch is None:
            raise head.unexpected("the name of a branch in single quotes")
    if place is None and branch is None:
        return _explain_create(sql, found, parse)
    if head.take("IN", "ON"):
        raise InvalidSql("IN SCHEMA comes before ON BRANCH, and each is given once")
    return Placed(parse(head.rest()), place, branch)


def _explain_create(
    sql: str, found: Sequence[Token], parse: Callable[[str], ViewStatement]
) -> ExplainCreate:
    head = Head(sql, found)
    head.require("EXPLAIN")
    given: list[GivenView] = []
    if head.take("GIVEN"):
        given.append(_given(head))
        while head.take(","):
            given.append(_given(head))
    if head.take("EXPLAIN", "IN", "ON"):
        raise InvalidSql("CREATE MATERIALIZED VIEW is expected behind EXPLAIN")
    explained = parse(head.rest())
    if not isinstance(explained, Create):
        raise InvalidSql("CREATE MATERIALIZED VIEW is expected behind EXPLAIN")
    return ExplainCreate(explained, tuple(given))


def _given(head: Head) -> GivenView:
    name = head.name()
    text = head.take_string()
    return GivenView(name, None if text is None else from_json(text))

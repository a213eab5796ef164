"""``EXPLAIN [GIVEN name ['columns'], …] CREATE MATERIALIZED VIEW …``.

GIVEN names views that are still to be made, or made anew, so that a query over them can be
checked before they are there.  Their columns are what this statement told as ``schema`` of each;
where they are left out, it only tells which of the given views the query reads.
"""

from collections.abc import Callable, Sequence

from flightlake.engine.sql_tokens import Token
from flightlake.errors import InvalidSql
from flightlake.lake.given import from_json
from flightlake.refresh.heads import Head
from flightlake.refresh.statements import Create, ExplainCreate, GivenView, ViewStatement


def is_explain_create(words: Sequence[str]) -> bool:
    """Return whether a statement that begins with *words* (upper case) is of this kind."""
    return tuple(words[:2]) in (("EXPLAIN", "CREATE"), ("EXPLAIN", "GIVEN"))


def explain_create(
    sql: str, found: Sequence[Token], parse: Callable[[str], ViewStatement]
) -> ExplainCreate:
    """Return the statement in *sql*, whose tokens are *found*; *parse* reads what is explained.

    Raises:
        InvalidSql, Unsupported: It is not written as it must be.
    """
    head = Head(sql, found)
    head.require("EXPLAIN")
    given: list[GivenView] = []
    if head.take("GIVEN"):
        given.append(_given(head))
        while head.take(","):
            given.append(_given(head))
    explained = parse(head.rest())
    if not isinstance(explained, Create):
        raise InvalidSql("CREATE MATERIALIZED VIEW is expected behind EXPLAIN")
    return ExplainCreate(explained, tuple(given))


def _given(head: Head) -> GivenView:
    name = head.name()
    text = head.take_string()
    return GivenView(name, None if text is None else from_json(text))

"""What statements about materialized views look like.

Only their head is parsed; the query behind AS is the engine's affair, and kept as it was
written.  What is known and not there is refused by name, with what to do instead: nothing is
accepted that would not be acted on.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from flightlake.engine.sql_tokens import Token, tokens
from flightlake.errors import FlightlakeError, InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.refresh.given_grammar import explain_create, is_explain_create
from flightlake.refresh.heads import Head
from flightlake.refresh.statements import (
    Create,
    Describe,
    Drop,
    Name,
    Refresh,
    ShowAll,
    ShowCreate,
    ViewStatement,
)

_BY_HAND = "run REFRESH MATERIALIZED VIEW whenever it is due, from a scheduler of your own"
_LATER: Mapping[tuple[str, ...], str] = {
    ("ALTER", "MATERIALIZED", "VIEW"): (
        "ALTER MATERIALIZED VIEW is not there yet; use CREATE OR REPLACE MATERIALIZED VIEW"
    ),
    ("VERIFY", "MATERIALIZED", "VIEW"): (
        "VERIFY MATERIALIZED VIEW is not there yet; REFRESH MATERIALIZED VIEW name FULL computes"
        " the view anew"
    ),
    ("CANCEL", "REFRESH"): ("CANCEL REFRESH is not there yet; cancel the statement that refreshes"),
    ("REFRESH", "MATERIALIZED", "VIEWS"): (
        "REFRESH MATERIALIZED VIEWS IN is not there yet; name the views in REFRESH MATERIALIZED"
        " VIEW a, b"
    ),
    ("EXPLAIN", "REFRESH"): (
        "EXPLAIN REFRESH is not there yet; REFRESH itself says what it did and why"
    ),
    ("EXPLAIN", "ANALYZE", "REFRESH"): (
        "EXPLAIN ANALYZE REFRESH is not there yet; REFRESH itself says what it did and why"
    ),
}
_OPTIONS: Mapping[str, str] = {
    "(": "a list of columns is not there yet; name the columns in the query with AS",
    "COMMENT": "COMMENT is not there yet; leave it out",
    "CLUSTERED": "CLUSTERED BY is not there yet; write ORDER BY at the end of the query",
    "TARGET_LAG": f"TARGET_LAG is not there yet, as nothing is refreshed by itself; {_BY_HAND}",
    "SCHEDULE": f"SCHEDULE is not there yet, as nothing is refreshed by itself; {_BY_HAND}",
    "ON": f"ON CHANGE and ON STALE are not there yet; {_BY_HAND}",
    "WITH": "WITH (…) knows no option yet; leave it out",
}
_ASKED: Mapping[str, str] = {
    "INCREMENTAL": "incremental refreshes are not there yet; leave INCREMENTAL out",
    "CASCADE": "CASCADE is not there yet; name all views, sources first",
    "ASYNC": "ASYNC is not there yet; run the statement and wait, or in a session of its own",
    "WAIT": "WAIT is not there yet; leave it out, as the statement always waits",
    "WHERE": "REFRESH … WHERE is not there yet; refresh the whole view",
    "ON": "views are refreshed on main only; leave ON BRANCH out",
}


def is_view_statement(sql: str) -> bool:
    """Return whether *sql* begins as a statement about materialized views does."""
    try:
        return _about_views(_words(list(islice(tokens(sql), 6))))
    except FlightlakeError:  # the engine says what is wrong with its tokens
        return False


def parse(sql: str) -> ViewStatement:
    """Return the statement in *sql*, for which ``is_view_statement`` holds.

    Raises:
        InvalidSql: It is not written as it must be; says where.
        Unsupported: It asks for what is not there; says what to do instead.
    """
    found = list(tokens(sql))
    while found and found[-1].text == ";":
        found.pop()
    words = _words(found[:6])
    if is_explain_create(words):
        return explain_create(sql, found, parse)
    for head, refusal in _LATER.items():
        if words[: len(head)] == head:
            raise Unsupported(refusal)
    head_ = Head(sql, found)
    if head_.take("CREATE"):
        return _create(head_)
    if head_.take("REFRESH"):
        return _refresh(head_)
    if head_.take("DROP"):
        return _drop(head_)
    if head_.take("SHOW"):
        return _show(head_)
    head_.take("DESC", "DESCRIBE")
    head_.require("MATERIALIZED", "VIEW")
    statement = Describe(head_.name())
    head_.end()
    return statement


def _words(found: list[Token]) -> tuple[str, ...]:
    return tuple(token.text.upper() if token.kind == "word" else "" for token in found)


def _about_views(words: tuple[str, ...]) -> bool:
    if words[:3] == ("CREATE", "OR", "REPLACE"):
        words = ("CREATE", *words[3:])
    if is_explain_create(words):
        return True
    if any(words[: len(head)] == head for head in _LATER):
        return True
    if words[:1] == ("SHOW",):
        rest = words[2:] if words[1:2] == ("CREATE",) else words[1:]
        return rest[:1] == ("MATERIALIZED",) and rest[1:2] in (("VIEW",), ("VIEWS",))
    first = words[:1] in (("CREATE",), ("REFRESH",), ("DROP",), ("DESC",), ("DESCRIBE",))
    return first and words[1:3] == ("MATERIALIZED", "VIEW")


def _create(head: Head) -> Create:
    replace = head.take("OR")
    if replace:
        head.require("REPLACE")
    head.require("MATERIALIZED", "VIEW")
    if_not_exists = head.take("IF")
    if if_not_exists:
        head.require("NOT", "EXISTS")
    if replace and if_not_exists:
        raise InvalidSql("use either OR REPLACE or IF NOT EXISTS, not both")
    name = head.name()
    partitioned_by: Sequence[LayoutTerm] = ()
    mode = "AUTO"
    once = {"PARTITIONED", "REFRESH_MODE", "INITIALIZE"}
    while not head.take("AS"):
        option = head.which(*once)
        once.discard(option or "")
        if option == "PARTITIONED":
            head.require("BY")
            partitioned_by = head.terms()
        elif option == "REFRESH_MODE":
            head.require("=")
            mode = _mode(head)
        elif option == "INITIALIZE":
            head.require("=")
            head.refuse(
                {
                    "ON_SCHEDULE": "INITIALIZE = ON_SCHEDULE is not there yet, as nothing is"
                    " refreshed by itself; leave INITIALIZE out"
                }
            )
            head.require("ON_CREATE")
        else:
            head.refuse(_OPTIONS)
            raise head.unexpected("an option that has not been given, or AS and the query")
    return Create(name, head.rest(), replace, if_not_exists, partitioned_by, mode)


def _mode(head: Head) -> str:
    head.refuse(
        {
            "INCREMENTAL": "incremental refreshes are not there yet; leave REFRESH_MODE out, or use"
            " AUTO"
        }
    )
    found = head.which("AUTO", "FULL")
    if found is None:
        raise head.unexpected("AUTO or FULL")
    return found


def _refresh(head: Head) -> Refresh:
    head.require("MATERIALIZED", "VIEW")
    names: list[Name] = [head.name()]
    while head.take(","):
        names.append(head.name())
    full = head.take("FULL")
    head.refuse(_ASKED)
    head.end()
    return Refresh(tuple(names), full)


def _drop(head: Head) -> Drop:
    head.require("MATERIALIZED", "VIEW")
    if_exists = head.take("IF")
    if if_exists:
        head.require("EXISTS")
    name = head.name()
    if head.take("CASCADE"):
        raise Unsupported("CASCADE is not there yet; drop the views that read this one first")
    keep_table = head.take("KEEP")
    if keep_table:
        head.require("TABLE")
    head.end()
    return Drop(name, if_exists, keep_table)


def _show(head: Head) -> ShowAll | ShowCreate:
    if head.take("CREATE"):
        head.require("MATERIALIZED", "VIEW")
        statement = ShowCreate(head.name())
        head.end()
        return statement
    head.require("MATERIALIZED", "VIEWS")
    head.refuse(
        {
            "IN": "SHOW MATERIALIZED VIEWS IN is not there yet; it shows all",
            "LIKE": "SHOW MATERIALIZED VIEWS LIKE is not there yet; it shows all",
        }
    )
    head.end()
    return ShowAll()

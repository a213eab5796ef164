"""What statements about materialized views look like.

Only their head is parsed; the query behind AS is the engine's affair, and kept as it was
written.  What is known and not there is refused by name, with what to do instead: nothing is
accepted that would not be acted on.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from flightlake.engine.sql_tokens import Token, tokens
from flightlake.errors import FlightlakeError, InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.refresh.given_grammar import is_prefixed, prefixed
from flightlake.refresh.heads import Head
from flightlake.refresh.policy import Policy
from flightlake.refresh.policy_grammar import (
    Fields,
    comment,
    initialize,
    mode,
    on_change,
    options,
    schedule,
    settings,
    target_lag,
    unset,
)
from flightlake.refresh.statements import (
    Alter,
    CancelRefresh,
    Create,
    Describe,
    Drop,
    ExplainRefresh,
    Merge,
    Name,
    Refresh,
    RefreshAll,
    ShowAll,
    ShowCreate,
    Verify,
    ViewStatement,
)

_LATER: Mapping[tuple[str, ...], str] = {
    ("EXPLAIN", "ANALYZE", "REFRESH"): (
        "EXPLAIN ANALYZE REFRESH is not there yet; use EXPLAIN REFRESH, or REFRESH itself, which"
        " says what it did and why"
    ),
}
_KNOWN: tuple[tuple[str, ...], ...] = (
    ("REFRESH", "MATERIALIZED", "VIEW"),
    ("REFRESH", "MATERIALIZED", "VIEWS"),
    ("ALTER", "MATERIALIZED", "VIEW"),
    ("VERIFY", "MATERIALIZED", "VIEW"),
    ("CREATE", "MATERIALIZED", "VIEW"),
    ("CREATE", "OR", "REPLACE", "MATERIALIZED", "VIEW"),
    ("DROP", "MATERIALIZED", "VIEW"),
    ("DESC", "MATERIALIZED", "VIEW"),
    ("DESCRIBE", "MATERIALIZED", "VIEW"),
    ("SHOW", "MATERIALIZED", "VIEW"),
    ("SHOW", "MATERIALIZED", "VIEWS"),
    ("SHOW", "CREATE", "MATERIALIZED", "VIEW"),
    ("EXPLAIN", "REFRESH"),
    ("CANCEL", "REFRESH"),
    ("MERGE", "MATERIALIZED", "VIEW"),
    *_LATER,
)
_OPTIONS: Mapping[str, str] = {
    "(": "a list of columns is not there yet; name the columns in the query with AS",
    "CLUSTERED": "CLUSTERED BY is not there yet; write ORDER BY at the end of the query",
    "MAX_STALENESS": "MAX_STALENESS is not there yet; set a TARGET_LAG instead",
}
_ASKED: Mapping[str, str] = {
    "INCREMENTAL": "a refresh is incremental by itself where that is right; leave INCREMENTAL out",
    "CASCADE": "CASCADE is not there yet; name all views, or use REFRESH MATERIALIZED VIEWS IN",
    "WAIT": "WAIT is not there yet; leave it out to wait, or use ASYNC",
    "WHERE": "REFRESH … WHERE is not there yet; refresh the whole view",
    "ON": "write ON BRANCH 'b' before the statement, or set the session option 'branch'",
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
    if is_prefixed(words):
        return prefixed(sql, found, parse)
    for head, refusal in _LATER.items():
        if words[: len(head)] == head:
            raise Unsupported(refusal)
    head_ = Head(sql, found)
    for first, read in _READERS.items():
        if head_.take(first):
            return read(head_)
    head_.take("DESC", "DESCRIBE")
    head_.require("MATERIALIZED", "VIEW")
    statement = Describe(head_.name())
    head_.end()
    return statement


def _words(found: list[Token]) -> tuple[str, ...]:
    return tuple(token.text.upper() if token.kind == "word" else "" for token in found)


def _about_views(words: tuple[str, ...]) -> bool:
    if is_prefixed(words):
        return True
    return any(words[: len(head)] == head for head in _KNOWN)


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
    told: Fields = {}
    on_schedule = False
    once = {"PARTITIONED", "INITIALIZE", "ON", "WITH", *_CLAUSES}
    while not head.take("AS"):
        option = head.which(*once)
        once.discard(option or "")
        if option is None:
            head.refuse(_OPTIONS)
            raise head.unexpected("an option that has not been given, or AS and the query")
        if option == "PARTITIONED":
            head.require("BY")
            partitioned_by = head.terms()
        elif option == "ON":
            head.refuse({"STALE": "ON STALE is not there yet; views are always served as they are"})
            head.require("CHANGE")
            told |= on_change(head)
        elif option == "WITH":
            told |= options(head)
        elif option == "COMMENT":
            told |= comment(head)
        else:
            head.require("=")
            if option == "INITIALIZE":
                on_schedule = initialize(head)
            else:
                told |= _CLAUSES[option](head)
    mode = str(told.pop("mode", "AUTO"))
    return Create(
        name, head.rest(), replace, if_not_exists, partitioned_by, mode, Policy(**told), on_schedule
    )


def _refresh(head: Head) -> Refresh | RefreshAll:
    head.require("MATERIALIZED")
    if head.take("VIEWS"):
        head.refuse({"GROUP": "groups of views are not there yet; write IN and a schema"})
        head.require("IN")
        return RefreshAll(head.name(), *_how(head))
    head.require("VIEW")
    names: list[Name] = [head.name()]
    while head.take(","):
        names.append(head.name())
    return Refresh(tuple(names), *_how(head))


def _how(head: Head) -> tuple[bool, bool]:
    full = head.take("FULL")
    head.refuse(_ASKED)
    asynchronous = head.take("ASYNC")
    head.end()
    return full, asynchronous


def _cancel(head: Head) -> CancelRefresh:
    head.require("REFRESH")
    refresh_id = head.take_string()
    if refresh_id is None:
        raise head.unexpected("the id of a refresh in single quotes")
    head.end()
    return CancelRefresh(refresh_id)


def _explain(head: Head) -> ExplainRefresh:
    head.require("REFRESH", "MATERIALIZED", "VIEW")
    statement = ExplainRefresh(head.name(), head.take("FULL"))
    head.end()
    return statement


def _verify(head: Head) -> Verify:
    head.require("MATERIALIZED", "VIEW")
    name = head.name()
    head.refuse(
        {
            "SAMPLE": "VERIFY … SAMPLE is not there yet; leave it out to check all rows",
            "KEYS": "VERIFY … KEYS is not there yet; leave it out to check all rows",
        }
    )
    statement = Verify(name, head.take("REPAIR"))
    head.end()
    return statement


def _alter(head: Head) -> Alter:
    head.require("MATERIALIZED", "VIEW")
    name = head.name()
    action = head.which("SUSPEND", "RESUME", "RENAME", "SET", "UNSET")
    if action is None:
        raise head.unexpected("SUSPEND, RESUME, RENAME TO, SET or UNSET")
    statement = Alter(name, action)
    if action == "RENAME":
        head.require("TO")
        statement = Alter(name, action, new_name=head.name())
    elif action == "SET":
        statement = Alter(name, action, values=settings(head))
    elif action == "UNSET":
        statement = Alter(name, action, fields=unset(head))
    head.end()
    return statement


def _merge(head: Head) -> Merge:
    head.require("MATERIALIZED", "VIEW")
    name = head.name()
    head.require("FROM", "BRANCH")
    branch = head.take_string()
    if branch is None:
        raise head.unexpected("the name of a branch in single quotes")
    head.end()
    return Merge(name, branch)


def _drop(head: Head) -> Drop:
    head.require("MATERIALIZED", "VIEW")
    if_exists = head.take("IF")
    if if_exists:
        head.require("EXISTS")
    name = head.name()
    last = head.which("CASCADE", "KEEP")
    if last == "KEEP":
        head.require("TABLE")
    head.end()
    return Drop(name, if_exists, last == "KEEP", last == "CASCADE")


def _show(head: Head) -> ShowAll | ShowCreate:
    if head.take("CREATE"):
        head.require("MATERIALIZED", "VIEW")
        statement = ShowCreate(head.name())
        head.end()
        return statement
    head.require("MATERIALIZED", "VIEWS")
    db_schema = head.name() if head.take("IN") else ()
    like = None
    if head.take("LIKE"):
        like = head.take_string()
        if like is None:
            raise head.unexpected("a pattern in single quotes")
    head.end()
    return ShowAll(db_schema, like)


_CLAUSES: Mapping[str, Callable[[Head], Fields]] = {
    "TARGET_LAG": target_lag,
    "SCHEDULE": schedule,
    "REFRESH_MODE": mode,
    "COMMENT": comment,
}
_READERS: Mapping[str, Callable[[Head], ViewStatement]] = {
    "CREATE": _create,
    "REFRESH": _refresh,
    "CANCEL": _cancel,
    "EXPLAIN": _explain,
    "VERIFY": _verify,
    "ALTER": _alter,
    "MERGE": _merge,
    "DROP": _drop,
    "SHOW": _show,
}

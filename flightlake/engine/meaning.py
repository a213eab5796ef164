"""Whether two queries mean the same, as far as the engine's plan shows it.

The plan as it is bound, before any optimizer: names are full, ``*`` is written out, types are
known; white space, comments, capitals and needless parentheses are gone.  Two queries of one
meaning may have different plans; two of different meanings must not have the same, or a view
would keep rows that are no longer those of its query.  The text of a plan leaves out some things:
rows of VALUES behind the fifth, what table functions are called with, and that INTERSECT and
EXCEPT take NULL for equal to NULL, which the joins that are made of them do not say.  So literals
and such words count, too; and all words, where there are VALUES or table functions.
"""

import hashlib

from datafusion import LogicalPlan

from flightlake.engine.sql_tokens import Token, tokens

_UNSAID = frozenset(
    {
        "INTERSECT", "EXCEPT", "MINUS", "ALL", "DISTINCT", "IGNORE", "RESPECT", "WITHIN", "VALUES",
        "RECURSIVE", "LATERAL", "NATURAL", "USING", "IS", "NULLS", "UNNEST", "OUTER",
    }
)  # fmt: skip
_HIDING = frozenset({"VALUES", "GENERATE_SERIES", "RANGE"})
"""What hides in a plan's text what stands in its brackets: signs, functions, TRUE and NULL."""
_LITERALS = ("string", "escaped", "number")


def fingerprint(plan: LogicalPlan, sql: str) -> str:
    """Return what is the same only for queries of the same meaning; *plan* is that of *sql*."""
    told = [plan.display_indent_schema()]
    found = [token for token in tokens(sql) if token.text != ";"]
    hidden = any(_word(token) in _HIDING for token in found)
    for token in found:
        if hidden or token.kind in _LITERALS or _word(token) in _UNSAID:
            told.append(_word(token) or token.text)
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def _word(token: Token) -> str:
    """Return *token* in capitals, if it is a word; else nothing."""
    return token.text.upper() if token.kind == "word" else ""

"""Whether two queries mean the same, as far as the engine's plan shows it.

The plan as it is bound, before any optimizer: names are full, ``*`` is written out, types are
known; white space, comments, capitals and needless parentheses are gone.  Two queries of one
meaning may have different plans; two of different meanings must not have the same, or a view
would keep rows that are no longer those of its query.  The text of a plan leaves out some things:
rows of VALUES behind the fifth, and that INTERSECT and EXCEPT take NULL for equal to NULL, which
the joins that are made of them do not say.  So literals and such words count, too.
"""

import hashlib

from datafusion import LogicalPlan

from flightlake.engine.sql_tokens import tokens

_UNSAID = frozenset(
    {
        "INTERSECT", "EXCEPT", "MINUS", "ALL", "DISTINCT", "IGNORE", "RESPECT", "WITHIN", "VALUES",
        "RECURSIVE", "LATERAL", "NATURAL", "USING", "IS", "NULLS", "UNNEST", "OUTER",
    }
)  # fmt: skip
_LITERALS = ("string", "escaped", "number")


def fingerprint(plan: LogicalPlan, sql: str) -> str:
    """Return what is the same only for queries of the same meaning; *plan* is that of *sql*."""
    told = [plan.display_indent_schema()]
    for token in tokens(sql):
        if token.kind in _LITERALS:
            told.append(token.text)
        elif token.kind == "word" and token.text.upper() in _UNSAID:
            told.append(token.text.upper())
    return hashlib.sha256("\0".join(told).encode()).hexdigest()

"""Which SQL of a view may run here, and whether its plan means what its writer meant.

A view written for this engine runs as it is.  One written for another is taken for plain only if
every word of it means the same there and here: SQL that both understand may still count other
rows (``5 / 2`` is 2.5 in Spark, ``"a"`` a text, ``LIMIT`` without nulls first another choice).
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from flightlake.engine.sql_tokens import Token
from flightlake.lake.views import Representation

OWN_DIALECTS = ("flightlake", "datafusion")
_TEXT_IN_DOUBLE_QUOTES = frozenset({"spark", "hive", "databricks", "bigquery", "mysql", "impala"})

_FUNCTIONS = frozenset("COUNT SUM MIN MAX AVG COALESCE NULLIF ABS LOWER UPPER LENGTH".split())
_BEFORE_BRACKET = frozenset(
    """SELECT DISTINCT ALL FROM WHERE AND OR NOT IN AS ON USING BY HAVING UNION INTERSECT EXCEPT
    JOIN EXISTS CASE WHEN THEN ELSE BETWEEN VALUES""".split()
)
_NOT_ALIKE = frozenset(
    """LIMIT OFFSET FETCH TOP QUALIFY OVER WINDOW LATERAL UNNEST EXPLODE PIVOT UNPIVOT TABLESAMPLE
    CAST TRY_CAST LIKE ILIKE RLIKE REGEXP SIMILAR INTERVAL TIMESTAMP TIME COLLATE DIV MOD XOR
    NATURAL ROLLUP CUBE GROUPING RECURSIVE ARRAY MAP STRUCT ROW CONVERT AT MINUS SEMI ANTI ASOF ANY
    SOME CURRENT_DATE CURRENT_TIMESTAMP CURRENT_TIME LOCALTIME LOCALTIMESTAMP CURRENT_USER
    USER IGNORE RESPECT FILTER WITHIN SORT CLUSTER DISTRIBUTE TRANSFORM""".split()
)
_BEFORE_ALL = frozenset({"SELECT", "DISTINCT", "ALL", ",", "."})
_MOMENT = re.compile(r'Timestamp\w*\([^()"]*(?:Some\()?"')  # with a time zone
_OPERATORS = frozenset({",", ".", "(", ")", "*", "=", "<>", "!=", "<", "<=", ">", ">=", "+", "-"})


def in_order(representations: Sequence[Representation]) -> list[Representation]:
    """Return *representations* with those for this engine first."""
    return sorted(representations, key=lambda one: one.dialect not in OWN_DIALECTS)


def is_plain(dialect: str, found: Sequence[Token]) -> bool:
    """Return whether SQL of another *dialect*, its tokens *found*, means the same here."""
    quoted_texts = dialect in _TEXT_IN_DOUBLE_QUOTES
    for number, token in enumerate(found):
        word = token.text.upper()
        if token.kind == "word":
            called = number + 1 < len(found) and found[number + 1].text == "("
            if word in _NOT_ALIKE and not (word == "TIMESTAMP" and _travels(found, number)):
                return False
            if called and word not in _FUNCTIONS | _BEFORE_BRACKET:
                return False
        elif token.kind == "identifier":
            if token.text.startswith('"') == quoted_texts:
                return False
        elif token.kind == "string":
            if not token.text.startswith("'") or "\\" in token.text:
                return False
        elif token.kind == "number":
            if not token.text.isdecimal():  # a decimal to others, a double to the engine
                return False
        elif token.kind != "operator" or token.text not in _OPERATORS:
            return False
    return True


def _travels(found: Sequence[Token], number: int) -> bool:
    following = [token.text.upper() for token in found[number + 1 : number + 3]]
    return following == ["AS", "OF"]


def reads_moments(plan: str) -> bool:
    """Return whether the engine made a moment of a text or a date, in a *plan* as it shows it.

    Plain SQL writes none, and which moment a text means elsewhere depends on the time zone of
    whoever asks, which no view keeps.
    """
    return _MOMENT.search(plan) is not None


def selects_all(found: Sequence[Token]) -> bool:
    """Return whether a ``*`` stands for columns anywhere in SQL, its tokens *found*."""
    return any(
        token.text == "*" and before.text.upper() in _BEFORE_ALL
        for before, token in pairwise(found)
    )

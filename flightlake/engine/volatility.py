"""Functions that give something else each time, told from the tokens of a statement.

The names are those that the engine itself says are not deterministic (a test compares), but for
table functions, which are; and ``version``, whose value is the engine's build.
"""

from itertools import pairwise

from flightlake.engine.sql_tokens import Token, tokens

FUNCTIONS = frozenset(
    {
        "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "TODAY", "LOCALTIME",
        "LOCALTIMESTAMP", "RANDOM", "RAND", "UUID", "INPUT_FILE_NAME", "FILE_ROW_INDEX",
        "VERSION",
    }
)  # fmt: skip
_WITHOUT_PARENTHESES = frozenset(
    {
        "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP",
        "TABLESAMPLE",
    }
)  # fmt: skip


def volatile(sql: str) -> str | None:
    """Return the first name in *sql* of a function whose value differs from call to call.

    A column of such a name has to be quoted not to be taken for one.

    Raises:
        InvalidSql: A string, quoted name or comment has no end.
    """
    found = [*tokens(sql), Token("end", "", len(sql))]
    for token, after in pairwise(found):
        if token.kind == "word":
            word = token.text.upper()
        elif token.kind == "identifier":
            word = token.text[1:-1].upper()
        else:
            continue
        called = word in FUNCTIONS and after.text == "("
        if called or (token.kind == "word" and word in _WITHOUT_PARENTHESES):
            return token.text
    return None

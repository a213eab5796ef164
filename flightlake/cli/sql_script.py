"""Where one SQL statement ends and the next begins."""

import re
from dataclasses import dataclass

# A quoted run is taken whole, so that a semicolon in it ends nothing.  What is still open at the
# end of the text (no closing quote) also matches, up to the end.
_TOKEN = re.compile(
    r"""
      (?P<text>   '(?:[^']|'')*(?:'|\Z)
                | "(?:[^"]|"")*(?:"|\Z) )
    | (?P<dollar> \$(?P<tag>(?:[A-Za-z_]\w*)?)\$ .*? (?:\$(?P=tag)\$|\Z) )
    | (?P<line>   --[^\n]*(?:\n|\Z) )
    | (?P<block>  /\* )
    | (?P<end>    ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Script:
    """Whole statements (without their semicolons), and the text after the last semicolon."""

    statements: tuple[str, ...]
    rest: str


def split(text: str) -> Script:
    """Split *text* at the semicolons that end statements.

    Quotes, dollar quotes and comments (blocks may nest) are respected.  Statements that hold
    nothing but white space and comments are left out; so is such a rest.

    >>> split("select ';'; select 2 -- two; too")
    Script(statements=("select ';'",), rest='select 2 -- two; too')
    """
    statements: list[str] = []
    start = position = 0
    significant = False
    while token := _TOKEN.search(text, position):
        significant = significant or bool(text[position : token.start()].strip())
        position = token.end()
        if token["text"] or token["dollar"]:
            significant = True
        elif token["block"]:
            position = _end_of_block(text, position)
        elif token["end"]:
            if significant:
                statements.append(text[start : token.start()].strip())
            start, significant = position, False
    significant = significant or bool(text[position:].strip())
    return Script(tuple(statements), text[start:].strip() if significant else "")


def whole(text: str) -> tuple[str, ...]:
    """Return all statements of *text*; the last one needs no semicolon."""
    script = split(text)
    return (*script.statements, script.rest) if script.rest else script.statements


def _end_of_block(text: str, position: int) -> int:
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(text, position)):
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position if depth == 0 else len(text)

"""Plans in which filters that are known only while they run would reach the wrong column.

The engine (DataFusion 55) passes filters of joins and of ``ORDER BY … LIMIT`` down to scans by the
name of a column, without its table.  Below a join whose sides have columns of one name, such a
filter can land on the other one, and rows are lost: of ``a JOIN b ON a.k = b.k JOIN c ON b.v =
c.v``, those whose ``a.v`` is not among ``c.v`` (apache/datafusion issues 25244 and 25296; mended
behind 55.0).  Such plans are executed without these filters.

What WHERE asks of an outer join stays above it and goes the same way, whatever the settings: of
``b RIGHT JOIN a ON … WHERE b.s IS NULL``, the rows of a whose own s is not null are lost.  Such
plans are executed with joins that sort, through which no filter goes.  But joins that sort lose
rows, or panic, where they have conditions beside equality: then the statement is refused.
"""

import re
from collections import Counter

from datafusion import LogicalPlan
from datafusion import expr as dfe

from flightlake.engine.expressions import variant
from flightlake.errors import Unsupported

_JOIN = re.compile(r"^\s*(?:\w+ )?Join:", re.MULTILINE)
_OUTER = re.compile(r"(?:Left|Right) Join:")  # nothing passes through a full one
_OUTER_LINE = re.compile(rf"^\s*{_OUTER.pattern}", re.MULTILINE)
_CONDITION = re.compile(r"^\s*\w+ Join:.* Filter: ", re.MULTILINE)
_ANYTHING = ""
_EXTREMES = re.compile(r"Aggregate: groupBy=\[\[\]\].*\b(?:min|max)\(")


def possible(plan: LogicalPlan) -> bool:
    """Return whether *plan* joins rows, of tables or others, which is cheap to tell."""
    shown = plan.display_indent()
    return "Subquery:" in shown or _JOIN.search(shown) is not None


def repeated(optimized: LogicalPlan) -> bool:
    """Return whether a filter from above can reach a join with two columns of one name."""
    found: list[tuple[dfe.Join, bool]] = []
    waiting = [(optimized, False)]
    while waiting:
        part, below = waiting.pop()
        node = variant(part)
        if isinstance(node, dfe.Join):
            found.append((node, below))
        below = below or _filters(part, node)
        waiting.extend((one, below) for one in part.inputs())
    if len(_JOIN.findall(optimized.display_indent())) != len(found):
        return True  # some are in expressions, where they are not looked for
    return any(below and _has_repeated(join) for join, below in found)


def misled(optimized: LogicalPlan) -> bool:
    """Return whether a WHERE or HAVING can reach the wrong side of an outer join."""
    outer = 0
    waiting: list[tuple[LogicalPlan, str | None]] = [(optimized, None)]
    while waiting:
        part, asked = waiting.pop()
        node = variant(part)
        if isinstance(node, dfe.Join) and _OUTER.match(part.display()):
            outer += 1
            if asked is not None and _reaches(asked, _repeated_names(node)):
                return True
        if isinstance(node, dfe.Filter):
            asked = part.display() if asked is None else _ANYTHING
        elif asked is not None:
            asked = _ANYTHING  # columns may have other names above
        waiting.extend((one, asked) for one in part.inputs())
    # The others are in expressions, where they are not looked at.
    return outer < len(_OUTER_LINE.findall(optimized.display_indent()))


def require_sortable(optimized: LogicalPlan) -> None:
    """Raise if joins that sort are wrong for *optimized*.

    Raises:
        Unsupported: A join has a condition beside equality.
    """
    if _CONDITION.search(optimized.display_indent()):
        raise Unsupported(
            "an outer join whose sides have a column of one name, with WHERE or HAVING over it,"
            " cannot be run safely beside a join with a condition other than equality; give the"
            " columns of one side other names in a subquery, as in (SELECT id AS other_id FROM …)"
        )


def _reaches(asked: str, names: set[str]) -> bool:
    """Return whether a filter, as shown, may be about one of *names*."""
    return bool(names) and (asked == _ANYTHING or any(name in asked for name in names))


def _filters(plan: LogicalPlan, node: object) -> bool:
    """Return whether *plan* passes a filter down that it only knows while it runs."""
    shown = plan.display()
    if isinstance(node, (dfe.Join, dfe.Limit)) or "fetch=" in shown:
        return True
    return _EXTREMES.search(shown) is not None


def _has_repeated(join: dfe.Join) -> bool:
    return bool(_repeated_names(join))


def _repeated_names(join: dfe.Join) -> set[str]:
    # What stands behind the last point is the name, or its end: too many are alike, none too few.
    names = Counter(name.rpartition(".")[2] for name in join.schema().field_names())
    return {name for name, times in names.items() if times > 1}

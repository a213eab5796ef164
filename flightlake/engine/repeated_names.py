"""Plans in which filters that are known only while they run would reach the wrong column.

The engine (DataFusion 55) passes filters of joins and of ``ORDER BY … LIMIT`` down to scans by the
name of a column, without its table.  Below a join whose sides have columns of one name, such a
filter can land on the other one, and rows are lost: of ``a JOIN b ON a.k = b.k JOIN c ON b.v =
c.v``, those whose ``a.v`` is not among ``c.v`` (apache/datafusion issues 25244 and 25296; mended
behind 55.0).  Such plans are executed without these filters.

What WHERE asks of an outer join stays above it and goes the same way, whatever the settings: of
``b RIGHT JOIN a ON … WHERE b.s IS NULL``, the rows of a whose own s is not null are lost.  Such
plans are executed with joins that sort, through which no filter goes.
"""

import re

from datafusion import LogicalPlan
from datafusion import expr as dfe

from flightlake.engine.expressions import variant

_JOIN = re.compile(r"^\s*(?:\w+ )?Join:", re.MULTILINE)
_OUTER = re.compile(r"(?:Left|Right|Full) Join:")
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
    """Return whether a WHERE or HAVING stands above an outer join with two columns of one name."""
    waiting = [(optimized, False)]
    while waiting:
        part, below = waiting.pop()
        node = variant(part)
        outer = isinstance(node, dfe.Join) and _OUTER.match(part.display()) is not None
        if below and outer and _has_repeated(node):
            return True
        below = below or isinstance(node, dfe.Filter)
        waiting.extend((one, below) for one in part.inputs())
    return False


def _filters(plan: LogicalPlan, node: object) -> bool:
    """Return whether *plan* passes a filter down that it only knows while it runs."""
    shown = plan.display()
    if isinstance(node, (dfe.Join, dfe.Limit)) or "fetch=" in shown:
        return True
    return _EXTREMES.search(shown) is not None


def _has_repeated(join: dfe.Join) -> bool:
    # What stands behind the last point is the name, or its end: too many are alike, none too few.
    names = [name.rpartition(".")[2] for name in join.schema().field_names()]
    return len(set(names)) < len(names)

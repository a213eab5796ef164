"""Looking into the engine's plans and expressions, which show their parts in many ways."""

from collections.abc import Iterator
from typing import Any

from datafusion import LogicalPlan
from datafusion import expr as dfe

# Where a kind of node or expression keeps its expressions.
_PARTS = (
    "projections", "predicate", "group_by_exprs", "aggregate_exprs", "sort_exprs", "on",
    "filter", "values", "expr", "left", "right", "low", "high", "list", "pattern", "args",
    "operands", "else_expr", "when_then_expr", "window_expr", "exprs", "key",
)  # fmt: skip


def variant(thing: Any) -> Any:
    """Return what kind of node or expression *thing* is; itself where that has no Python form."""
    try:
        return thing.to_variant()
    except Exception:  # noqa: BLE001 - function calls and the like: their operands can be asked for
        return thing if not isinstance(thing, LogicalPlan) else None


def parts(node: Any) -> Iterator[Any]:
    """Yield the expressions, lists of them, and subqueries that stand directly in *node*."""
    for name in _PARTS:
        part = _called(node, name)
        if part is not None:
            yield part
    if hasattr(node, "subquery"):
        yield node.subquery().input()
    yield from _called(node, "rex_call_operands") or []


def table_scans(plan: LogicalPlan) -> list[Any] | None:
    """Return every ``TableScan`` in the optimized *plan*; None if some cannot be reached.

    Scalar subqueries that do not depend on the rows around them stay in expressions, where the
    plan's inputs do not lead.  A scan too few would mean rows too few, so the engine's own
    printed plan, which shows all, has the last word on how many there are.
    """
    printed = sum(
        line.lstrip().startswith("TableScan:") for line in plan.display_indent().splitlines()
    )
    found = _scans(plan, into_expressions=False)
    if len(found) == printed:
        return found
    found = _scans(plan, into_expressions=True)
    return found if len(found) == printed else None


def _scans(plan: LogicalPlan, into_expressions: bool) -> list[Any]:
    found: list[Any] = []
    waiting: list[Any] = [plan]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, (list, tuple)):
            waiting.extend(thing)
            continue
        if isinstance(thing, LogicalPlan):
            waiting.extend(thing.inputs())
        node = variant(thing)
        if isinstance(node, dfe.TableScan):
            found.append(node)
            if into_expressions:
                waiting.extend(node.filters())
        elif into_expressions and node is not None:
            waiting.extend(parts(node))
    return found


def _called(node: Any, name: str) -> Any:
    method = getattr(node, name, None)
    if not callable(method):
        return None
    try:
        return method()
    except Exception:  # noqa: BLE001 - this kind of node does not have it
        return None

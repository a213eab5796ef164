"""When filters that are known only while a statement runs should reach into its scans.

A join tells its other side which keys it found, and a scan can leave out all other rows before it
reads the rest of their columns.  For most scans that costs more than it saves: every row is looked
at twice.  It pays where rows would be grouped for nothing, as in a correlated subquery

    SELECT … FROM part, lineitem l WHERE p_brand = '…' AND l.quantity < (
        SELECT avg(quantity) FROM lineitem WHERE partkey = p_partkey)

which the engine turns into a join with the groups of all parts: TPC-H's query 17 takes half the
CPU, query 20 four fifths.  For all of TPC-H it would be a tenth more.
"""

from dataclasses import dataclass, field

_THROUGH = ("Projection:", "SubqueryAlias:", "Filter:")
_JOINS = ("Inner Join:", "LeftSemi Join:", "RightSemi Join:")


@dataclass(slots=True)
class _Node:
    text: str
    inputs: list["_Node"] = field(default_factory=list)


def may_pay(sql: str) -> bool:
    """Return whether *sql* has a subquery, which is cheap to tell."""
    return sql.upper().count("SELECT") > 1


def pay(optimized: str) -> bool:
    """Return whether groups are joined with something filtered in a plan.

    Args:
        optimized: The optimized plan, as the engine shows it.
    """
    return any(
        node.text.startswith(_JOINS)
        and len(node.inputs) == 2
        and (_joins_groups(*node.inputs) or _joins_groups(*reversed(node.inputs)))
        for node in _nodes(optimized)
    )


def _joins_groups(side: _Node, other: _Node) -> bool:
    while side.text.startswith(_THROUGH):
        inputs = [node for node in side.inputs if not node.text.startswith("Subquery:")]
        if len(inputs) != 1:
            return False
        side = inputs[0]
    groups = side.text.startswith("Aggregate: groupBy=[[")
    return groups and not side.text.startswith("Aggregate: groupBy=[[]]") and _filtered(other)


def _filtered(node: _Node) -> bool:
    if node.text.startswith("Aggregate:"):
        return False
    return node.text.startswith("Filter:") or any(map(_filtered, node.inputs))


def _nodes(optimized: str) -> list[_Node]:
    """Return all nodes of a plan that is shown with two spaces more for each level."""
    found: list[_Node] = []
    above: list[_Node] = []
    for line in optimized.splitlines():
        text = line.lstrip(" ")
        depth = (len(line) - len(text)) // 2
        node = _Node(text)
        del above[depth:]
        if above:
            above[-1].inputs.append(node)
        above.append(node)
        found.append(node)
    return found

"""What a query is to the rows of its tables: a sum of products, if nothing else.

A query of filters, projections, inner joins and UNION ALL is linear in each table that it reads
once: rows that come to a table add to the result what the query gives over these rows alone.
Each branch of UNION ALL is a product of the tables that it joins.  This is read off the plan as
the engine has bound it; whatever is not known to be so blocks it, by a name that says what it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datafusion import LogicalPlan, SessionContext
from datafusion import expr as dfe

from flightlake.engine.engine import Survey
from flightlake.engine.expressions import variant
from flightlake.engine.filters import predicates
from flightlake.lake.predicates import Predicate
from flightlake.names import TableIdentifier

Product = Mapping[TableIdentifier, int]
"""The tables that one branch joins, and how often each."""

_MAX_PRODUCTS = 64

_BLOCKERS: Sequence[tuple[type, str]] = (
    (dfe.Aggregate, "the query groups rows"),
    (dfe.Distinct, "the query leaves out repeated rows"),
    (dfe.WindowExpr, "the query has window functions"),
    (dfe.Limit, "the query has a LIMIT"),
    (dfe.Unnest, "the query unnests lists"),
    (dfe.RecursiveQuery, "the query is recursive"),
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why not, as a sentence without a point."""

    reason: str


def products(plan: LogicalPlan) -> list[Product] | Blocked:
    """Return the products whose sum the bound *plan* is; why not, if it is none."""
    printed = [line.lstrip() for line in plan.display_indent().splitlines()]
    if any(line.startswith("Subquery:") for line in printed):
        return Blocked("the query has a subquery in an expression")
    found = _products(plan)
    if isinstance(found, Blocked):
        return found
    if any("fetch=" in line for line in printed if line.startswith(("TableScan", "Sort"))):
        return Blocked("the query has a LIMIT")
    return [dict(product) for product in found]


def wanted(survey: Survey) -> Mapping[TableIdentifier, Predicate]:
    """Return which rows the statement of *survey* wants of the tables that it reads.

    Of a table that is not in the answer nothing is known.
    """
    frame = SessionContext().create_dataframe_from_logical_plan(survey.plan)
    schemas = {name: table.schema for name, table in survey.tables.items()}
    return predicates(frame.optimized_logical_plan(), schemas)


def join_kind(join: Any) -> str:
    """Return which join it is: ``INNER``, ``LEFT``, ``LEFTSEMI``, …"""
    return str(join.join_type()).rpartition(".")[2].upper()


def _products(plan: LogicalPlan) -> list[Counter[TableIdentifier]] | Blocked:
    node, inputs = variant(plan), plan.inputs()
    for kind, reason in _BLOCKERS:
        if isinstance(node, kind):
            return Blocked(reason)
    if isinstance(node, dfe.TableScan):
        name = node.fqn()
        if None in name:
            return Blocked("the query reads something that is no table")
        return [Counter([TableIdentifier(*name)])]
    if isinstance(node, (dfe.EmptyRelation, dfe.Values)) and not inputs:
        return [Counter()]
    if isinstance(node, dfe.Union):
        return _sum(inputs)
    if isinstance(node, dfe.Join):
        if join_kind(node) != "INNER" or len(inputs) != 2:
            return Blocked("the query has a join that is no inner join")
        return _product(inputs)
    passes = (dfe.Projection, dfe.Filter, dfe.SubqueryAlias, dfe.Sort)
    if isinstance(node, passes) and len(inputs) == 1:
        return _products(inputs[0])
    return Blocked(f"the query has a part that is not known to allow it ({_name(plan)})")


def _sum(inputs: Sequence[LogicalPlan]) -> list[Counter[TableIdentifier]] | Blocked:
    found: list[Counter[TableIdentifier]] = []
    for branch in inputs:
        some = _products(branch)
        if isinstance(some, Blocked):
            return some
        found += some
    return found if len(found) <= _MAX_PRODUCTS else _TOO_MANY


def _product(inputs: Sequence[LogicalPlan]) -> list[Counter[TableIdentifier]] | Blocked:
    left, right = map(_products, inputs)
    if isinstance(left, Blocked) or isinstance(right, Blocked):
        return left if isinstance(left, Blocked) else right
    if len(left) * len(right) > _MAX_PRODUCTS:
        return _TOO_MANY
    return [one + other for one in left for other in right]


_TOO_MANY = Blocked("the query has too many branches of UNION ALL")


def _name(plan: LogicalPlan) -> str:
    return plan.display().partition(":")[0][:40]

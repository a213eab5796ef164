"""From which columns of changed tables a column of a query comes, such that rows follow values.

A column of a query *follows* columns of tables if the rows in which it has a value depend only on
those rows of the tables in which these columns have that value.  Then, whatever changes in a
table, only rows with values that stand in what changed can be others than before.  It is read
off the plan as the engine has bound it; what is not known follows nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from datafusion import LogicalPlan
from datafusion import expr as dfe

from flightlake.engine.engine import Survey
from flightlake.engine.expressions import variant
from flightlake.engine.plan_terms import Blocked, join_kind
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

Origins = frozenset[tuple[TableIdentifier, str]]
"""Columns of tables."""

_NOTHING: Origins = frozenset()


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a part of the plan; ``follows`` is None where that is not known."""

    qualifier: str | None
    name: str
    follows: Origins | None


@dataclass(frozen=True, slots=True)
class _Rows:
    """The columns of a part of the plan, and whether it reads a changed table."""

    columns: tuple[_Column, ...]
    changed: bool

    def find(self, column: Any) -> _Column | None:
        name, qualifier = column.name(), column.relation()
        found = [
            one
            for one in self.columns
            if one.name == name
            and (one.qualifier == qualifier or one.qualifier is None or qualifier is None)
        ]
        return found[0] if len(found) == 1 else None


_Pairs = Sequence[tuple[Any, Any]]


def followed(survey: Survey, column: str, changed: frozenset[TableIdentifier]) -> Origins | Blocked:
    """Return which columns of the *changed* tables the output *column* follows; or why none."""
    reached = _scanned(survey.plan)
    # The engine's own printed plan shows subqueries, too, where the plan's inputs do not lead.
    printed = [line.strip() for line in survey.plan.display_indent().splitlines()]
    for table in changed:
        shown = f"TableScan: {table.catalog}.{table.db_schema}.{table.table}"
        if sum(f"{line} ".startswith(f"{shown} ") for line in printed) != reached.count(table):
            return Blocked(f"{table} is read in a subquery")
    try:
        rows = _Lineage(survey.tables, changed).output(survey.plan)
    except _Unknown as unknown:
        return Blocked(unknown.reason)
    if len(rows.columns) != len(survey.schema):
        return Blocked("the columns of the query cannot be followed")
    place: int = survey.schema.get_field_index(column)
    origins = rows.columns[place].follows
    if not origins or {table for table, _ in origins} != changed:
        return Blocked(f"the rows of a partition may depend on other rows than by {column!r}")
    wanted: pa.DataType = survey.schema.field(column).type
    for table, source in origins:
        if not _alike(survey.tables[table].schema.field(source).type, wanted):
            return Blocked(f"column {source!r} of {table} is of another type than {column!r}")
    return origins


class _Unknown(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Lineage:
    tables: Mapping[TableIdentifier, IcebergTable]
    changed: frozenset[TableIdentifier]

    def output(self, plan: LogicalPlan) -> _Rows:
        """Return the columns of the whole query, of which some may be cast at its very end.

        There the engine casts its views of texts to texts.  Whoever asks must hold the type of
        the output against that of its origins; casts further inside are not seen through.
        """
        node = variant(plan)
        if not isinstance(node, dfe.Projection):
            return self.rows(plan, ())
        rows = self.rows(plan.inputs()[0], ())
        columns = (_made(one, rows, through_cast=True) for one in node.projections())
        return replace(rows, columns=tuple(columns))

    def rows(self, plan: LogicalPlan, equal: _Pairs) -> _Rows:
        """Return the columns of *plan*; all rows of it in use have *equal* columns."""
        node, inputs = variant(plan), plan.inputs()
        for kind, follow in _NODES.items():
            if isinstance(node, kind):
                return follow(self, plan, node, inputs, equal)
        parts = [self.rows(part, ()) for part in inputs]
        if any(part.changed for part in parts) or not isinstance(
            node, (dfe.Values, dfe.EmptyRelation, dfe.Unnest)
        ):
            name = plan.display().partition(":")[0][:40]
            raise _Unknown(f"rows cannot be followed through a part of the query ({name})")
        return _Rows((), changed=False)

    def _scan(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        table = _table(node)
        if table is None or table not in self.tables or node.fetch() is not None:
            raise _Unknown("the query reads something that is no table")
        changed = table in self.changed
        names = [name for _, name in node.projection()] or self.tables[table].schema.names
        qualifier = f"{table.catalog}.{table.db_schema}.{table.table}"
        return _Rows(
            tuple(
                _Column(qualifier, name, frozenset({(table, name)}) if changed else _NOTHING)
                for name in names
            ),
            changed,
        )

    def _alias(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        rows = self.rows(inputs[0], ())
        columns = (replace(column, qualifier=node.alias()) for column in rows.columns)
        return replace(rows, columns=tuple(columns))

    def _projection(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        rows = self.rows(inputs[0], ())
        return replace(rows, columns=tuple(_made(one, rows) for one in node.projections()))

    def _filter(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        return self.rows(inputs[0], [*equal, *_equalities(node.predicate())])

    def _same(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        rows = self.rows(inputs[0], ())
        shown = plan.display()
        if shown.startswith("DistinctOn") or "fetch=" in shown:
            # Even of tables that did not change others may be taken the next time.
            raise _Unknown("the query takes some rows of many")
        return rows

    def _union(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        branches = [self.rows(part, ()) for part in inputs]
        if len({len(branch.columns) for branch in branches}) > 1:
            raise _Unknown("the branches of UNION ALL cannot be followed")
        columns = []
        for of_all in zip(*(branch.columns for branch in branches), strict=True):
            follows = [one.follows for one in of_all]
            known = None if None in follows else _NOTHING.union(*filter(None, follows))
            columns.append(_Column(None, of_all[0].name, known))
        return _Rows(tuple(columns), any(branch.changed for branch in branches))

    def _aggregate(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        rows = self.rows(inputs[0], ())
        keys, others = node.group_by_exprs(), node.aggregate_exprs()
        if rows.changed and any(isinstance(variant(key), dfe.GroupingSet) for key in keys):
            raise _Unknown("the query has grouping sets")
        unknown = None if rows.changed else _NOTHING
        made = [_made(key, rows) for key in keys]
        made += [_Column(None, _OTHER, unknown) for _ in others]
        return replace(rows, columns=tuple(made))

    def _window(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        rows = self.rows(inputs[0], ())
        windows = node.get_window_expr() or []
        if not rows.changed:
            more = tuple(_Column(None, _OTHER, _NOTHING) for _ in windows)
            return replace(rows, columns=rows.columns + more)
        if not windows:
            raise _Unknown("the query has window functions that cannot be followed")
        kept = set(range(len(rows.columns)))
        for window in windows:
            keys = [variant(key) for key in node.get_partition_exprs(window)]
            found = [rows.find(key) for key in keys if isinstance(key, dfe.Column)]
            kept &= {place for place, one in enumerate(rows.columns) if one in found}
        columns = [
            one if place in kept else replace(one, follows=None)
            for place, one in enumerate(rows.columns)
        ]
        return replace(rows, columns=(*columns, *(_Column(None, _OTHER, None) for _ in windows)))

    def _join(self, plan: LogicalPlan, node: Any, inputs: Any, equal: _Pairs) -> _Rows:
        kind = join_kind(node)
        inner = kind == "INNER"
        left, right = (self.rows(part, equal if inner else ()) for part in inputs)
        changed = left.changed or right.changed
        pairs = [*_equalities(node.filter()), *((variant(a), variant(b)) for a, b in node.on())]
        pairs = [*pairs, *equal] if inner else pairs
        if kind not in _KEPT:
            if changed:
                raise _Unknown("the query has a join that rows cannot be followed through")
            return _Rows(left.columns + right.columns, changed=False)
        keeps_left, keeps_right, has_right = _KEPT[kind]
        columns = [_through(one, left, right, pairs, keeps_left) for one in left.columns]
        if has_right:
            columns += [_through(one, right, left, pairs, keeps_right) for one in right.columns]
        return _Rows(tuple(columns), changed)


_Follow = Callable[[_Lineage, LogicalPlan, Any, Any, _Pairs], _Rows]
_NODES: Mapping[type, _Follow] = {
    dfe.TableScan: _Lineage._scan,
    dfe.SubqueryAlias: _Lineage._alias,
    dfe.Projection: _Lineage._projection,
    dfe.Filter: _Lineage._filter,
    dfe.Distinct: _Lineage._same,
    dfe.Sort: _Lineage._same,
    dfe.Union: _Lineage._union,
    dfe.Aggregate: _Lineage._aggregate,
    dfe.WindowExpr: _Lineage._window,
    dfe.Join: _Lineage._join,
}
_OTHER = "flightlake other"
_KEPT = {
    "INNER": (True, True, True), "LEFT": (True, False, True), "RIGHT": (False, True, True),
}  # fmt: skip
"""Of which sides of a join each row stays a row, and whether the right one has columns."""


def _through(one: _Column, mine: _Rows, other: _Rows, pairs: _Pairs, kept: bool) -> _Column:
    """Return the column *one* of the side *mine* as it comes out of a join."""
    if not other.changed and (kept or not mine.changed):
        return one
    if not kept or one.follows is None:
        return replace(one, follows=None)
    for pair in pairs:
        for a, b in (pair, pair[::-1]):
            if isinstance(a, dfe.Column) and isinstance(b, dfe.Column):
                far = other.find(b)
                if mine.find(a) is one and far is not None and far.follows:
                    return replace(one, follows=one.follows | far.follows)
    return replace(one, follows=None)


def _made(expression: Any, rows: _Rows, through_cast: bool = False) -> _Column:
    """Return the column that *expression* makes of *rows*."""
    node, name = variant(expression), None
    while isinstance(node, dfe.Alias):
        name = name or node.alias()
        node = variant(node.expr())
    if through_cast and isinstance(node, dfe.Cast):
        node = variant(node.expr())
    if isinstance(node, dfe.Column):
        found = rows.find(node)
        follows = None if found is None else found.follows
        if name is None:
            return _Column(node.relation(), node.name(), follows)
    else:
        follows = None
    return _Column(None, name or _OTHER, follows if rows.changed else _NOTHING)


def _equalities(condition: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of columns that *condition* wants to be equal in each row."""
    node = None if condition is None else variant(condition)
    if not isinstance(node, dfe.BinaryExpr):
        return []
    if node.op() == "AND":
        return [*_equalities(node.left()), *_equalities(node.right())]
    if node.op() != "=":
        return []
    return [(variant(node.left()), variant(node.right()))]


def _scanned(plan: LogicalPlan) -> list[TableIdentifier | None]:
    node = variant(plan)
    own = [_table(node)] if isinstance(node, dfe.TableScan) else []
    return own + [table for part in plan.inputs() for table in _scanned(part)]


def _table(scan: Any) -> TableIdentifier | None:
    name = scan.fqn()
    return None if None in name else TableIdentifier(*name)


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    texts = (pa.string(), pa.large_string(), pa.string_view())
    return bool(one == other) or (one in texts and other in texts)

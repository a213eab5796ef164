"""A view → the rows of its SQL, under the names and types it promises.

The SQL is planned for itself, with the view's own defaults, over the tables of the statement: so
a table has one snapshot wherever it is named, in views and beside them.

Source: Iceberg view specification, "Representations" and "Default catalog".
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
from datafusion import DataFrame, LogicalPlan, SQLOptions, col

from flightlake.engine.datafusion_errors import NOT_FOUND, translate
from flightlake.engine.sql_text import Kind, SqlText, read
from flightlake.engine.sql_tokens import tokens
from flightlake.engine.tables import StatementTables
from flightlake.engine.view_sql import (
    OWN_DIALECTS,
    in_order,
    is_plain,
    reads_moments,
    selects_all,
)
from flightlake.errors import FlightlakeError, NotFound, Overloaded, Unsupported
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView, Representation
from flightlake.names import TableIdentifier, quote_always

NOTHING_BUT_QUERIES = (
    SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)
_MAX_DEPTH = 16
_MAX_NODES = 1_000
"""Parts of the plan of one view, those of views in it included: each may double the last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a view is planned: the statement's tables, and the views it is planned within."""

    tables: StatementTables
    scan: Callable[[IcebergTable], DataFrame]
    moment: datetime
    branch: str
    within: tuple[TableIdentifier, ...] = ()


Plan = Callable[[SqlText, IcebergView, Place], DataFrame]


@dataclass(frozen=True, slots=True)
class ViewFrames:
    """Makes the rows of views, in one session; *plan* plans their SQL in a session of its own."""

    place: Place
    plan: Plan

    def frame(self, view: IcebergView) -> DataFrame:
        """Return the rows of *view*.

        Raises:
            Unsupported: It does not run here; names the dialect it is written in.
            FlightlakeError: A table it is made of cannot be read.
        """
        name, within = view.identifier, self.place.within
        if name in within:
            chain = " → ".join(str(part) for part in (*within[within.index(name) :], name))
            raise Unsupported(f"view {name} is made of itself: {chain}")
        if len(within) >= _MAX_DEPTH:
            raise Overloaded(f"view {within[0]} is made of more than {_MAX_DEPTH} views in a row")
        place = replace(self.place, within=(*within, name))
        why = "it has no SQL"
        for representation in in_order(view.representations):
            try:
                return self._planned(view, representation, place)
            except _NotHere as reason:
                why = f"it is written in the dialect '{representation.dialect}', and {reason}"
        raise Unsupported(f"view {name} does not run here: {why}")

    def _planned(
        self, view: IcebergView, representation: Representation, place: Place
    ) -> DataFrame:
        sql = representation.sql.strip().rstrip(";")
        try:
            text = read(sql)
        except FlightlakeError as error:
            raise _NotHere(error.message) from error
        if text.kind is not Kind.SELECT or text.parameters:
            raise _NotHere("is no query")
        own = representation.dialect in OWN_DIALECTS
        found = list(tokens(sql))
        if not own and not is_plain(representation.dialect, found):
            raise _NotHere("not all of it means the same to this server")
        try:
            rows = self.plan(text, view, place)
            shown = "" if own else rows.optimized_logical_plan().display_indent()
        except FlightlakeError:
            raise
        except BaseException as error:
            failure = self.place.tables.failure
            if failure is not None:  # a table or another view, and not this SQL
                raise failure from error
            missing = NOT_FOUND.search(str(error))
            if missing is not None:
                raise NotFound(
                    f"view {view.identifier} is made of {missing.group(1)}, which does not exist"
                ) from error
            said = f": {translate(error, text).message}" if own else ""
            raise _NotHere(f"this server does not understand it{said}") from error
        if reads_moments(shown):
            raise _NotHere("a moment in it depends on a time zone that the view does not tell")
        if not _is_small(rows.logical_plan()):
            raise Overloaded(f"view {view.identifier} is too large; make it of fewer views")
        return _promised(rows, view, all_named=not selects_all(found))


class _NotHere(Exception):
    """A way in which a view is written does not run here; says why."""


def _promised(rows: DataFrame, view: IcebergView, all_named: bool) -> DataFrame:
    """Return *rows* with the names and types of *view*.

    Where the SQL has *all_named* itself, its columns are in the order of the view's, whatever an
    engine calls them; where it says ``*``, the tables may have other columns by now.
    """
    found = rows.schema()
    same = all_named or tuple(found.names) == view.query_columns
    if not same or len(found) != len(view.schema):
        raise Unsupported(
            f"view {view.identifier} no longer has the columns it was made with; make it anew"
        )
    if len(set(found.names)) != len(found):
        raise Unsupported(
            f"view {view.identifier} has two columns of one name in its SQL; make it anew, with a"
            " name for each"
        )
    columns = []
    for made, wanted in zip(found, view.schema, strict=True):
        column = col(quote_always(made.name))
        if not _alike(made.type, wanted.type):
            if not _fits(made.type, wanted.type):
                raise Unsupported(
                    f"column {wanted.name} of view {view.identifier} is of another type here than"
                    " the view promises; make the view anew, with a CAST"
                )
            column = column.cast(wanted.type)
        columns.append(column.alias(wanted.name))
    return rows.select(*columns)


_TEXTS = (pa.string(), pa.large_string(), pa.string_view())
_BYTES = (pa.binary(), pa.large_binary(), pa.binary_view())


def _alike(made: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether *made* is *wanted* but for how it lies in memory, and for what may be null."""
    if made in _TEXTS or made in _BYTES:
        return wanted in (_TEXTS if made in _TEXTS else _BYTES)
    if pa.types.is_nested(wanted):
        return _without_nullability(made) == _without_nullability(wanted)
    return bool(made == wanted)


def _without_nullability(type_: pa.DataType) -> str:
    return str(type_).replace(" not null", "")


def _fits(made: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a cast from *made* to *wanted* keeps each value, or fails."""
    if pa.types.is_integer(made) and pa.types.is_integer(wanted):
        return True
    return bool(made == pa.float32() and wanted == pa.float64())


def _is_small(plan: LogicalPlan) -> bool:
    waiting, seen = [plan], 0
    while waiting and seen <= _MAX_NODES:
        seen += 1
        waiting.extend(waiting.pop().inputs())
    return seen <= _MAX_NODES

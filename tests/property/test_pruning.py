"""No file that is left out holds a row the predicate is true for: on real files, by the engine.

The tables are written by pyiceberg, with every type under every transform; the predicate is
evaluated over all rows by DataFusion, whose answer is what a query would get.
"""

import pyarrow as pa
import pytest
from datafusion import Expr, SessionContext, col, functions, lit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flightlake.lake.predicates import (
    And,
    Anything,
    Comparison,
    In,
    IsNotNull,
    IsNull,
    Operator,
    Or,
    Predicate,
    StartsWith,
)
from tests.fix_partitioned import Content, contents

OPERATORS: tuple[Operator, ...] = ("=", "!=", "<", "<=", ">", ">=")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Content]:
    return contents(tmp_path_factory.mktemp("pruning"))


def expression(predicate: Predicate) -> Expr:
    """Return *predicate* as DataFusion evaluates it."""
    if isinstance(predicate, Anything):
        return lit(True)
    if isinstance(predicate, And | Or):
        parts = [expression(part) for part in predicate.parts]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if isinstance(predicate, And) else result | part
        return result
    column = col(predicate.column)
    if isinstance(predicate, IsNull):
        return column.is_null()
    if isinstance(predicate, IsNotNull):
        return column.is_not_null()
    if isinstance(predicate, StartsWith):
        return functions.starts_with(column, lit(predicate.prefix))
    if isinstance(predicate, In):
        return functions.in_list(column, [lit(value) for value in predicate.values])
    value = lit(predicate.value)
    return {
        "=": column == value,
        "!=": column != value,
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }[predicate.operator]


def files_with_matches(content: Content, predicate: Predicate) -> set[str]:
    """Return the files that have a row for which *predicate* is true."""
    context = SessionContext()
    frame = context.from_arrow(content.rows).filter(expression(predicate))
    batches = frame.select(col("file")).collect()
    return {path.as_py() for batch in batches for path in batch.column(0)}


@st.composite
def leaves(draw: st.DrawFn, content: Content) -> Predicate:
    """Conditions on ``v`` with values that occur, or nearly."""
    kind = content.table.schema.field("v").type
    values = st.sampled_from(content.values)
    if pa.types.is_integer(kind):
        values |= st.integers(-120, 120).map(lambda number: pa.scalar(number, kind))
    if pa.types.is_floating(kind):
        values |= st.sampled_from([0.0, -0.0, 1.2, float("nan")]).map(lambda x: pa.scalar(x, kind))
    shape = draw(st.sampled_from(["compare", "compare", "in", "null", "not null", "prefix"]))
    if shape == "null":
        return IsNull("v")
    if shape == "not null":
        return IsNotNull("v")
    if shape == "in":
        return In("v", tuple(draw(st.lists(values, min_size=1, max_size=20))))
    if shape == "prefix" and pa.types.is_string(kind):
        text = draw(values).as_py()
        return StartsWith(
            "v", text[: draw(st.integers(0, len(text)))] + draw(st.sampled_from(["", "a", "日"]))
        )
    return Comparison("v", draw(st.sampled_from(OPERATORS)), draw(values))


def predicates(content: Content) -> st.SearchStrategy[Predicate]:
    return st.recursive(
        leaves(content) | st.just(Anything()),
        lambda parts: st.builds(
            lambda kind, of: kind(tuple(of)),
            st.sampled_from([And, Or]),
            st.lists(parts, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_file_that_is_left_out_holds_a_matching_row(
    tables: dict[str, Content], data: st.DataObject
) -> None:
    content = tables[data.draw(st.sampled_from(sorted(tables)), label="table")]
    predicate = data.draw(predicates(content), label="predicate")
    planned = {file.path for file in content.table.plan_files(predicate).files}
    assert files_with_matches(content, predicate) <= planned


@pytest.mark.parametrize("operator", OPERATORS)
def test_comparison_with_each_value_finds_its_rows_in_every_table(
    tables: dict[str, Content], operator: Operator
) -> None:
    for content in tables.values():
        for value in set(content.values):
            predicate = Comparison("v", operator, value)
            planned = {file.path for file in content.table.plan_files(predicate).files}
            assert files_with_matches(content, predicate) <= planned, (content.name, value)


def test_files_are_left_out_of_every_table_that_can_be_pruned(tables: dict[str, Content]) -> None:
    unpruned = []
    for content in tables.values():
        every = len(content.table.plan_files(Anything()).files)
        fewest = min(
            len(content.table.plan_files(Comparison("v", "=", value)).files)
            for value in content.values
        )
        if fewest == every:
            unpruned.append(content.name)
    # UUIDs without partitions have bounds in an order that writers do not agree on, and every
    # file of that table of booleans has both.
    assert unpruned == ["boolean None", "uuid None"]

"""A condition that some value meets is never ruled out, whatever is known of the values."""

import math
import struct
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from flightlake.lake.evidence import AnyOf, Compare, Evidence, Nullness, Prefix, Test, may_match
from flightlake.lake.predicates import Operator

OPERATORS: tuple[Operator, ...] = ("=", "!=", "<", "<=", ">", ">=")

INTS = st.integers(-6, 6)
FLOATS = st.sampled_from([-math.inf, -1.5, -0.0, 0.0, 1.5, math.inf, math.nan])
TEXTS = st.text(alphabet="ab\uffff\U0010ffff", max_size=4).map(str.encode)


def total_order(value: Any) -> Any:
    """Return what sorts as the engine sorts: -0.0 below 0.0, NaN above all."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return (1, 0)
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return (0, bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1)


def true_for(test: Test, value: Any, exactly: bool) -> bool:
    """Whether *test* is true for one value; zeros are equal unless *exactly*."""
    if isinstance(test, Nullness):
        return (value is None) == (test.kind == "null")
    if value is None:
        return False
    if isinstance(test, Prefix):
        return bool(value.startswith(test.prefix))

    def order(item: Any) -> Any:
        if isinstance(item, float) and item == 0 and not exactly:
            item = 0.0
        return total_order(item)

    if isinstance(test, AnyOf):
        return any(order(value) == order(wanted) for wanted in test.values.to_pylist())
    left, right = order(value), order(test.value.as_py())
    answers = {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }
    return bool(answers[test.operator])


@st.composite
def things(draw: st.DrawFn) -> tuple[list[list[Any]], Evidence, Test]:
    """Values of several things, what is known of each, and a test."""
    values, physical = draw(
        st.sampled_from([(INTS, pa.int64()), (FLOATS, pa.float64()), (TEXTS, pa.binary())])
    )
    contents = draw(st.lists(st.lists(values | st.none(), min_size=1, max_size=4), min_size=1))
    lower, upper, only_null, never_null = [], [], [], []
    for content in contents:
        ordered = [v for v in content if v is not None and not (isinstance(v, float) and v != v)]
        told = draw(st.booleans()) and bool(ordered)
        loose = draw(st.sampled_from([0, 1])) if told else 0
        low, high = (min(ordered), max(ordered)) if told else (None, None)
        if loose and physical == pa.binary():
            low, high = low[:1], high + b"\xff"
        elif loose:
            low, high = low - 1, high + 1
        lower.append(low)
        upper.append(high)
        counted = draw(st.booleans())
        only_null.append(counted and all(v is None for v in content))
        never_null.append(counted and all(v is not None for v in content))
    evidence = Evidence(
        pa.array(lower, physical),
        pa.array(upper, physical),
        np.array(only_null),
        np.array(never_null),
    )
    shape = draw(st.sampled_from(["compare", "any", "null", "prefix"]))
    test: Test = Compare(draw(st.sampled_from(OPERATORS)), pa.scalar(draw(values), physical))
    if shape == "any":
        size = draw(st.sampled_from([1, 3, 40]))
        wanted = draw(st.lists(values, min_size=size, max_size=size + 5))
        test = AnyOf(pa.array(wanted, physical))
    elif shape == "null":
        test = Nullness(draw(st.sampled_from(["null", "not null"])))
    elif shape == "prefix" and physical == pa.binary():
        test = Prefix(draw(values))
    return contents, evidence, test


@given(things())
def test_what_holds_a_match_is_never_ruled_out(
    case: tuple[list[list[Any]], Evidence, Test],
) -> None:
    contents, evidence, test = case
    possible = may_match(test, evidence)
    for content, kept in zip(contents, possible.tolist(), strict=True):
        for exactly in (True, False):
            assert kept or not any(true_for(test, value, exactly) for value in content)


@given(st.lists(st.integers(-50, 50), min_size=17, max_size=40), st.data())
def test_many_values_are_looked_for_as_few_are(wanted: list[int], data: st.DataObject) -> None:
    bounds = data.draw(st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 9)), min_size=1))
    lower = [low for low, _ in bounds]
    upper = [low + width for low, width in bounds]
    none = np.zeros(len(bounds), np.bool_)
    evidence = Evidence(pa.array(lower), pa.array(upper), none, none)
    expected = [
        any(low <= value <= high for value in wanted)
        for low, high in zip(lower, upper, strict=True)
    ]
    assert may_match(AnyOf(pa.array(wanted)), evidence).tolist() == expected

"""What is known of many things at once, and which of them a condition cannot be true in.

A *thing* is a data file seen through a column's bounds or a partition value, or a whole
manifest seen through its partition summaries.  The answer is always "may match" unless the
opposite is proven:

* A bound that is null is unknown.
* Floats are never left out by ``>``, ``>=`` or ``!=``: the engine puts NaN above every number,
  and bounds leave NaN out.  ``<`` is treated as ``<=``, because writers and engine differ in
  whether -0.0 is below 0.0.
* Comparison with null is never true, so things that hold only nulls match no comparison.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from flightlake.lake.predicates import Operator

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one column, or partition field, in each of n things.

    ``lower`` and ``upper`` (n each, one physical type, null where unknown) enclose every
    value that is neither null nor NaN; None if there are none to speak of.
    """

    lower: pa.Array | None
    upper: pa.Array | None
    only_null: Mask
    never_null: Mask

    def __len__(self) -> int:
        return len(self.only_null)


@dataclass(frozen=True, slots=True)
class Compare:
    """``value operator x`` in the physical type; *value* is a physical scalar."""

    operator: Operator
    value: pa.Scalar


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Equal to one of *values*, an array of the physical type."""

    values: pa.Array


@dataclass(frozen=True, slots=True)
class Prefix:
    """Bytes that start with *prefix*."""

    prefix: bytes


@dataclass(frozen=True, slots=True)
class Nullness:
    """Null, or not."""

    kind: Literal["null", "not null"]


Test = Compare | AnyOf | Prefix | Nullness


def may_match(test: Test, evidence: Evidence) -> Mask:
    """Return for each thing whether it may hold a value for which *test* is true."""
    if isinstance(test, Nullness):
        return ~(evidence.never_null if test.kind == "null" else evidence.only_null)
    possible = ~evidence.only_null
    if evidence.lower is None or evidence.upper is None or evidence.lower.type != _type_of(test):
        return possible
    if isinstance(test, Compare):
        out = _compared(test, evidence.lower, evidence.upper)
    elif isinstance(test, AnyOf):
        out = _outside_all(test.values, evidence.lower, evidence.upper)
    else:
        out = _without_prefix(test.prefix, evidence.lower, evidence.upper)
    return possible if out is None else possible & ~out


def _type_of(test: Compare | AnyOf | Prefix) -> pa.DataType:
    if isinstance(test, Compare):
        return test.value.type
    return test.values.type if isinstance(test, AnyOf) else pa.binary()


def _compared(test: Compare, lower: pa.Array, upper: pa.Array) -> Mask | None:
    value = test.value
    if pa.types.is_floating(value.type):
        if math.isnan(value.as_py()) or test.operator in (">", ">=", "!="):
            return None
        out = _proven(pc.greater(lower, value))
        return out | _proven(pc.less(upper, value)) if test.operator == "=" else out
    return _RULES[test.operator](lower, upper, value)


_RULES: Mapping[Operator, Callable[[pa.Array, pa.Array, pa.Scalar], Mask]] = {
    "=": lambda low, high, v: _proven(pc.greater(low, v)) | _proven(pc.less(high, v)),
    "!=": lambda low, high, v: _proven(pc.equal(low, v)) & _proven(pc.equal(high, v)),
    "<": lambda low, high, v: _proven(pc.greater_equal(low, v)),
    "<=": lambda low, high, v: _proven(pc.greater(low, v)),
    ">": lambda low, high, v: _proven(pc.less_equal(high, v)),
    ">=": lambda low, high, v: _proven(pc.less(high, v)),
}


def _outside_all(values: pa.Array, lower: pa.Array, upper: pa.Array) -> Mask | None:
    """Return where no one of *values* is within the bounds."""
    floating = pa.types.is_floating(values.type)
    if floating and pc.any(pc.is_nan(values)).as_py():
        return None
    inside: Mask = np.zeros(len(lower), np.bool_)
    if len(values) <= _FEW or floating or pa.types.is_decimal(values.type):
        for value in values:
            inside |= ~(_proven(pc.greater(lower, value)) | _proven(pc.less(upper, value)))
        return ~inside
    # Many values: those within [lower, upper] are a slice of the sorted values.
    ordered = values.take(pc.sort_indices(values))
    first = _rank(ordered, lower, "left")
    after = _rank(ordered, upper, "right")
    known = _valid(lower) & _valid(upper)
    outside: Mask = known & (first >= after)
    return outside


_FEW = 16


def _rank(ordered: pa.Array, bounds: pa.Array, side: str) -> npt.NDArray[np.uint64]:
    filler = pc.coalesce(bounds, ordered[0])
    return np.asarray(pc.search_sorted(ordered, filler, side=side))


def _without_prefix(prefix: bytes, lower: pa.Array, upper: pa.Array) -> Mask:
    """Return where no value can start with *prefix*.

    Whatever starts with it is not below it; and a lower bound above it that does not start
    with it is above everything that does.
    """
    start = pa.scalar(prefix, pa.binary())
    below = _proven(pc.less(upper, start))
    above = _proven(pc.greater(lower, start)) & _proven(
        pc.invert(pc.starts_with(lower, pattern=prefix))
    )
    result: Mask = below | above
    return result


def _proven(result: Any) -> Mask:
    """Return a boolean array with unknown as False."""
    return np.asarray(pc.fill_null(result, False), np.bool_)


def _valid(array: pa.Array) -> Mask:
    return np.asarray(array.is_valid(), np.bool_)

"""Rows that differ in rounding only are told from rows that differ."""

import random
from typing import Any

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.engine.comparison import near
from flightlake.errors import Cancelled
from flightlake.refresh import pairing
from flightlake.refresh.pairing import Differences

MIXED = pa.schema([("k", pa.string()), ("x", pa.float64()), ("y", pa.float64())])
_NEAR = 1 + 1e-10


def _found(rows: list[tuple[tuple[Any, ...], int]], schema: pa.Schema = MIXED) -> Differences:
    found = Differences(schema)
    found.add(rows)
    found.finish()
    return found


def test_rows_without_numbers_are_counted_as_they_come() -> None:
    found = _found([(("a",), 2), (("b",), -3), (("c",), 1)], pa.schema([("k", pa.string())]))
    assert (found.extra, found.missing) == (3, 3)
    assert found.examples == [("missing", ("b",)), ("extra", ("a",)), ("extra", ("c",))]


def test_close_rows_cancel_as_often_as_both_are_there() -> None:
    found = _found([(("a", 1.0, None), -3), (("a", _NEAR, None), 2)])
    assert (found.missing, found.extra) == (1, 0)


def test_rows_that_differ_elsewhere_do_not_cancel() -> None:
    rows = [(("a", 1.0, 2.0), -1), (("b", _NEAR, 2.0), 1), (("a", _NEAR, 2.1), 1)]
    found = _found(rows)
    assert (found.missing, found.extra) == (1, 2)


def test_lists_and_structs_are_paired_too() -> None:
    schema = pa.schema([("x", pa.float64()), ("l", pa.list_(pa.int64()))])
    rows = [((1.0, [1, None]), -1), ((_NEAR, [1, None]), 1), ((_NEAR, [1]), 1), ((1.0, None), -1)]
    found = _found(rows, schema)
    assert (found.missing, found.extra) == (1, 1)


def test_null_and_no_number_are_values_of_their_own() -> None:
    nan = float("nan")
    rows = [(("a", nan, 1.0), -1), (("a", None, 1.0), 1), (("a", nan, _NEAR), 1)]
    found = _found(rows)
    assert (found.missing, found.extra) == (0, 1)
    assert found.examples == [("extra", ("a", None, 1.0))]


def test_infinite_numbers_are_paired_with_their_like() -> None:
    inf = float("inf")
    rows = [
        (("a", inf, 1.0), -1),
        (("a", -inf, 1.0), 1),
        (("a", inf, _NEAR), 1),
        (("a", 0.0, 1.0), 1),
    ]
    found = _found(rows)
    assert (found.missing, found.extra) == (0, 2)


def test_many_rows_find_their_partners_whatever_their_order() -> None:
    chance = random.Random(7)  # noqa: S311 - a test that can be told again
    values = [
        chance.choice([-1, 1]) * chance.random() * 10 ** chance.randint(-9, 9) for _ in range(3000)
    ]
    rows = [(("k", value, value), -1) for value in values]
    rows += [(("k", value * _NEAR, value), 1) for value in values[1:]]
    chance.shuffle(rows)
    found = _found(rows)
    assert (found.missing, found.extra) == (1, 0)


@pytest.mark.parametrize("alike", [0, 1])
def test_many_rows_with_one_number_alike_are_not_all_held_against_each_other(
    monkeypatch: Any, alike: int
) -> None:
    asked = [0]

    def counted(*numbers: Any) -> bool:
        asked[0] += 1
        return near(*numbers)

    monkeypatch.setattr(pairing, "near", counted)
    moments = [1_700_000_000.0 + 60 * number for number in range(2000)]
    columns = [[0.5] * len(moments), moments] if alike == 0 else [moments, [0.5] * len(moments)]
    schema = pa.schema([("x", pa.float64()), ("y", pa.float64())])
    rows: list[tuple[tuple[Any, ...], int]] = [
        (row, -1 if number % 2 else 1) for number, row in enumerate(zip(*columns, strict=True))
    ]
    found = _found(rows, schema)
    assert (found.missing, found.extra) == (1000, 1000)
    assert asked[0] < 10 * len(rows)


def test_pairing_can_be_cancelled() -> None:
    call, found = Cancellation(), Differences(MIXED)
    call.cancel(Cancelled("the statement was cancelled"))
    found.add([(("a", 1.0, None), -1), (("a", 2.0, None), 1)])
    with pytest.raises(Cancelled):
        found.finish(call.check)


def test_more_than_can_be_held_is_counted_all_the_same(monkeypatch: Any) -> None:
    monkeypatch.setattr(pairing, "_HELD", 2)
    rows = [(("a", float(number), None), -1) for number in range(4)]
    found = _found([*rows, (("a", _NEAR, None), 5)])
    assert (found.missing, found.extra) == (4, 5)
    assert len(found.examples) == 5

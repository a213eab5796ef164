"""Partition values come out of manifests exactly, of every type."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifests import Manifest
from tests.fix_avro import avro_file, entry, field, manifest_schema, optional

PLACE = "s3://bucket/warehouse/t/data/"


def decoded(content: bytes) -> Manifest:
    (manifest,) = decode_manifests([content])
    return manifest


def decimal_type(precision: int) -> dict[str, Any]:
    logical = {"logicalType": "decimal", "precision": precision, "scale": 2}
    return {"type": "fixed", "size": 5, "name": "d", **logical}


PARTITIONS: Sequence[tuple[Any, list[Any], list[Any]]] = [
    ("boolean", [1, 0], [True, False]),
    ("int", [-5, 2**31 - 1], [-5, 2**31 - 1]),
    ("long", [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
    ("float", [0.5, -2.0], [0.5, -2.0]),
    ("double", [0.1, -1e300], [0.1, -1e300]),
    ("string", ["", "grün"], ["", "grün"]),
    ("bytes", [b"", b"\xff\x80"], [b"", b"\xff\x80"]),
    ({"type": "fixed", "name": "f", "size": 3}, [b"abc", b"\x80\xff\x00"], None),
    ({"type": "int", "logicalType": "date"}, [-1, 20_000], None),
    ({"type": "long", "logicalType": "time-micros"}, [0, 86_399_999_999], None),
    (
        {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": True},
        [-1, 2**60],
        None,
    ),
    (
        {"type": "long", "logicalType": "timestamp-nanos", "adjust-to-utc": False},
        [-1, 2**60],
        None,
    ),
    (
        decimal_type(10),
        [(-12345).to_bytes(5, "big", signed=True), (1).to_bytes(5, "big")],
        [Decimal("-123.45"), Decimal("0.01")],
    ),
    (
        {"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"},
        [bytes(16), bytes(range(16))],
        [UUID(bytes=bytes(16)), UUID(bytes=bytes(range(16)))],
    ),
]


@pytest.mark.parametrize("case", PARTITIONS, ids=lambda case: str(case[0]))
def test_partition_values_of_each_type_are_kept_exactly_and_null_stays_null(
    case: tuple[Any, list[Any], list[Any] | None],
) -> None:
    kind, stored, expected = case
    schema = manifest_schema(2, [optional("p", 1000, kind), field("q", 1001, "int")])
    values = [(1, stored[0]), (0, None), (1, stored[1])]
    entries = [entry(schema, PLACE, partition={"p": value, "q": 7}) for value in values]
    found = decoded(avro_file(schema, entries)).partition_values
    column = list(found[1000])
    assert column == [(expected or stored)[0], None, (expected or stored)[1]]
    assert list(found[1001]) == [7, 7, 7]
    physical = found[1000].physical()
    assert physical is not None
    assert physical.is_null().to_pylist() == [False, True, False]


def test_a_partition_of_nan_is_not_a_partition_of_null() -> None:
    schema = manifest_schema(2, [optional("p", 1000, "double")])
    values = [(1, float("nan")), (0, None), (1, -0.0), (1, 0.0)]
    found = decoded(
        avro_file(schema, [entry(schema, PLACE, partition={"p": value}) for value in values])
    )
    keys = [found.partition_key(row) for row in range(4)]
    assert keys == [("nan",), (None,), ("-0.0",), ("0.0",)]

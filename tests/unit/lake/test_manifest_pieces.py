"""Manifests put together of pieces are those that were read whole."""

from typing import Any

import pytest

from flightlake.lake.avro import in_pieces, opened
from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifest_pieces import together
from tests.fix_avro import avro_file, entry, manifest_schema, optional
from tests.fix_manifests import entries_of, read_by_pyiceberg

SCHEMA = manifest_schema(3, [optional("p", 1000, "string")])


def some(first: int, count: int, **given: Any) -> list[dict[str, Any]]:
    return [
        entry(
            SCHEMA,
            f"s3://b/t/{number}",
            record_count=number,
            partition={"p": (1, f"p{number}") if number % 3 else (0, None)},
            **given,
        )
        for number in range(first, first + count)
    ]


ALIKE = {"null_value_counts": {1: 5, 2: 0}, "lower_bounds": {1: b"a", 2: b""}}
OTHERS = [
    ALIKE,
    {"null_value_counts": {1: 2**40, 2: 7}, "lower_bounds": {1: b"b", 2: b"c"}},
    {"null_value_counts": {2: 300}, "lower_bounds": {1: b"a", 2: b"", 3: b"x"}},
    {"null_value_counts": {1: 2**15, 2: 2**62}},
    {"content": 1, "referenced_data_file": "d", "content_offset": 4, "content_size_in_bytes": 9},
    {"content": 2, "equality_ids": [2, 1], "file_format": "orc", "key_metadata": b"k"},
]


@pytest.mark.parametrize("other", OTHERS)
def test_pieces_put_together_are_the_whole(other: dict[str, Any]) -> None:
    parts = [some(0, 3, **ALIKE), some(3, 4, **other), some(7, 1, **ALIKE)]
    pieces = decode_manifests([avro_file(SCHEMA, part) for part in parts])
    content = avro_file(SCHEMA, [one for part in parts for one in part])
    (whole,) = decode_manifests([content])
    made = together(pieces)
    assert entries_of(made) == entries_of(whole) == read_by_pyiceberg(content)
    assert made.lower.of(2).equals(whole.lower.of(2))
    assert made.nulls(1).equals(whole.nulls(1))
    assert made.layouts == [None] * 8


def test_a_large_manifest_is_the_same_as_its_entries_one_by_one() -> None:
    bound = b"x" * 3000
    entries = some(0, 3000, lower_bounds={1: bound}, upper_bounds={1: bound})
    for row in range(0, 3000, 7):
        entries[row]["status"] = 2
    content = avro_file(SCHEMA, entries, per_block=40)
    assert len(opened(content).payload) > 16 << 20
    (found,) = decode_manifests([content])
    assert entries_of(found) == read_by_pyiceberg(content)


def test_pieces_are_whole_blocks_none_larger_than_it_must_be() -> None:
    container = opened(avro_file(SCHEMA, some(0, 50), per_block=3))
    largest = int(container.sizes.max())
    for size in (1, largest, 3 * largest, 10**9):
        pieces = in_pieces(container, size)
        assert b"".join(piece.payload for piece in pieces) == container.payload
        assert [n for piece in pieces for n in piece.counts] == container.counts.tolist()
        assert all(
            len(piece.payload) == piece.sizes.sum() <= max(size, piece.sizes[0]) for piece in pieces
        )
    assert len(in_pieces(container, 1)) == 17
    assert len(in_pieces(container, 10**9)) == 1

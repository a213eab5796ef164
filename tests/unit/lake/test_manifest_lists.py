"""Manifest lists of each version, whole or not at all."""

from typing import Any

import pytest

from flightlake.lake.avro import Malformed
from flightlake.lake.manifest_lists import Summary, decode_manifest_list
from tests.fix_avro import avro_file, container, encoded, field, optional
from tests.fix_manifests import list_read_by_pyiceberg

SUMMARY = {
    "type": "record",
    "name": "r508",
    "fields": [
        field("contains_null", 509, "boolean"),
        optional("contains_nan", 518, "boolean"),
        optional("lower_bound", 510, "bytes"),
        optional("upper_bound", 511, "bytes"),
    ],
}


def schema(version: int) -> dict[str, Any]:
    later = [
        field("content", 517, "int"),
        field("sequence_number", 515, "long"),
        field("min_sequence_number", 516, "long"),
    ]
    summaries = {"type": "array", "items": SUMMARY, "element-id": 508}
    fields = [
        field("manifest_path", 500, "string"),
        field("manifest_length", 501, "long"),
        field("partition_spec_id", 502, "int"),
        *(later if version > 1 else []),
        field("added_snapshot_id", 503, "long"),
        optional("added_files_count", 504, "int"),
        optional("existing_files_count", 505, "int"),
        optional("deleted_files_count", 506, "int"),
        optional("partitions", 507, summaries),
        optional("key_metadata", 519, "bytes"),
    ]
    return {"type": "record", "name": "manifest_file", "fields": fields}


def manifest(version: int, number: int, **given: Any) -> dict[str, Any]:
    values = {
        "manifest_path": f"s3://bucket/t/metadata/{number}-m0.avro",
        "manifest_length": 7000 + number,
        "partition_spec_id": number % 2,
        "content": number % 2,
        "sequence_number": number,
        "min_sequence_number": number,
        "added_snapshot_id": 2**61 + number,
        "added_files_count": (1, number),
        "existing_files_count": (1, 2),
        "deleted_files_count": (0, None),
        "partitions": (0, None),
        "key_metadata": (0, None),
        **given,
    }
    return {of["name"]: values[of["name"]] for of in schema(version)["fields"]}


def summary(contains_null: int, lower: bytes | None, upper: bytes | None) -> dict[str, Any]:
    bounds = [(0, None) if bound is None else (1, bound) for bound in (lower, upper)]
    return {
        "contains_null": contains_null,
        "contains_nan": (0, None),
        "lower_bound": bounds[0],
        "upper_bound": bounds[1],
    }


@pytest.mark.parametrize("version", [1, 2, 3])
def test_manifest_lists_of_each_version_are_read(version: int) -> None:
    content = avro_file(schema(version), [manifest(version, number) for number in range(5)])
    found = decode_manifest_list(content).manifests
    assert list(found) == list_read_by_pyiceberg(content)
    assert [ref.live for ref in found] == [2, 3, 4, 5, 6]


def test_summaries_belong_to_their_manifests_and_unknown_is_not_none() -> None:
    lists = [
        (1, [summary(0, b"\x01", b"\x02"), summary(1, None, None)]),
        (0, None),
        (1, []),
        (1, [summary(0, b"", b"z"), summary(0, None, b"\xff" * 100)]),
    ]
    rows = [manifest(2, number, partitions=of) for number, of in enumerate(lists)]
    for per_items in (0, 1):
        content = avro_file(schema(2), rows, items_per_block=per_items)
        assert [ref.summaries for ref in decode_manifest_list(content).manifests] == [
            (Summary(False, b"\x01", b"\x02"), Summary(True, None, None)),
            None,
            (),
            (Summary(False, b"", b"z"), Summary(False, None, b"\xff" * 100)),
        ]


def test_counts_that_a_writer_left_out_are_unknown_not_zero() -> None:
    rows = [manifest(1, 1, added_files_count=(0, None)), manifest(1, 2, key_metadata=(1, b"k"))]
    found = decode_manifest_list(avro_file(schema(1), rows)).manifests
    assert [(ref.live, ref.encrypted) for ref in found] == [(None, False), (4, True)]


def test_a_snapshot_may_have_no_manifests() -> None:
    assert decode_manifest_list(container(schema(2), [])).manifests == ()


def test_a_list_cut_short_anywhere_is_an_error_not_a_shorter_list() -> None:
    content = avro_file(schema(2), [manifest(2, number) for number in range(20)], "deflate")
    nothing = len(container(schema(2), [], "deflate"))
    for length in range(len(content)):
        if length != nothing:
            with pytest.raises(Malformed):
                decode_manifest_list(content[:length])


def test_a_list_whose_records_do_not_fit_its_block_is_an_error() -> None:
    one, two = (encoded(schema(2), manifest(2, number)) for number in range(2))
    with pytest.raises(Malformed):
        decode_manifest_list(container(schema(2), [[one, two[:-1]]]))
    with pytest.raises(Malformed):
        decode_manifest_list(container(schema(2), [[one + two]]))

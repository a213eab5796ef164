"""Manifests become columns: the same entries that pyiceberg reads one by one."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from flightlake.lake.avro import Malformed
from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifests import Manifest
from tests.fix_avro import (
    CODECS,
    SYNC,
    avro_file,
    by_field,
    container,
    encoded,
    entry,
    field,
    manifest_schema,
    number,
    optional,
)
from tests.fix_manifests import entries_of, read_by_pyiceberg

PLACE = "s3://bucket/warehouse/t/data/"


def decoded(content: bytes) -> Manifest:
    (manifest,) = decode_manifests([content])
    return manifest


def some(schema: dict[str, Any], count: int = 7, **given: Any) -> list[dict[str, Any]]:
    return [
        entry(
            schema,
            f"{PLACE}{row:0{1 + 9 * (row % 3)}}.parquet",
            record_count=row * 1000,
            file_size_in_bytes=10 ** (row % 12),
            snapshot_id=2**62 + row,
            null_value_counts={1: row, 2: 0},
            lower_bounds={1: struct.pack("<q", row), 2: b"a" * row},
            upper_bounds={1: struct.pack("<q", row + 10), 2: b"b" * (200 * row)},
            **given,
        )
        for row in range(count)
    ]


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("codec", CODECS)
def test_manifests_of_each_version_and_codec_are_read(version: int, codec: str) -> None:
    schema = manifest_schema(version)
    plain = avro_file(schema, some(schema))
    expected = read_by_pyiceberg(plain)
    assert len(expected) == 7
    for per_block in (1, 3, 100):
        content = avro_file(schema, some(schema), codec, per_block)
        assert entries_of(decoded(content)) == expected


def test_arrays_in_several_blocks_that_tell_their_size_are_read() -> None:
    schema = manifest_schema(2)
    entries = some(schema, column_sizes={1: 5, 2: 6, 3: 7}, split_offsets=[4, 5, 6])
    content = avro_file(schema, entries, items_per_block=2)
    assert entries_of(decoded(content)) == entries_of(decoded(avro_file(schema, entries)))


def test_deleted_entries_are_left_out() -> None:
    schema = manifest_schema(2)
    entries = [entry | {"status": row % 3} for row, entry in enumerate(some(schema))]
    found = decoded(avro_file(schema, entries))
    assert entries_of(found) == read_by_pyiceberg(avro_file(schema, entries))
    assert len(found) == 5


def test_a_manifest_may_be_of_nothing() -> None:
    schema = manifest_schema(2)
    assert len(decoded(container(schema, []))) == 0
    gone = [entry | {"status": 2} for entry in some(schema)]
    assert len(decoded(avro_file(schema, gone))) == 0


@pytest.mark.parametrize("status", [-1, 3])
def test_a_status_that_there_is_not_is_an_error(status: int) -> None:
    schema = manifest_schema(2)
    entries = some(schema)
    entries[3]["status"] = status
    with pytest.raises(Malformed):
        decoded(avro_file(schema, entries))


@pytest.mark.parametrize("name", ["record_count", "file_size_in_bytes"])
def test_a_negative_size_is_an_error(name: str) -> None:
    schema = manifest_schema(2)
    with pytest.raises(Malformed):
        decoded(avro_file(schema, [entry(schema, PLACE, **{name: -1})]))


def test_own_sequence_numbers_and_those_of_the_manifest_are_told_apart() -> None:
    schema = manifest_schema(2)
    entries = [entry(schema, PLACE + "a"), entry(schema, PLACE + "b", sequence_number=7)]
    found = decoded(avro_file(schema, entries))
    assert [found.sequence(row, 9) for row in range(2)] == [9, 7]
    first = manifest_schema(1)
    assert decoded(avro_file(first, [entry(first, PLACE)])).sequence(0, 9) == 0


def test_files_in_two_buckets_and_with_names_of_any_length_are_found() -> None:
    schema = manifest_schema(2)
    paths = ["s3://one/a", "s3://two/b", "s3://one/" + "long/" * 4000, "file:/x", "/x/y", ""]
    found = decoded(avro_file(schema, [entry(schema, path) for path in paths]))
    assert found.paths.to_pylist() == paths


def test_paths_that_stand_in_bounds_are_not_taken_for_files() -> None:
    schema = manifest_schema(2)
    path_id = 2147483546
    entries = [
        entry(
            schema,
            f"{PLACE}{row}-deletes.parquet",
            content=1,
            record_count=1,
            lower_bounds={path_id: f"{PLACE}{row}.parquet\x0ePARQUET".encode()},
            upper_bounds={path_id: f"{PLACE}{row}.parquet".encode()},
            referenced_data_file=f"{PLACE}{row}.parquet",
            key_metadata=f"{PLACE}\x0ePARQUET".encode(),
        )
        for row in range(5)
    ]
    content = avro_file(schema, entries)
    assert entries_of(decoded(content)) == read_by_pyiceberg(content)


def test_delete_files_tell_what_they_are_about() -> None:
    schema = manifest_schema(3)
    entries = [
        entry(schema, PLACE + "1", content=2, equality_ids=[3, 1]),
        entry(schema, PLACE + "2", content=1),
        entry(
            schema,
            PLACE + "3",
            file_format="puffin",
            content=1,
            referenced_data_file=PLACE + "d",
            content_offset=4,
            content_size_in_bytes=99,
        ),
    ]
    found = decoded(avro_file(schema, entries))
    assert found.deletes is not None
    assert found.content.tolist() == [2, 1, 1]
    assert found.formats.to_pylist() == ["PARQUET", "PARQUET", "PUFFIN"]
    assert found.deletes.equality_ids == ((1, 3), (), ())
    assert found.deletes.referenced == (None, None, PLACE + "d")
    assert found.deletes.offsets == (None, None, 4)
    assert found.deletes.blob_sizes == (None, None, 99)


ODD: Sequence[tuple[Any, Any]] = [
    (["null", "int", "string"], (2, "text")),
    (["int", "string"], (1, "text")),
    ({"type": "map", "values": "string"}, {"a": "b", "c": "d"}),
    ({"type": "array", "items": {"type": "array", "items": "bytes"}}, [[b"a"], [], [b"b", b"c"]]),
    ({"type": "enum", "name": "e", "symbols": ["a", "b"]}, 1),
    ({"type": "fixed", "name": "f", "size": 5}, b"12345"),
    (
        ["null", {"type": "record", "name": "r", "fields": [field("x", 900, "boolean")]}],
        (1, {"x": 1}),
    ),
    ("double", 1.5),
    ("null", None),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd[0])[:30])
def test_fields_that_nobody_knows_are_skipped_by_their_type(odd: tuple[Any, Any]) -> None:
    kind, value = odd
    schema = manifest_schema(3, more=[{"name": "new", "type": kind, "field-id": 999}])
    plain = manifest_schema(3)
    file_type = next(of["type"] for of in schema["fields"] if of["name"] == "data_file")
    entries = some(schema)
    for row, made in enumerate(entries):
        file = dict(made["data_file"])
        file["new"] = value
        if isinstance(kind, list) and row % 2 and "null" in kind:
            file["new"] = (0, None)
        made["data_file"] = file
    assert any(of["name"] == "new" for of in file_type["fields"])
    expected = entries_of(decoded(avro_file(plain, some(plain))))
    assert entries_of(decoded(avro_file(schema, entries))) == expected
    # Also one record after the other, which is how they are read if guessing fails.
    entries[0]["data_file"]["file_path"] = "elsewhere"
    assert len(decoded(avro_file(schema, entries))) == len(entries)


def test_a_schema_that_contains_itself_is_an_error() -> None:
    node = {"type": "record", "name": "n", "fields": [{"name": "next", "type": ["null", "n"]}]}
    schema = manifest_schema(2, more=[{"name": "new", "type": node, "field-id": 999}])
    with pytest.raises(Malformed, match="itself"):
        decoded(container(schema, []))


def test_a_schema_without_paths_is_an_error() -> None:
    with pytest.raises(Malformed):
        decoded(container({"type": "record", "name": "x", "fields": []}, []))


def test_a_required_value_that_is_null_is_an_error() -> None:
    schema = manifest_schema(2)
    file_type = next(of["type"] for of in schema["fields"] if of["name"] == "data_file")
    for of in file_type["fields"]:
        if of["name"] == "record_count":
            of["type"] = ["null", "long"]
    made = entry(schema, PLACE)
    with pytest.raises(Malformed):
        decoded(avro_file(schema, [made]))


def test_a_path_that_is_no_text_is_an_error() -> None:
    schema = manifest_schema(2)
    content = avro_file(schema, [entry(schema, PLACE + "abc")])
    with pytest.raises(Malformed):
        decoded(content.replace(PLACE.encode() + b"abc", PLACE.encode() + b"a\xff\xfe"))


def records(schema: dict[str, Any], count: int) -> list[bytes]:
    return [encoded(schema, value) for value in some(schema, count)]


@pytest.mark.parametrize("said", [2, 4])
def test_another_number_of_records_than_the_file_says_is_an_error(said: int) -> None:
    schema = manifest_schema(2)
    block = b"".join(records(schema, 3))
    start = container(schema, []) + number(said) + number(len(block))
    with pytest.raises(Malformed):
        decoded(start + block + SYNC)


def test_a_record_that_goes_over_the_end_of_its_block_is_an_error() -> None:
    schema = manifest_schema(2)
    one, two = records(schema, 2)
    with pytest.raises(Malformed):
        decoded(container(schema, [[one + two[:5]], [two[5:]]]))
    assert len(decoded(container(schema, [[one], [two]]))) == 2


def test_manifests_read_together_are_those_read_alone_and_keep_memory_of_their_own() -> None:
    schemas = [
        manifest_schema(2),
        manifest_schema(1),
        manifest_schema(2, [optional("p", 1000, "int")]),
    ]
    contents = [
        avro_file(schema, [of | {"status": row % 3} for row, of in enumerate(some(schema, count))])
        for count, schema in ((1, schemas[0]), (9, schemas[1]), (30, schemas[0]), (3, schemas[0]))
    ]
    partitioned = [entry(schemas[2], PLACE, partition={"p": (1, row)}) for row in range(3)]
    contents += [avro_file(schemas[2], partitioned), container(schemas[0], [])]
    together = decode_manifests(contents)
    assert [entries_of(one) for one in together] == [entries_of(decoded(one)) for one in contents]
    assert together[0].nbytes < together[2].nbytes / 4
    assert together[0].paths.buffers()[2].size < 200
    assert together[0].lower.values.buffers()[2].size < 200


def test_bounds_of_one_column_are_found_whether_files_have_the_same_columns_or_not() -> None:
    schema = manifest_schema(2)
    same = decoded(avro_file(schema, some(schema, 3))).null_counts
    assert same.alike
    assert same.of(1).to_pylist() == [0, 1, 2]
    assert same.of(5).to_pylist() == [None] * 3
    counts = [{1: 5}, {2: 6, 1: 7}, None, {2: 8}, {1: 2**40}]
    other = decoded(
        avro_file(schema, [entry(schema, PLACE, null_value_counts=of) for of in counts])
    ).null_counts
    assert not other.alike
    assert other.of(1).to_pylist() == [5, 7, None, None, 2**40]
    assert other.of(2).to_pylist() == [None, 6, None, 8, None]
    assert np.asarray(other.lengths).tolist() == [1, 2, 0, 1, 1]


def test_a_map_keyed_by_field_is_never_taken_for_a_list_of_something_else() -> None:
    schema = manifest_schema(2)
    file_type = next(of["type"] for of in schema["fields"] if of["name"] == "data_file")
    for of in file_type["fields"]:
        if of["name"] == "lower_bounds":
            of["type"] = ["null", by_field(126, 127, "long")]
    with pytest.raises(Malformed):
        decoded(avro_file(schema, [entry(schema, PLACE, lower_bounds={1: 5})]))

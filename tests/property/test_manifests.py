"""Random manifests are read as pyiceberg reads them; damaged ones never as fewer files."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.lake.avro import Malformed, number_at
from flightlake.lake.listed_shapes import shape_of
from flightlake.lake.manifest_decoding import decode_manifests
from tests.fix_avro import SYNC, avro_file, encoded, entry, manifest_schema, number, optional
from tests.fix_manifests import entries_of, read_by_pyiceberg

LONG = st.integers(-(2**63), 2**63 - 1)
SIZE = st.integers(0, 2**40) | st.integers(0, 200)
PATHS = st.builds(
    lambda place, name: place + name,
    st.sampled_from(["s3://b/t/", "s3://other/t/", "file:/t/", "/t/", ""]),
    st.text(max_size=12) | st.text("a/", min_size=60, max_size=70),
)
# Bytes that look like what is searched for.
BYTES = st.binary(max_size=9) | st.sampled_from(
    [b"\x10s3://b/t/\x0ePARQUET", b"s3://b/t/x", b"\x02" * 8]
)
FIELD_IDS = st.integers(1, 4) | st.integers(0, 2**31 - 1)


def maps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    usual = st.fixed_dictionaries({1: values, 2: values})
    return st.none() | usual | st.dictionaries(FIELD_IDS, values, max_size=4)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a schema and entries."""
    version = draw(st.sampled_from([1, 2, 3]))
    kind, values = draw(
        st.sampled_from(
            [("long", LONG), ("string", st.text(max_size=5)), ("boolean", st.integers(0, 1))]
        )
    )
    schema = manifest_schema(version, [optional("p", 1000, kind)])
    fields = {
        "status": st.integers(0, 2),
        "snapshot_id": st.none() | LONG if version > 1 else LONG,
        "sequence_number": st.none() | st.integers(0, 2**40),
        "file_sequence_number": st.none() | st.integers(0, 2**40),
        "content": st.integers(0, 2),
        "file_format": st.sampled_from(["PARQUET", "parquet", "AVRO", "ORC", "PUFFIN"]),
        "partition": st.fixed_dictionaries(
            {"p": st.just((0, None)) | values.map(lambda value: (1, value))}
        ),
        "record_count": SIZE,
        "file_size_in_bytes": SIZE,
        "block_size_in_bytes": SIZE,
        "column_sizes": maps(LONG),
        "value_counts": maps(SIZE),
        "null_value_counts": maps(SIZE),
        "nan_value_counts": maps(SIZE),
        "lower_bounds": maps(BYTES),
        "upper_bounds": maps(BYTES),
        "key_metadata": st.none() | BYTES,
        "split_offsets": st.none() | st.lists(LONG, max_size=3),
        "equality_ids": st.none() | st.lists(st.integers(1, 9), max_size=3),
        "sort_order_id": st.none() | st.integers(0, 9),
        "first_row_id": st.none() | LONG,
        "referenced_data_file": st.none() | PATHS,
        "content_offset": st.none() | SIZE,
        "content_size_in_bytes": st.none() | SIZE,
    }
    each = st.tuples(PATHS, st.fixed_dictionaries(fields))
    given_ = draw(st.lists(each, min_size=1, max_size=8))
    return schema, [entry(schema, path, **fields) for path, fields in given_]


@settings(max_examples=100, deadline=None)
@given(
    manifest=manifests(),
    codec=st.sampled_from(["null", "deflate", "zstandard"]),
    per_block=st.integers(1, 4),
    items_per_block=st.integers(0, 2),
)
def test_a_manifest_is_read_as_pyiceberg_reads_it(
    manifest: tuple[dict[str, Any], list[dict[str, Any]]],
    codec: str,
    per_block: int,
    items_per_block: int,
) -> None:
    schema, entries = manifest
    content = avro_file(schema, entries, codec, per_block, items_per_block)
    plain = avro_file(schema, entries)
    one, other = decode_manifests([content, plain])
    assert entries_of(one) == entries_of(other) == read_by_pyiceberg(plain)


@settings(max_examples=200, deadline=None)
@given(manifest=manifests(), data=st.data())
def test_a_damaged_manifest_is_an_error_or_has_as_many_entries(
    manifest: tuple[dict[str, Any], list[dict[str, Any]]], data: st.DataObject
) -> None:
    schema, entries = manifest
    entries = [made | {"status": 1} for made in entries]
    records = [encoded(schema, made) for made in entries]
    payload = bytearray(b"".join(records))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        change = data.draw(st.sampled_from(["flip", "drop", "double"]))
        if change == "flip":
            payload[at] ^= data.draw(st.integers(1, 255))
        elif change == "drop":
            del payload[at : at + data.draw(st.integers(1, 20))]
            payload = payload or bytearray(1)
        else:
            payload[at:at] = payload[at : at + data.draw(st.integers(1, 20))]
    content = avro_file(schema, []) + number(len(records)) + number(len(payload)) + payload + SYNC
    try:
        (found,) = decode_manifests([bytes(content)])
    except Malformed:
        return
    # A status may have been damaged, too: what the manifest list says of live files is held
    # against them by who reads the manifest.
    damaged = [made for made in statuses(schema, bytes(payload), len(records)) if made == 2]
    assert len(found) == len(records) - len(damaged)


def statuses(schema: dict[str, Any], payload: bytes, count: int) -> list[int]:
    """Return the statuses of entries, read one after the other."""
    shape, at, found = shape_of(schema), 0, []
    for _ in range(count):
        found.append(number_at(payload, at)[0])
        at = shape.pass_one(payload, at)
    return found

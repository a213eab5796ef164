"""Every manifest of the corpus is decoded to the entries that pyiceberg reads in it."""

import json

import pytest

from flightlake.lake.avro import opened
from flightlake.lake.manifest_decoding import decode_manifests
from flightlake.lake.manifest_lists import decode_manifest_list
from tests.corpus import place
from tests.fix_manifests import entries_of, list_read_by_pyiceberg, read_by_pyiceberg


@pytest.fixture(scope="module")
def metadata() -> tuple[list[bytes], list[bytes]]:
    """The content of all manifest lists, and of all manifests."""
    with place.held():
        place.unpack()
        contents = [
            path.read_bytes()
            for path in sorted(place.WAREHOUSE.rglob("*.avro"))
            # What Java writes there is not what Avro says, and pyiceberg does not read it.
            if "fixed_of_java_identity" not in path.parts or path.name.startswith("snap-")
        ]
    # There are delete files in Avro, too.
    return (
        [content for content in contents if 500 in _field_ids(content)],
        [content for content in contents if 0 in _field_ids(content)],
    )


def _field_ids(content: bytes) -> set[int]:
    return {field.get("field-id") for field in json.loads(opened(content).schema)["fields"]}


def test_the_manifests_have_the_entries_that_pyiceberg_reads(
    metadata: tuple[list[bytes], list[bytes]],
) -> None:
    _, manifests = metadata
    assert len(manifests) > 1_000
    expected = [read_by_pyiceberg(content) for content in manifests]
    alone = [entries_of(decode_manifests([content])[0]) for content in manifests]
    assert [number for number in range(len(manifests)) if alone[number] != expected[number]] == []
    assert [entries_of(manifest) for manifest in decode_manifests(manifests)] == expected


def test_the_manifest_lists_have_the_manifests_that_pyiceberg_reads(
    metadata: tuple[list[bytes], list[bytes]],
) -> None:
    lists, _ = metadata
    assert len(lists) > 1_000
    for content in lists:
        assert list(decode_manifest_list(content).manifests) == list_read_by_pyiceberg(content)

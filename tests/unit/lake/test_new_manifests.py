"""Manifests and lists are those of the library, byte by byte, but for the mark between blocks."""

from pathlib import Path
from typing import Any

import pytest
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestEntry,
    ManifestFile,
    ManifestWriter,
    PartitionFieldSummary,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.transforms import BucketTransform, IdentityTransform, MonthTransform
from pyiceberg.typedef import Record
from pyiceberg.types import DateType, DecimalType, LongType, NestedField, StringType

from flightlake.errors import DamagedData
from flightlake.lake.listed_manifests import keep, listed
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.new_manifests import Manifest, write_list
from flightlake.lake.stores import StoreSettings

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "day", DateType(), required=False),
    NestedField(3, "name", StringType(), required=False),
    NestedField(4, "price", DecimalType(20, 2), required=False),
)
CUTS: list[tuple[PartitionSpec, Record]] = [
    (UNPARTITIONED_PARTITION_SPEC, Record()),
    (PartitionSpec(PartitionField(2, 1000, MonthTransform(), "day_month"), spec_id=1), Record(640)),
    (
        PartitionSpec(
            PartitionField(3, 1000, IdentityTransform(), "odd name-1"),
            PartitionField(1, 1001, BucketTransform(16), "id_bucket"),
            PartitionField(4, 1002, IdentityTransform(), "price"),
            spec_id=2,
        ),
        Record("Ångström", 7, None),
    ),
    # The same names and ids, of another type.
    (
        PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "day_month"), spec_id=3),
        Record(5),
    ),
]


@pytest.fixture
def files(tmp_path: Path) -> StoreFiles:
    return StoreFiles(StoreSettings("file", ""), f"table {tmp_path.name}")


def data_file(partition: Record, spec: PartitionSpec, rows: int) -> DataFile:
    made = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"file:///data/{rows}.parquet",
        file_format=FileFormat.PARQUET,
        partition=partition,
        record_count=rows,
        file_size_in_bytes=1000 + rows,
        column_sizes={1: 40, 3: 70},
        value_counts={1: rows, 3: rows},
        null_value_counts={3: 2},
        nan_value_counts={},
        lower_bounds={1: b"\x01" + b"\0" * 7, 3: b"a"},
        upper_bounds={1: b"\x07" + b"\0" * 7, 3: b"z"},
        split_offsets=[4, 900],
    )
    made.spec_id = spec.spec_id
    return made


def fill(writer: ManifestWriter, spec: PartitionSpec, partition: Record) -> ManifestFile:
    with writer:
        writer.add(ManifestEntry.from_args(data_file=data_file(partition, spec, 10)))
        for rows, put in ((11, writer.existing), (12, writer.delete)):
            entry = ManifestEntry.from_args(
                snapshot_id=3,
                sequence_number=2,
                file_sequence_number=2,
                data_file=data_file(partition, spec, rows),
            )
            put(entry)
    return writer.to_manifest_file()


def without_mark(path: Path) -> bytes:
    content = path.read_bytes()
    return content.replace(content[-16:], b"")


@pytest.mark.parametrize(("spec", "partition"), CUTS)
def test_a_manifest_is_that_of_the_library(
    spec: PartitionSpec, partition: Record, files: StoreFiles, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.avro", tmp_path / "their.avro"
    for _ in range(2):  # what is remembered from the first is used for the second
        mine = fill(Manifest(spec, SCHEMA, files.new_output(f"file://{ours}"), 9), spec, partition)
        other = write_manifest(2, spec, SCHEMA, files.new_output(f"file://{theirs}"), 9, "deflate")
        wanted = fill(other, spec, partition)
        assert without_mark(ours) == without_mark(theirs)
        assert told(mine)[2:] == told(wanted)[2:]
        assert mine.manifest_length == ours.stat().st_size
        assert mine.fetch_manifest_entry(
            files, discard_deleted=False
        ) == wanted.fetch_manifest_entry(files, discard_deleted=False)


@pytest.mark.parametrize("parent", [None, 8])
def test_a_list_is_that_of_the_library(
    parent: int | None, files: StoreFiles, tmp_path: Path
) -> None:
    spec, partition = CUTS[2]
    manifest = tmp_path / "m.avro"
    made = fill(Manifest(spec, SCHEMA, files.new_output(f"file://{manifest}"), 9), spec, partition)
    older = ManifestFile.from_args(**{**named(made), "added_snapshot_id": 3, "sequence_number": 2})
    ours, theirs = tmp_path / "ours.avro", tmp_path / "their.avro"
    found = write_list(files.new_output(f"file://{ours}"), 9, parent, 4, [older, made])
    with write_manifest_list(
        2, files.new_output(f"file://{theirs}"), 9, parent, 4, "deflate"
    ) as writer:
        writer.add_manifests([older, made])
    assert without_mark(ours) == without_mark(theirs)
    assert [one.sequence_number for one in found] == [2, 4]
    assert [one.min_sequence_number for one in found] == [2, 2]


def test_what_was_listed_is_what_is_read(files: StoreFiles, tmp_path: Path) -> None:
    spec, partition = CUTS[1]
    output = files.new_output(f"file://{tmp_path / 'm.avro'}")
    made = fill(Manifest(spec, SCHEMA, output, 9), spec, partition)
    path = f"file://{tmp_path / 'list.avro'}"
    found = write_list(files.new_output(path), 9, None, 4, [made])
    snapshot = snapshot_of(path)
    read = listed(snapshot, files)
    assert list(map(told, read)) == list(map(told, found))
    keep(path, files, found)
    assert listed(snapshot, files) == list(found)
    assert listed(None, files) == []


def test_what_another_list_says_of_a_manifest_is_not_believed(
    files: StoreFiles, tmp_path: Path
) -> None:
    spec, partition = CUTS[1]
    output = files.new_output(f"file://{tmp_path / 'm.avro'}")
    made = fill(Manifest(spec, SCHEMA, output, 9), spec, partition)
    empty = {"added_files_count": 0, "existing_files_count": 0, "min_sequence_number": 1}
    wrong = ManifestFile.from_args(**{**named(made), **empty, "sequence_number": 7})
    lists = [f"file://{tmp_path / name}.avro" for name in ("wrong", "right")]
    for path, manifest in zip(lists, (wrong, made), strict=True):
        write_list(files.new_output(path), 9, None, 4, [manifest])
    found = [told(listed(snapshot_of(path), files)[0]) for path in lists]
    assert found[0] == told(wrong)
    assert found[1] == [*told(made)[:4], 4, *told(made)[5:]]


def test_lists_that_tell_of_long_values_are_not_kept_beyond_the_bound(
    files: StoreFiles, tmp_path: Path
) -> None:
    spec, partition = CUTS[1]
    output = files.new_output(f"file://{tmp_path / 'm.avro'}")
    made = fill(Manifest(spec, SCHEMA, output, 9), spec, partition)
    for size, kept in ((1 << 10, True), (30 << 20, False)):
        summary = PartitionFieldSummary(False, False, b"a", b"b" * size)
        wide = ManifestFile.from_args(**{**named(made), "partitions": [summary]})
        path = f"file://{tmp_path / str(size)}"  # where nothing is
        keep(path, files, [wide])
        if kept:
            assert listed(snapshot_of(path), files) == [wide]
        else:
            with pytest.raises(DamagedData):
                listed(snapshot_of(path), files)


def snapshot_of(path: str) -> Snapshot:
    return Snapshot.model_validate(
        {
            "snapshot-id": 9,
            "timestamp-ms": 1,
            "manifest-list": path,
            "summary": Summary(Operation.APPEND),
        }
    )


def named(manifest: ManifestFile) -> dict[str, Any]:
    names = (
        "manifest_path", "manifest_length", "partition_spec_id", "content", "sequence_number",
        "min_sequence_number", "added_snapshot_id", "added_files_count", "existing_files_count",
        "deleted_files_count", "added_rows_count", "existing_rows_count", "deleted_rows_count",
        "partitions", "key_metadata",
    )  # fmt: skip
    return {name: getattr(manifest, name) for name in names}


def told(manifest: ManifestFile) -> list[Any]:
    return list(named(manifest).values())

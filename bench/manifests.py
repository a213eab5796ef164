"""A table of very many data files, of which almost all exist in its metadata only.

The manifests are written by pyiceberg's writer, in blocks as large as those of Iceberg's Java
library.  Files are in the order of ``id`` and of ``at``: 1,000 rows each, 50 files to a day.
"""

import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from bench.data import ROOT, Lakehouse, kept

MANIFESTS = 500
FILES_PER_MANIFEST = 200
FILES = MANIFESTS * FILES_PER_MANIFEST
ROWS_PER_FILE = 1_000
FILES_PER_DAY = 50
REAL = range(0, FILES, 5_003)
"""The numbers of the files that exist."""
REGIONS = ("africa", "americas", "asia", "europe", "oceania")
_BLOCK = 100
_FIRST_DAY = (date(2020, 1, 1) - date(1970, 1, 1)).days
_DAY = 86_400_000_000

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "at", TimestamptzType(), required=True),
    NestedField(3, "day", DateType(), required=True),
    NestedField(4, "customer", IntegerType()),
    NestedField(5, "region", StringType(), required=True),
    NestedField(6, "kind", StringType()),
    NestedField(7, "amount", DoubleType()),
    NestedField(8, "price", DecimalType(12, 2)),
    NestedField(9, "note", StringType()),
    NestedField(10, "returned", BooleanType()),
)
SPEC = PartitionSpec(
    PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="at_day"),
    PartitionField(source_id=5, field_id=1001, transform=IdentityTransform(), name="region"),
)


def many_manifests_lakehouse(report: Callable[[str], None]) -> Lakehouse:
    """Return a table ``events`` of 100,000 data files, of which only ``REAL`` exist."""
    return kept(Lakehouse(ROOT / f"manifests-{FILES}", "many"), _write, report)


def rows(file: int) -> pa.Table:
    """Return the rows of the file with number *file*."""
    types = schema_to_pyarrow(SCHEMA)
    ids = np.arange(file * ROWS_PER_FILE, (file + 1) * ROWS_PER_FILE)
    moments = _FIRST_DAY * _DAY + ids * (_DAY // (ROWS_PER_FILE * FILES_PER_DAY))
    columns: dict[str, Any] = {
        "id": ids,
        "at": pa.array(moments, pa.timestamp("us", "UTC")),
        "day": pa.array((moments // _DAY).astype(np.int32), pa.date32()),
        "customer": (ids % 10_007).astype(np.int32),
        "region": [REGIONS[file % len(REGIONS)]] * ROWS_PER_FILE,
        "kind": pa.array(["click", "order", "view"]).take(pa.array(ids % 3)),
        "amount": ids / 100,
        "price": pa.array(ids % 1_000_000)
        .cast(pa.decimal128(21, 2))
        .cast(types.field("price").type),
        "note": pa.array(ids).cast(pa.string()),
        "returned": ids % 7 == 0,
    }
    return pa.table([columns[member.name] for member in types], schema=types)


def _write(lakehouse: Lakehouse) -> None:
    catalog = lakehouse.catalog()
    try:
        table = catalog.create_table(
            (lakehouse.db_schema, "events"), schema=SCHEMA, partition_spec=SPEC
        )
        snapshot_id = uuid.uuid4().int % 2**62
        sizes = {number: _write_file(table, number) for number in REAL}
        manifests = [_manifest(table, snapshot_id, number, sizes) for number in range(MANIFESTS)]
        _commit(catalog, table, snapshot_id, manifests)
    finally:
        catalog.close()


class _Writer(ManifestWriterV2):
    """Writes whole blocks, where pyiceberg's own makes one of each entry."""

    def add_all(self, entries: Sequence[ManifestEntry]) -> None:
        self._added_files += len(entries)
        self._added_rows += sum(entry.data_file.record_count for entry in entries)
        self._partitions += [entry.data_file.partition for entry in entries]
        for start in range(0, len(entries), _BLOCK):
            block = entries[start : start + _BLOCK]
            self._writer.write_block([self.prepare_entry(entry) for entry in block])


def _manifest(table: Table, snapshot_id: int, number: int, sizes: dict[int, int]) -> ManifestFile:
    output = table.io.new_output(f"{table.location()}/metadata/{uuid.uuid4()}-m{number}.avro")
    with _Writer(table.spec(), table.schema(), output, snapshot_id, "gzip") as writer:
        writer.add_all(list(_entries(table, snapshot_id, number, sizes)))
    return writer.to_manifest_file()


def _entries(
    table: Table, snapshot_id: int, manifest: int, sizes: dict[int, int]
) -> Iterator[ManifestEntry]:
    first = manifest * FILES_PER_MANIFEST
    for file in range(first, first + FILES_PER_MANIFEST):
        made = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=_path(table, file),
            file_format=FileFormat.PARQUET,
            partition=Record(_FIRST_DAY + file // FILES_PER_DAY, REGIONS[file % len(REGIONS)]),
            record_count=ROWS_PER_FILE,
            file_size_in_bytes=sizes.get(file, 40_000 + file % 1_000),
            column_sizes={field.field_id: 3_000 + file % 1_000 for field in SCHEMA.fields},
            value_counts=dict.fromkeys((field.field_id for field in SCHEMA.fields), ROWS_PER_FILE),
            null_value_counts=dict.fromkeys((field.field_id for field in SCHEMA.fields), 0),
            nan_value_counts={7: 0},
            lower_bounds=_bounds(file, 0),
            upper_bounds=_bounds(file, ROWS_PER_FILE - 1),
            split_offsets=[4],
            sort_order_id=0,
        )
        made.spec_id = 0
        yield ManifestEntry.from_args(
            status=ManifestEntryStatus.ADDED,
            snapshot_id=snapshot_id,
            sequence_number=None,
            data_file=made,
        )


def _bounds(file: int, row: int) -> dict[int, bytes]:
    """Return bounds that enclose the rows of ``rows(file)``, and are exact where it matters."""
    id_ = file * ROWS_PER_FILE + row
    moment = _FIRST_DAY * _DAY + id_ * (_DAY // (ROWS_PER_FILE * FILES_PER_DAY))
    return {
        1: struct.pack("<q", id_),
        2: struct.pack("<q", moment),
        3: struct.pack("<i", moment // _DAY),
        4: struct.pack("<i", 10_006 if row else 0),
        5: REGIONS[file % len(REGIONS)].encode(),
        6: b"view" if row else b"click",
        7: struct.pack("<d", id_ / 100),
        8: (99_999_999 if row else 0).to_bytes(5, "big"),
        9: b"999999999" if row else b"0",
        10: b"\x01" if row else b"\x00",
    }


def _path(table: Table, file: int) -> str:
    day = date.fromordinal(date(2020, 1, 1).toordinal() + file // FILES_PER_DAY)
    folder = f"at_day={day}/region={REGIONS[file % len(REGIONS)]}"
    name = uuid.uuid5(uuid.NAMESPACE_OID, str(file))
    return f"{table.location()}/data/{folder}/{file:05}-{name}.parquet"


def _write_file(table: Table, file: int) -> int:
    sink = pa.BufferOutputStream()
    pq.write_table(rows(file), sink)
    content = sink.getvalue().to_pybytes()
    with table.io.new_output(_path(table, file)).create() as output:
        output.write(content)
    return len(content)


def _commit(
    catalog: Catalog, table: Table, snapshot_id: int, manifests: Sequence[ManifestFile]
) -> None:
    location = f"{table.location()}/metadata/snap-{snapshot_id}.avro"
    with write_manifest_list(
        2, table.io.new_output(location), snapshot_id, None, 1, "gzip"
    ) as listing:
        listing.add_manifests(list(manifests))
    snapshot = Snapshot(
        snapshot_id=snapshot_id,
        parent_snapshot_id=None,
        sequence_number=1,
        timestamp_ms=int(datetime.now(UTC).timestamp() * 1000),
        manifest_list=location,
        summary=Summary(Operation.APPEND, **{"total-data-files": str(FILES)}),
        schema_id=0,
    )
    reference = SetSnapshotRefUpdate(
        ref_name="main", type=SnapshotRefType.BRANCH, snapshot_id=snapshot_id
    )
    catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot), reference))

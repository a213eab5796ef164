"""Tables of every type under every transform, full of values that pruning could get wrong."""

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    VoidTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.blobs import key_in
from flightlake.lake.predicates import Anything
from flightlake.lake.table import IcebergTable
from tests.fix_catalogs import Lake, sqlite_lake

APPENDS = 4
ROWS = 6

Values = Callable[[random.Random], Any]


def _moment(source: random.Random) -> datetime:
    start = datetime(1969, 12, 30)
    return source.choice(
        [
            datetime(1970, 1, 1),
            datetime(1969, 12, 31, 23, 59, 59, 999999),
            start + timedelta(microseconds=source.randrange(4 * 86400 * 10**6)),
            datetime(1900, 1, 1) + timedelta(hours=source.randrange(2_000_000)),
        ]
    )


def _text(source: random.Random) -> str:
    alphabet = source.choice(["ab", "aé日🙂", "\U0010ffff\uffffz", " %/=#"])
    long = "a common start that is longer than any bound " if source.random() < 0.3 else ""
    return long + "".join(source.choices(alphabet, k=source.randrange(5)))


VALUES: Mapping[IcebergType, Values] = {
    BooleanType(): lambda source: source.random() < 0.5,
    IntegerType(): lambda source: source.choice([0, -1, 1, 2**31 - 1, -(2**31), 5, 23, -17]),
    LongType(): lambda source: source.choice([0, -1, 2**63 - 1, -(2**63), 7, 1000, -55]),
    FloatType(): lambda source: source.choice([0.0, -0.0, 1.5, -2.5, float("nan"), float("inf")]),
    DoubleType(): lambda source: source.choice([0.0, -0.0, 1.1, -2.2, float("nan"), -float("inf")]),
    DecimalType(9, 2): lambda source: Decimal(source.randrange(-999, 999)).scaleb(-2),
    # From text: arithmetic would round to Python's 28 digits.
    DecimalType(38, 10): lambda source: Decimal(f"{source.randrange(-(10**37), 10**37)}e-10"),
    DateType(): lambda source: date(1969, 12, 25) + timedelta(days=source.randrange(-400, 30)),
    TimeType(): lambda source: time(source.randrange(24), source.randrange(60), 1, 2),
    TimestampType(): _moment,
    TimestamptzType(): lambda source: _moment(source).replace(tzinfo=UTC),
    StringType(): _text,
    BinaryType(): lambda source: bytes(
        source.choices([0, 1, 127, 128, 255], k=source.randrange(20))
    ),
    FixedType(4): lambda source: bytes(source.choices([0, 127, 128, 255], k=4)),
    UUIDType(): lambda source: uuid.UUID(int=source.choice([0, 1, 2**127, 2**128 - 1])).bytes,
}

_DATED = [YearTransform(), MonthTransform(), DayTransform()]
_BUCKET: list[Transform[Any, Any]] = [BucketTransform(3)]
# What pyiceberg can write; None is a table without partitions.
TRANSFORMS: Mapping[IcebergType, Sequence[Transform[Any, Any] | None]] = {
    BooleanType(): [None, IdentityTransform()],
    IntegerType(): [None, IdentityTransform(), TruncateTransform(10), *_BUCKET, VoidTransform()],
    LongType(): [None, IdentityTransform(), TruncateTransform(100), *_BUCKET],
    FloatType(): [None, IdentityTransform()],
    DoubleType(): [None, IdentityTransform()],
    DecimalType(9, 2): [None, IdentityTransform(), TruncateTransform(50), *_BUCKET],
    DecimalType(38, 10): [None, IdentityTransform(), TruncateTransform(10**6), *_BUCKET],
    DateType(): [None, IdentityTransform(), *_DATED, *_BUCKET],
    TimeType(): [None, IdentityTransform()],
    TimestampType(): [None, IdentityTransform(), *_DATED, HourTransform(), *_BUCKET],
    TimestamptzType(): [None, IdentityTransform(), *_DATED, HourTransform(), *_BUCKET],
    StringType(): [None, IdentityTransform(), TruncateTransform(2), *_BUCKET],
    BinaryType(): [None, IdentityTransform(), TruncateTransform(2), *_BUCKET],
    FixedType(4): [None, IdentityTransform(), *_BUCKET],
    UUIDType(): [None, IdentityTransform(), *_BUCKET],
}


@dataclass(frozen=True)
class Content:
    """A table, and its rows with the path of the file each is in (column ``file``)."""

    name: str
    table: IcebergTable
    rows: pa.Table

    @property
    def values(self) -> list[pa.Scalar]:
        """The values of column ``v`` that are not null."""
        return [value for value in self.rows["v"] if value.is_valid]


def random_values(kind: IcebergType, count: int, source: random.Random) -> list[Any]:
    """Return values for a file: some are null, and now and then all are, or all are one."""
    style = source.random()
    if style < 0.1:
        return [None] * count
    if style < 0.3:
        return [VALUES[kind](source)] * count
    return [VALUES[kind](source) if source.random() < 0.85 else None for _ in range(count)]


def write(lake: Lake, name: str, kind: IcebergType, transform: Transform[Any, Any] | None) -> None:
    """Write a table with the columns ``id`` and ``v``, the latter partitioned by."""
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "v", kind))
    spec = (
        UNPARTITIONED_PARTITION_SPEC
        if transform is None
        else PartitionSpec(PartitionField(2, 1000, transform, "p"))
    )
    table = lake.create(name, schema, partition_spec=spec)
    source = random.Random(name)  # noqa: S311 - the same tables each time
    for number in range(APPENDS):
        made = rows(kind, number, source)
        if transform is not None and pa.types.is_floating(made["v"].type):
            # pyiceberg cannot write a partition of NaN.
            made = made.filter(pc.invert(pc.fill_null(pc.is_nan(made["v"]), False)))
        table.append(made)


def rows(kind: IcebergType, number: int, source: random.Random) -> pa.Table:
    """Return the rows of one append."""
    arrow = pa.schema([("id", pa.int64()), ("v", arrow_type(kind))])
    ids = list(range(number * ROWS, (number + 1) * ROWS))
    return pa.table({"id": ids, "v": random_values(kind, ROWS, source)}, schema=arrow)


def content(name: str, table: IcebergTable) -> Content:
    """Return *table* with all its rows, read file by file without any planning of ours."""
    parts = []
    for file in table.plan_files(Anything()).files:
        read = pq.ParquetFile(key_in(table.store, file.path)).read()
        read = read.select(table.schema.names).cast(table.schema)
        parts.append(read.append_column("file", pa.array([file.path] * len(read), pa.string())))
    return Content(name, table, pa.concat_tables(parts))


@cache
def contents(folder: Path) -> dict[str, Content]:
    """Return a table for every type and transform, by name; made once."""
    lake = sqlite_lake(folder)
    for kind, transforms in TRANSFORMS.items():
        for transform in transforms:
            write(lake, f"{kind} {transform}", kind, transform)
    _evolved(lake)
    catalog = lake.open()
    return {
        name: content(name, catalog.load(lake.root, name)) for name in catalog.tables(lake.root)
    }


def _evolved(lake: Lake) -> None:
    """Write tables whose partition spec, or type, changed between two appends."""
    source = random.Random("evolved")  # noqa: S311 - the same tables each time
    specs: Mapping[IcebergType, Sequence[Transform[Any, Any]]] = {
        StringType(): [BucketTransform(3), TruncateTransform(1), IdentityTransform()],
        TimestampType(): [YearTransform(), DayTransform(), BucketTransform(2)],
        LongType(): [IdentityTransform(), TruncateTransform(10), BucketTransform(4)],
    }
    for kind, transforms in specs.items():
        name = f"{kind} evolved"
        write(lake, name, kind, transforms[0])
        table = lake.writer.load_table((lake.root, name))
        for number, transform in enumerate(transforms[1:], start=APPENDS):
            with table.update_spec() as change:
                change.remove_field(table.spec().fields[0].name)
                change.add_field("v", transform, f"p{number}")
            table.append(rows(kind, number, source))
    widened: Mapping[IcebergType, IcebergType] = {
        IntegerType(): LongType(),
        FloatType(): DoubleType(),
        DecimalType(9, 2): DecimalType(20, 2),
    }
    for kind, wider in widened.items():
        name = f"{kind} widened"
        write(lake, name, kind, None)
        table = lake.writer.load_table((lake.root, name))
        with table.update_schema() as change:
            change.update_column("v", field_type=wider)
        table.append(rows(kind, APPENDS, source).cast(table.schema().as_arrow()))

"""Tables that pyiceberg writes."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import EqualTo, GreaterThan
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
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
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from tests.corpus.place import NAMESPACE, WAREHOUSE
from tests.corpus.writers.recipe import Recipe, recipe
from tests.corpus.writers.workshop import Workshop

Steps = Callable[[Table], object]

_UTC = dt.UTC
_VALUES: dict[str, tuple[IcebergType, list[Any]]] = {
    "boolean": (BooleanType(), [True, False, None]),
    "int": (IntegerType(), [0, -1, 2**31 - 1, -(2**31), None]),
    "long": (LongType(), [0, -1, 2**63 - 1, -(2**63), None]),
    "float": (FloatType(), [0.5, float("nan"), -0.0, float("inf"), None]),
    "double": (DoubleType(), [0.5, float("nan"), -0.0, float("-inf"), None]),
    "decimal": (DecimalType(9, 2), [decimal.Decimal("1.25"), decimal.Decimal("-9999999.98"), None]),
    "wide_decimal": (DecimalType(38, 5), [decimal.Decimal("-1.5"), decimal.Decimal(10**30), None]),
    "date": (DateType(), [dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(9999, 12, 31), None]),
    "time": (TimeType(), [dt.time(0), dt.time(23, 59, 59, 999999), None]),
    "timestamp": (
        TimestampType(),
        [dt.datetime(1970, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), None],
    ),
    "timestamptz": (
        TimestamptzType(),
        [dt.datetime(2024, 2, 29, tzinfo=_UTC), dt.datetime(1900, 1, 1, tzinfo=_UTC), None],
    ),
    "string": (StringType(), ["", "a b%c#d", "日本語", "x=y/z", None]),
    "binary": (BinaryType(), [b"", b"\x00\xff", b"abcdef", None]),
    "fixed": (FixedType(4), [b"\x00\x00\x00\x00", b"abcd", b"\xff\xff\xff\xff", None]),
    "uuid": (UUIDType(), [uuid.UUID(int=0).bytes, uuid.UUID(int=2**128 - 1).bytes, None]),
}
_PARTITIONS: dict[str, tuple[Transform[Any, Any], tuple[str, ...]]] = {
    "identity": (IdentityTransform(), tuple("boolean int decimal date string time".split())),
    "bucket": (BucketTransform(4), tuple("long string uuid date timestamp decimal fixed".split())),
    "truncate": (TruncateTransform(3), ("int", "string", "wide_decimal")),
    "year": (YearTransform(), ("date", "timestamptz")),
    "month": (MonthTransform(), ("date", "timestamp")),
    "day": (DayTransform(), ("date", "timestamptz")),
    "hour": (HourTransform(), ("timestamp",)),
    "void": (VoidTransform(), ("string",)),
}  # fmt: skip
PLAIN = pa.schema(
    [("id", pa.int64()), ("grp", pa.string()), ("v", pa.float64()), ("day", pa.date32())]
)


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_types(), *_operations()]


def written(
    schema: Schema | pa.Schema,
    *steps: Steps,
    spec: PartitionSpec | None = None,
    version: int = 2,
    **properties: str,
) -> Callable[[Workshop, str], None]:
    def make(workshop: Workshop, name: str) -> None:
        catalog = workshop.pyiceberg
        if catalog.table_exists((NAMESPACE, name)):
            catalog.drop_table((NAMESPACE, name))
        table = catalog.create_table(
            (NAMESPACE, name),
            schema,
            location=f"file://{WAREHOUSE}/{NAMESPACE}/{name}",
            properties={"format-version": str(version), **properties},
            **({} if spec is None else {"partition_spec": spec}),
        )
        for step in steps:
            step(table)
            table.refresh()
        workshop.register(name, table.metadata_location)

    return make


def by_pyiceberg(
    name: str, features: str, make: Callable[[Workshop, str], None], reader: str = "spark"
) -> Recipe:
    return recipe(name, f"pyiceberg {features}", make, writer="pyiceberg", reader=reader)


def _schema(kind: IcebergType) -> Schema:
    return Schema(NestedField(1, "id", LongType()), NestedField(2, "c", kind))


def _append(start: int, values: list[Any]) -> Steps:
    def step(table: Table) -> None:
        ids = list(range(start, start + len(values)))
        table.append(pa.table({"id": ids, "c": values}, schema=table.schema().as_arrow()))

    return step


def _types() -> Iterator[Recipe]:
    for number, (word, (kind, values)) in enumerate(_VALUES.items()):
        version = number % 2 + 1
        reader = "java" if word == "time" else "spark"
        make = written(
            _schema(kind), _append(0, values), _append(50, values[::-1]), version=version
        )
        yield by_pyiceberg(f"py_{word}", f"types v{version}", make, reader)
    for by, (transform, words) in _PARTITIONS.items():
        for number, word in enumerate(words):
            kind, values = _VALUES[word]
            spec = PartitionSpec(PartitionField(2, 1000, transform, f"c_{by}"))
            version = number % 2 + 1
            steps = (_append(0, values), _append(50, values))
            make = written(_schema(kind), *steps, spec=spec, version=version)
            reader = "java" if word == "time" else "spark"
            yield by_pyiceberg(
                f"py_{word}_by_{by}", f"types partition-{by} v{version}", make, reader
            )
    nested = Schema(
        NestedField(1, "id", LongType()),
        NestedField(
            2,
            "s",
            StructType(NestedField(3, "a", IntegerType()), NestedField(4, "b", StringType())),
        ),
        NestedField(5, "l", ListType(6, StringType(), element_required=False)),
        NestedField(7, "m", MapType(8, StringType(), 9, LongType(), value_required=False)),
    )

    def rows(table: Table) -> None:
        data = [
            {"id": 1, "s": {"a": 1, "b": "x"}, "l": ["p", None], "m": {"k": 1, "n": None}},
            {"id": 2, "s": None, "l": None, "m": None},
            {"id": 3, "s": {"a": None, "b": None}, "l": [], "m": {}},
        ]
        table.append(pa.Table.from_pylist(data, schema=table.schema().as_arrow()))

    yield by_pyiceberg("py_nested", "nested v2", written(nested, rows))

    def widen(table: Table) -> None:
        with table.update_schema() as update:
            update.add_column(("s", "c"), DoubleType())
            update.rename_column("s.a", "aa")

    yield by_pyiceberg(
        "py_nested_evolved", "nested schema-evolution v2", written(nested, rows, widen)
    )


def plain(start: int, end: int) -> Steps:
    def step(table: Table) -> None:
        ids = list(range(start, end))
        columns = {
            "id": ids,
            "grp": [f"g{number % 3}" for number in ids],
            "v": [number * 1.5 for number in ids],
            "day": [dt.date(2024, 1, 1 + number % 5) for number in ids],
        }
        table.append(pa.table(columns, schema=PLAIN))

    return step


def _rows(*ids: int) -> pa.Table:
    columns = {
        "id": list(ids),
        "grp": ["new"] * len(ids),
        "v": [0.25] * len(ids),
        "day": [None] * len(ids),
    }
    return pa.table(columns, schema=PLAIN)


def evolve(table: Table) -> None:
    with table.update_schema() as update:
        update.rename_column("v", "w")
        update.add_column("extra", StringType())
        update.move_first("grp")


def _drop(table: Table) -> None:
    with table.update_schema() as update:
        update.delete_column("grp")


def _again(table: Table) -> None:
    with table.update_schema() as update:
        update.add_column("grp", LongType())


def _respec(table: Table) -> None:
    with table.update_spec() as update:
        update.add_field("grp", "identity", "by_grp")


def _tagged(table: Table) -> None:
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_tag(snapshot.snapshot_id, "marked").commit()
    table.manage_snapshots().create_branch(snapshot.snapshot_id, "side").commit()


def _by_group(schema_id: int = 2) -> PartitionSpec:
    return PartitionSpec(PartitionField(schema_id, 1000, IdentityTransform(), "grp"))


def _overwrite_group(table: Table) -> None:
    table.overwrite(_rows(70), overwrite_filter=EqualTo("grp", "g1"))


def _operations() -> Iterator[Recipe]:
    base = (plain(0, 30), plain(30, 60))
    operations: dict[str, tuple[str, tuple[Steps, ...]]] = {
        "appended": ("", ()),
        "deleted": ("copy-on-write", (lambda t: t.delete(GreaterThan("id", 40)),)),
        "deleted_some": ("copy-on-write", (lambda t: t.delete(EqualTo("id", 7)),)),
        "overwritten": ("overwrite", (lambda t: t.overwrite(_rows(1, 2)),)),
        "overwritten_where": ("overwrite", (_overwrite_group,)),
        "upserted": ("upsert", (lambda t: t.upsert(_rows(5, 6, 1000), join_cols=["id"]),)),
        "evolved": ("schema-evolution", (evolve,)),
        "dropped": ("schema-evolution", (_drop,)),
        "readded": ("schema-evolution", (_drop, _again)),
        "respecified": ("partition-evolution", (_respec, plain(60, 90))),
        "tagged": ("branch tag", (_tagged, plain(60, 70))),
    }  # fmt: skip
    for word, (features, steps) in operations.items():
        yield by_pyiceberg(f"py_{word}", f"{features} v2", written(PLAIN, *base, *steps))
    with_groups = ("deleted", "overwritten_where", "upserted")
    for word in with_groups:
        features, steps = operations[word]
        made = written(PLAIN, _respec, *base, *steps)
        yield by_pyiceberg(f"py_{word}_in_groups", f"{features} partition-identity v2", made)
    parts = written(PLAIN, _respec, *base, lambda t: t.dynamic_partition_overwrite(_rows(1, 2)))
    yield by_pyiceberg("py_overwritten_parts", "overwrite partition-identity v2", parts)

"""Other file formats, files that came without field ids, and types that Spark does not write."""

from collections.abc import Iterator

from tests.corpus.place import NAMESPACE, PLACE
from tests.corpus.writers.deletes import COLUMNS, COMPACT, modes, rows
from tests.corpus.writers.recipe import Recipe, Step, create, insert, recipe
from tests.corpus.writers.workshop import Workshop

_TWO: tuple[Step, ...] = (rows(0, 20), rows(20, 40))


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_formats(), *_imported(), *_by_java(), *_unknown()]


def _formats() -> Iterator[Recipe]:
    for format_ in ("orc", "avro"):
        made = create(COLUMNS, "grp", 2, write_format_default=format_)
        yield recipe(f"in_{format_}", f"{format_} v2", made, *_TWO)
        later = f"ALTER TABLE {{t}} SET TBLPROPERTIES ('write.format.default' = '{format_}')"
        mixed = (create(COLUMNS, "grp"), rows(0, 20), later, rows(20, 40))
        yield recipe(f"parquet_and_{format_}", f"{format_} v2", *mixed)
        deletes = create(
            COLUMNS, "", 2, **modes("merge-on-read"), write_delete_format_default=format_
        )
        features = f"deletes position-deletes {format_} v2"
        deleted = "DELETE FROM {t} WHERE id % 5 = 2"
        yield recipe(f"deletes_in_{format_}", features, deletes, *_TWO, deleted)


def _import(columns: str, select: str, by: str = "", int96: bool = False) -> Step:
    """Return the step that adds files which Spark wrote as plain Parquet, without field ids."""

    def step(workshop: Workshop, name: str) -> None:
        folder = PLACE / "warehouse" / NAMESPACE / name / "imported"
        kind = "INT96" if int96 else "TIMESTAMP_MICROS"
        workshop.spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
        writer = workshop.spark.sql(select).coalesce(1).write.mode("append")
        if by:
            writer = writer.partitionBy(*by.split())
        writer.parquet(f"file://{folder}")
        workshop.sql(
            "CALL lake.system.add_files(table => '{name}',"
            f" source_table => '`parquet`.`file://{folder}`')",
            name,
        )

    return step


def _imported() -> Iterator[Recipe]:
    select = (
        "SELECT id, concat('g', id % 3) AS grp, id * 1.5D AS v,"
        " date_add(DATE '2024-01-01', CAST(id AS INT)) AS d FROM range(0, 20)"
    )
    for version in (1, 2):
        features = f"add-files name-mapping v{version}"
        made = create(COLUMNS, "", version)
        yield recipe(f"imported_v{version}", features, made, _import(COLUMNS, select))
        parted = create(COLUMNS, "grp", version)
        yield recipe(
            f"imported_partitions_v{version}", features, parted, _import(COLUMNS, select, "grp")
        )
    made = create(COLUMNS)
    features = "add-files name-mapping v2"
    renamed = (
        "ALTER TABLE {t} RENAME COLUMN v TO w",
        "ALTER TABLE {t} ADD COLUMN k STRING",
        "INSERT INTO {t} VALUES (100, 'g0', 0.5, NULL, 'new')",
    )
    yield recipe(
        "imported_then_renamed",
        f"{features} schema-evolution",
        made,
        _import(COLUMNS, select),
        *renamed,
    )
    yield recipe("imported_and_written", features, made, _import(COLUMNS, select), rows(20, 40))
    deleting = create(COLUMNS, "", 2, **modes("merge-on-read"))
    deleted = ("DELETE FROM {t} WHERE id % 4 = 1",)
    yield recipe(
        "imported_then_deleted",
        f"{features} deletes position-deletes",
        deleting,
        _import(COLUMNS, select),
        *deleted,
    )
    stamps = "SELECT id, timestamp_micros(id * 86400000123) AS t FROM range(0, 20)"
    columns = "id BIGINT, t TIMESTAMP"
    yield recipe(
        "imported_int96", f"{features} int96", create(columns), _import(columns, stamps, int96=True)
    )
    yield recipe("imported_micros", features, create(columns), _import(columns, stamps))
    nested = (
        "SELECT id, named_struct('a', id, 'b', array(1, 2)) AS s, map('k', id) AS m"
        " FROM range(0, 5)"
    )
    columns = "id BIGINT, s STRUCT<a: BIGINT, b: ARRAY<INT>>, m MAP<STRING, BIGINT>"
    yield recipe("imported_nested", f"{features} nested", create(columns), _import(columns, nested))
    yield recipe(
        "imported_nested_renamed",
        f"{features} nested schema-evolution",
        create(columns),
        _import(columns, nested),
        "ALTER TABLE {t} RENAME COLUMN s.a TO aa",
        "ALTER TABLE {t} ADD COLUMN s.c INT",
    )


def _typed(kind: str, by: str, version: int) -> Step:
    """Return the step that creates a table with a type that Spark's SQL has no word for."""

    def step(workshop: Workshop, name: str) -> None:
        api = workshop.java.org.apache.iceberg
        types = api.types.Types
        kinds = {
            "uuid": types.UUIDType.get,
            "fixed": lambda: types.FixedType.ofLength(3),
            "time": types.TimeType.get,
            "timestamp_ns": types.TimestampNanoType.withoutZone,
            "timestamptz_ns": types.TimestampNanoType.withZone,
        }
        schema = api.Schema(
            [
                types.NestedField.required(1, "id", types.LongType.get()),
                types.NestedField.optional(2, "c", kinds[kind]()),
            ]
        )
        spec = api.PartitionSpec.builderFor(schema)
        if by in ("bucket", "truncate"):
            spec = getattr(spec, by)("c", 3)
        elif by:
            spec = getattr(spec, by)("c")
        names = api.catalog.TableIdentifier.parse(f"{NAMESPACE}.{name}")
        catalog = workshop.catalog()
        catalog.buildTable(names, schema).withPartitionSpec(spec.build()).withProperty(
            "format-version", str(version)
        ).create()

    return step


_VALUES: dict[str, tuple[str | None, ...]] = {
    "uuid": (
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "7fffffff-0000-0000-8000-000000000000",
        "80000000-0000-0000-0000-000000000001",
        "f79c3e09-677c-4bbd-a479-3f349cb785e7",
        None,
    ),
    "fixed": ("000000", "ffffff", "616263", "00ff00", None),
    "time": ("00:00:00", "23:59:59.999999", "12:34:56.789012", None),
    "timestamp_ns": (
        "1970-01-01T00:00:00", "2024-02-29T12:34:56.789012345", "1969-12-31T23:59:59.999999999",
        "2262-04-11T23:47:16.854775807", "1677-09-21T00:12:43.145224192", None,
    ),
}  # fmt: skip
_VALUES["timestamptz_ns"] = _VALUES["timestamp_ns"]


def append(kind: str, start: int) -> Step:
    """Return the step that appends one file for each partition, by Iceberg's Java writers."""

    def step(workshop: Workshop, name: str) -> None:
        rows = [[str(start + number), value] for number, value in enumerate(_VALUES[kind])]
        commit = workshop.table(name).newAppend()
        for file in workshop.files(name).data(rows, "parquet", 0):
            commit.appendFile(file)
        commit.commit()

    return step


def _by_java() -> Iterator[Recipe]:
    transforms = {
        "uuid": ("", "identity", "bucket"),
        # Iceberg's Java writes fixed values in manifests with their length before them, which
        # Avro does not allow.
        "fixed": ("", "identity", "bucket"),
        "time": ("", "identity", "bucket"),
        "timestamp_ns": ("", "identity", "bucket", "year", "month", "day", "hour"),
        "timestamptz_ns": ("", "day"),
    }
    for kind, used in transforms.items():
        version = 3 if kind.endswith("_ns") else 2
        reader = "spark" if kind in ("uuid", "fixed") else "java"
        for by in used:
            features = f"types partition-{by or 'none'} java v{version}"
            name = f"{kind}_of_java_{by or 'plain'}"
            steps = (_typed(kind, by, version), append(kind, 0), append(kind, 50))
            yield recipe(name, features, *steps, reader=reader, writer="java")


def _unknown() -> Iterator[Recipe]:
    made = create("id BIGINT, v VARIANT", "", 3)
    rows_ = "INSERT INTO {t} SELECT id, parse_json('{\"a\": 1}') FROM range(0, 3)"
    yield recipe("variant", "variant v3", made, rows_, reader="nobody")
    lineage = create(COLUMNS, "", 3, **modes("merge-on-read"))
    moved = (
        "UPDATE {t} SET v = 0.0 WHERE id < 5",
        COMPACT,
    )
    yield recipe("row_lineage", "deletes deletion-vectors row-lineage v3", lineage, *_TWO, *moved)
    none = insert("1, CAST(NULL AS INT)")
    yield recipe("null_column", "v2", create("id BIGINT, n INT"), none, none)

"""Branches, tags, rollbacks, overwrites, compaction, expiry; empty tables and empty files."""

from collections.abc import Iterator

from tests.corpus.writers.deletes import COLUMNS, COMPACT, modes, rows
from tests.corpus.writers.recipe import Recipe, Step, create, insert, recipe
from tests.corpus.writers.workshop import Workshop

_TWO: tuple[Step, ...] = (rows(0, 30), rows(30, 60))
_CALL = "CALL lake.system."


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_refs(), *_overwrites(), *_compactions(), *_empties(), *_properties()]


def _to_snapshot(number: int, procedure: str) -> Step:
    """Return the step that goes back to the snapshot of this number."""

    def step(workshop: Workshop, name: str) -> None:
        snapshot = list(workshop.table(name).snapshots())[number].snapshotId()
        workshop.sql(f"{_CALL}{procedure}('{{name}}', {snapshot})", name)

    return step


def _refs() -> Iterator[Recipe]:
    for version in (1, 2, 3):
        made = create(COLUMNS, "", version)
        branch = (
            "ALTER TABLE {t} CREATE BRANCH audit",
            "INSERT INTO lake.{name}.branch_audit VALUES (500, 'audit', 0.5, NULL)",
            rows(60, 70),
            "ALTER TABLE {t} CREATE TAG `end of day`",
        )
        yield recipe(f"branch_and_tag_v{version}", f"branch tag v{version}", made, *_TWO, *branch)
    made = create(COLUMNS, "grp")
    forward = (
        "ALTER TABLE {t} CREATE BRANCH side",
        "INSERT INTO lake.{name}.branch_side VALUES (500, 'g0', 0.5, NULL)",
        f"{_CALL}fast_forward('{{name}}', 'main', 'side')",
    )
    yield recipe("fast_forward", "branch v2", made, *_TWO, *forward)
    evolved = (
        "ALTER TABLE {t} CREATE TAG old",
        "ALTER TABLE {t} RENAME COLUMN v TO w",
        "ALTER TABLE {t} ADD COLUMN v INT",
        "INSERT INTO {t} VALUES (500, 'g0', 0.5, NULL, 5)",
        "ALTER TABLE {t} CREATE BRANCH later",
        "ALTER TABLE {t} DROP COLUMN w",
        "INSERT INTO {t} VALUES (501, 'g0', NULL, 5)",
    )
    yield recipe("refs_over_schemas", "branch tag schema-evolution v2", made, *_TWO, *evolved)
    picked = (*_TWO, rows(60, 90), _to_snapshot(0, "rollback_to_snapshot"))
    yield recipe("rolled_back", "rollback v2", made, *picked)
    yield recipe("rolled_back_and_on", "rollback v2", made, *picked, rows(90, 100))
    set_ = (*_TWO, rows(60, 90), _to_snapshot(1, "set_current_snapshot"))
    yield recipe("set_current", "rollback v2", made, *set_)
    staged = (
        *_TWO,
        _to_snapshot(0, "rollback_to_snapshot"),
        _to_snapshot(1, "cherrypick_snapshot"),
    )
    yield recipe("cherry_picked", "rollback v2", made, *staged)


def _overwrites() -> Iterator[Recipe]:
    values = "VALUES (1000, 'g1', 9.5, DATE '2024-06-01'), (1001, 'g9', NULL, NULL)"
    dynamic = "SET spark.sql.sources.partitionOverwriteMode=dynamic"
    static = "SET spark.sql.sources.partitionOverwriteMode=static"
    for version in (1, 2):
        made = create(COLUMNS, "grp", version)
        features = f"overwrite v{version}"
        steps: tuple[Step, ...] = (made, *_TWO, f"INSERT OVERWRITE {{t}} {values}")
        yield recipe(f"overwritten_v{version}", features, *steps)
        some = (dynamic, f"INSERT OVERWRITE {{t}} {values}", static)
        yield recipe(f"overwritten_parts_v{version}", features, made, *_TWO, *some)
        whole = "DELETE FROM {t} WHERE grp = 'g1'"
        yield recipe(f"dropped_part_v{version}", f"{features} metadata-delete", made, *_TWO, whole)
        yield recipe(
            f"truncated_v{version}", features, made, *_TWO, "TRUNCATE TABLE {t}", rows(0, 3)
        )
    replaced = (
        create(COLUMNS, "grp"),
        *_TWO,
        "CREATE OR REPLACE TABLE {t} USING iceberg PARTITIONED BY (k)"
        " AS SELECT 7 AS k, 'other' AS grp, DATE '2024-01-01' AS v",
    )
    yield recipe("replaced", "overwrite schema-evolution v2", *replaced)


def _compactions() -> Iterator[Recipe]:
    sort = (
        f"{_CALL}rewrite_data_files(table => '{{name}}', strategy => 'sort',"
        " sort_order => 'id DESC', options => map('rewrite-all', 'true'))"
    )
    manifests = f"{_CALL}rewrite_manifests('{{name}}')"
    expire = (
        f"{_CALL}expire_snapshots(table => '{{name}}', older_than => TIMESTAMP '2100-01-01',"
        " retain_last => 1)"
    )
    many: tuple[Step, ...] = tuple(rows(at, at + 6) for at in range(0, 60, 6))
    for version in (1, 2, 3):
        made = create(COLUMNS, "grp", version)
        features = f"compaction v{version}"
        yield recipe(f"compacted_v{version}", features, made, *many[:4], COMPACT)
        yield recipe(f"manifests_rewritten_v{version}", features, made, *many[:5], manifests)
        expired = f"expire v{version}"
        yield recipe(f"expired_v{version}", expired, made, *many[:4], COMPACT, expire)
    made = create(COLUMNS)
    yield recipe("sorted", "compaction v2", made, *many[:4], sort)
    yield recipe("many_files", "v2", create(COLUMNS, "bucket(4, id)"), *many)
    merging = create(COLUMNS, "", 2, commit_manifest_min__count__to__merge="2")
    yield recipe("manifests_merged", "v2", merging, *many[:6])


def _empties() -> Iterator[Recipe]:
    for version in (1, 2, 3):
        yield recipe(f"empty_v{version}", f"empty v{version}", create(COLUMNS, "grp", version))
    none = "INSERT INTO {t} SELECT id, 'x', 1.0, NULL FROM range(0, 0)"
    yield recipe("empty_snapshot", "empty v2", create(COLUMNS), none)
    yield recipe("emptied", "empty v2", create(COLUMNS), *_TWO, "DELETE FROM {t}")

    def no_rows(workshop: Workshop, name: str) -> None:
        append = workshop.table(name).newAppend()
        for file in workshop.files(name).empty("parquet"):
            append.appendFile(file)
        append.commit()

    yield recipe("empty_file", "empty v2", create(COLUMNS), no_rows)
    yield recipe("empty_file_among_others", "empty v2", create(COLUMNS), rows(0, 5), no_rows)


def _properties() -> Iterator[Recipe]:
    """What properties of the writer change about the files."""
    settings = {
        "codec_gzip": {"write_parquet_compression__codec": "gzip"},
        "codec_snappy": {"write_parquet_compression__codec": "snappy"},
        "codec_lz4": {"write_parquet_compression__codec": "lz4"},
        "codec_none": {"write_parquet_compression__codec": "uncompressed"},
        "metadata_gzip": {"write_metadata_compression__codec": "gzip"},
        "metrics_none": {"write_metadata_metrics_default": "none"},
        "metrics_counts": {"write_metadata_metrics_default": "counts"},
        "metrics_short": {"write_metadata_metrics_default": "truncate(1)"},
        "metrics_full": {"write_metadata_metrics_default": "full"},
        "small_groups": {
            "write_parquet_row__group__size__bytes": "1024",
            "write_parquet_page__row__limit": "5",
        },
        "bloom": {"write_parquet_bloom__filter__enabled_column_id": "true"},
        "object_storage": {"write_object__storage_enabled": "true"},
        "object_storage_flat": {
            "write_object__storage_enabled": "true",
            "write_object__storage_partitioned__paths": "false",
        },
        "fanout": {"write_spark_fanout_enabled": "true", "write_distribution__mode": "none"},
        "snapshot_ids_inherited": {"compatibility_snapshot__id__inheritance_enabled": "true"},
    }  # fmt: skip
    for number, (word, properties) in enumerate(settings.items()):
        version = number % 2 + 1
        made = create(COLUMNS, "grp", version, **properties)
        yield recipe(f"with_{word}", f"writer-settings v{version}", made, *_TWO)
    texts = "id BIGINT, s STRING"
    long = insert(
        "1, repeat('x', 50000)", "2, concat(repeat('é', 3000), 'z')", "3, ''", "4, 'short'"
    )
    yield recipe("large_strings", "large v2", create(texts), long)
    yield recipe("large_partition", "large v2", create(texts, "truncate(4, s)"), long)
    page = create(
        COLUMNS,
        "",
        2,
        **modes("merge-on-read"),
        write_parquet_page__row__limit="7",
        write_parquet_row__group__size__bytes="2000",
    )
    deleted = (
        "INSERT INTO {t} SELECT id, concat('g', id % 3, repeat('q', 40)), id * 1.5, NULL"
        " FROM range(0, 400)",
        "DELETE FROM {t} WHERE id % 17 = 5",
    )
    yield recipe("deleted_in_row_groups", "deletes position-deletes v2", page, *deleted)
    third = create(
        COLUMNS,
        "",
        3,
        **modes("merge-on-read"),
        write_parquet_page__row__limit="7",
        write_parquet_row__group__size__bytes="2000",
    )
    yield recipe("deleted_in_row_groups_v3", "deletes deletion-vectors v3", third, *deleted)

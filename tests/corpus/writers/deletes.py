"""Rows deleted, updated and merged by Spark: copied files, position deletes, deletion vectors."""

from collections.abc import Iterator

from tests.corpus.writers.recipe import Recipe, Step, create, recipe

COLUMNS = "id BIGINT, grp STRING, v DOUBLE, d DATE"
COMPACT = (
    "CALL lake.system.rewrite_data_files(table => '{name}', options => map('rewrite-all', 'true'))"
)
PARTITIONS = {
    "plain": "",
    "by_grp": "grp",
    "by_bucket": "bucket(3, id)",
    "by_day": "days(d)",
}
_DELETE = ("DELETE FROM {t} WHERE id % 7 = 3", "DELETE FROM {t} WHERE grp = 'g1' AND v > 30")
_UPDATE = (
    "UPDATE {t} SET v = -v, grp = 'g2' WHERE id % 5 = 1",
    "UPDATE {t} SET d = NULL WHERE id > 55",
)
_MERGE = (
    "MERGE INTO {t} t USING (SELECT id * 3 AS id, 'm' AS grp FROM range(0, 30)) s ON t.id = s.id"
    " WHEN MATCHED AND t.id % 2 = 0 THEN DELETE"
    " WHEN MATCHED THEN UPDATE SET t.v = 0.5, t.grp = s.grp"
    " WHEN NOT MATCHED THEN INSERT (id, grp, v, d) VALUES (s.id, s.grp, NULL, NULL)",
)
_OPERATIONS = {"delete": _DELETE, "update": _UPDATE, "merge": _MERGE}


def rows(start: int, end: int, groups: int = 3) -> str:
    """Return the statement that inserts the rows from *start* to before *end*."""
    return (
        f"INSERT INTO {{t}} SELECT id, concat('g', id % {groups}), id * 1.5,"
        f" date_add(DATE '2024-01-01', CAST(id % 4 AS INT)) FROM range({start}, {end})"
    )


def modes(mode: str, granularity: str = "file") -> dict[str, str]:
    """Return the properties for *mode* (``copy-on-write``, ``merge-on-read``)."""
    told = {f"write_{operation}_mode": mode for operation in _OPERATIONS}
    return told | {"write_delete_granularity": granularity}


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_merge_on_read(), *_copy_on_write(), *_granular(), *_mixtures(), *_histories()]


_BASE: tuple[Step, ...] = (rows(0, 30), rows(30, 60))


def _kind(version: int) -> str:
    return "deletion-vectors" if version == 3 else "position-deletes"


def _merge_on_read() -> Iterator[Recipe]:
    for version in (2, 3):
        for operation, statements in _OPERATIONS.items():
            for word, by in PARTITIONS.items():
                if operation == "merge" and word == "by_day":
                    continue
                made = create(COLUMNS, by, version, **modes("merge-on-read"))
                features = f"deletes {_kind(version)} {operation} v{version}"
                name = f"mor_{operation}_{word}_v{version}"
                yield recipe(name, features, made, *_BASE, *statements)


def _copy_on_write() -> Iterator[Recipe]:
    for version in (1, 2, 3):
        for operation, statements in _OPERATIONS.items():
            made = create(COLUMNS, "grp" if version == 2 else "", version, **modes("copy-on-write"))
            features = f"copy-on-write {operation} v{version}"
            yield recipe(f"cow_{operation}_v{version}", features, made, *_BASE, *statements)


def _granular() -> Iterator[Recipe]:
    for word, by in PARTITIONS.items():
        made = create(COLUMNS, by, 2, **modes("merge-on-read", "partition"))
        features = "deletes position-deletes partition-scoped v2"
        more = (*_DELETE, rows(0, 20), "DELETE FROM {t} WHERE id BETWEEN 10 AND 14")
        yield recipe(f"partition_scoped_{word}", features, made, *_BASE, *more)


def _mixtures() -> Iterator[Recipe]:
    """Deletes of several kinds, and tables that live on after them."""
    second = create(COLUMNS, "grp", 2, **modes("merge-on-read"))
    third = create(COLUMNS, "", 3, **modes("merge-on-read"))
    upgrade = "ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')"
    both = "deletes position-deletes deletion-vectors upgrade v3"
    again = "DELETE FROM {t} WHERE id IN (0, 4, 8, 59)"
    yield recipe("upgraded_with_deletes", both, second, *_BASE, *_DELETE, upgrade)
    yield recipe("upgraded_then_deleted", both, second, *_BASE, *_DELETE, upgrade, again)
    yield recipe(
        "upgraded_then_appended", both, second, *_BASE, *_DELETE, upgrade, rows(60, 80), again
    )
    for version, made in ((2, second), (3, third)):
        features = f"deletes {_kind(version)} v{version}"
        yield recipe(f"deleted_all_v{version}", features, made, *_BASE, "DELETE FROM {t}")
        most = "DELETE FROM {t} WHERE id <> 41"
        yield recipe(f"deleted_all_but_one_v{version}", features, made, *_BASE, most)
        each = tuple(f"DELETE FROM {{t}} WHERE id = {number}" for number in (1, 2, 3, 31, 59))
        yield recipe(f"deleted_often_v{version}", features, made, *_BASE, *each)
        gone = ("DELETE FROM {t} WHERE id % 2 = 0", rows(0, 10), rows(0, 10))
        yield recipe(f"deleted_and_inserted_again_v{version}", features, made, *_BASE, *gone)
        renamed = (
            *_DELETE,
            "ALTER TABLE {t} RENAME COLUMN v TO w",
            "ALTER TABLE {t} ADD COLUMN extra INT",
            "UPDATE {t} SET extra = 7 WHERE id < 6",
        )
        evolved = f"{features} schema-evolution"
        yield recipe(f"deleted_then_renamed_v{version}", evolved, made, *_BASE, *renamed)
        parted = (
            *_DELETE,
            "ALTER TABLE {t} ADD PARTITION FIELD bucket(2, id)",
            rows(60, 90),
            "DELETE FROM {t} WHERE id % 4 = 1",
        )
        evolved = f"{features} partition-evolution"
        yield recipe(f"deleted_over_specs_v{version}", evolved, made, *_BASE, *parted)


def _histories() -> Iterator[Recipe]:
    """Deletes and maintenance."""
    positions = (
        "CALL lake.system.rewrite_position_delete_files(table => '{name}',"
        " options => map('rewrite-all', 'true'))"
    )
    for version in (2, 3):
        made = create(COLUMNS, "grp", version, **modes("merge-on-read"))
        features = f"deletes {_kind(version)} compaction v{version}"
        yield recipe(f"deleted_and_compacted_v{version}", features, made, *_BASE, *_DELETE, COMPACT)
        after = "DELETE FROM {t} WHERE id % 10 = 9"
        yield recipe(
            f"compacted_and_deleted_v{version}", features, made, *_BASE, *_DELETE, COMPACT, after
        )
        branch = (
            "ALTER TABLE {t} CREATE BRANCH side",
            "DELETE FROM lake.{name}.branch_side WHERE id < 10",
            "ALTER TABLE {t} CREATE TAG before_it",
            "DELETE FROM {t} WHERE id >= 50",
        )
        features = f"deletes {_kind(version)} branch tag v{version}"
        yield recipe(f"deleted_on_branches_v{version}", features, made, *_BASE, *branch)
    made = create(COLUMNS, "grp", 2, **modes("merge-on-read"))
    features = "deletes position-deletes compaction v2"
    yield recipe("position_deletes_rewritten", features, made, *_BASE, *_DELETE, positions)

"""Equality deletes as Flink and change streams write them, and mixtures of all kinds."""

from collections.abc import Iterator

from tests.corpus.writers.deletes import COLUMNS, COMPACT, modes, rows
from tests.corpus.writers.recipe import Recipe, Step, create, insert, recipe
from tests.corpus.writers.row_deltas import delete, keyed, positions, some, together

_TWO: tuple[Step, ...] = (rows(0, 30), rows(30, 60))
_NULLS = insert("NULL, 'g0', 1.0, NULL", "100, NULL, NULL, NULL", "NULL, NULL, 2.0, NULL")
_BY_GRP = "ALTER TABLE {t} ADD PARTITION FIELD grp"


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_plain(), *_parted(), *_mixed()]


def _plain() -> Iterator[Recipe]:
    for version in (2, 3):
        made = create(COLUMNS, "", version)
        features = f"deletes equality-deletes v{version}"
        one = delete("id", *some(1, 2, 35, 999))
        yield recipe(f"eq_one_key_v{version}", features, made, *_TWO, one)
        sets = (
            delete("id", *some(4, 44)),
            delete("grp", ("g2",)),
            delete("id grp", ("6", "g0"), ("7", "g0")),
        )
        yield recipe(f"eq_several_sets_v{version}", features, made, *_TWO, *sets)
        nulls = (_NULLS, delete("id", (None,), ("5",)))
        yield recipe(f"eq_null_key_v{version}", features, made, *_TWO, *nulls)
        pairs = (_NULLS, delete("id grp", (None, None), (None, "g0"), ("100", None), ("8", "g2")))
        yield recipe(f"eq_null_in_pair_v{version}", features, made, *_TWO, *pairs)
        late = (
            rows(0, 30),
            delete("id", *some(*range(10))),
            rows(5, 35),
            delete("id", *some(7, 8)),
            rows(7, 8),
        )
        yield recipe(f"eq_then_insert_v{version}", features, made, *late)
        upsert = (
            delete(
                "id",
                *some(3, 33),
                insert=[("3", "new", "0.5", "2024-05-05"), ("33", "new", None, None)],
            ),
            delete("id", *some(3), insert=[("3", "newer", "0.25", None)]),
        )
        yield recipe(f"eq_upsert_v{version}", f"{features} upsert", made, *_TWO, *upsert)
    made = create(COLUMNS)
    features = "deletes equality-deletes v2"
    swapped = delete("grp id", ("g0", "0"), ("g1", "1"), ("g1", "2"))
    yield recipe("eq_columns_swapped", features, made, *_TWO, swapped)
    every = delete("id grp v d", ("9", "g0", "13.5", "2024-01-02"), ("10", "g1", "0.0", None))
    yield recipe("eq_all_columns", features, made, *_TWO, every)
    yield recipe("eq_deletes_all", features, made, *_TWO, delete("grp", ("g0",), ("g1",), ("g2",)))
    yield recipe("eq_deletes_nothing", features, made, *_TWO, delete("id", *some(-1)))
    renamed = (
        "ALTER TABLE {t} RENAME COLUMN grp TO team",
        delete("team", ("g1",)),
        "ALTER TABLE {t} RENAME COLUMN team TO crew",
        rows(60, 70),
    )
    yield recipe(
        "eq_renamed_key",
        f"{features} schema-evolution",
        made,
        *_TWO,
        delete("grp", ("g2",)),
        *renamed,
    )
    added = (
        "ALTER TABLE {t} ADD COLUMN k INT",
        "INSERT INTO {t} VALUES (200, 'g9', 0.0, NULL, 1), (201, 'g9', 0.0, NULL, NULL)",
        delete("k", ("1",)),
    )
    yield recipe("eq_key_added_later", f"{features} schema-evolution", made, *_TWO, *added)
    unset = (
        "ALTER TABLE {t} ADD COLUMN k INT",
        "INSERT INTO {t} VALUES (200, 'g9', 0.0, NULL, 1)",
        delete("k", (None,)),
    )
    yield recipe(
        "eq_null_where_key_is_missing", f"{features} schema-evolution", made, *_TWO, *unset
    )
    narrow = create("id INT, grp STRING, v FLOAT, d DATE")
    small = insert("1, 'a', CAST(0.5 AS FLOAT), NULL", "2, 'b', NULL, NULL", "3, 'c', NULL, NULL")
    wider = (
        "ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT",
        "INSERT INTO {t} VALUES (5000000000, 'd', 0.0, NULL)",
        delete("id", ("2",), ("5000000000",)),
    )
    yield recipe(
        "eq_key_widened",
        f"{features} schema-evolution",
        narrow,
        small,
        delete("id", ("1",)),
        *wider,
        expected="SELECT 3L AS id, 'c' AS grp, CAST(NULL AS FLOAT) AS v, CAST(NULL AS DATE) AS d",
    )
    dropped = (delete("grp", ("g1",)), "ALTER TABLE {t} DROP COLUMN grp")
    yield recipe(
        "eq_key_dropped",
        f"{features} schema-evolution",
        made,
        *_TWO,
        *dropped,
        expected="SELECT id, id * 1.5D AS v, date_add(DATE '2024-01-01', CAST(id % 4 AS INT)) AS d"
        " FROM range(0, 60) WHERE id % 3 <> 1",
    )


def _parted() -> Iterator[Recipe]:
    for version in (2, 3):
        features = f"deletes equality-deletes partitioned v{version}"
        made = create(COLUMNS, "grp", version)
        inside = delete("id", *some(*range(20)), partition=("g1",))
        yield recipe(f"eq_in_partition_v{version}", features, made, *_TWO, inside)
        both = (inside, delete("id", *some(*range(20)), partition=("g2",)), rows(0, 6))
        yield recipe(f"eq_in_partitions_v{version}", features, made, *_TWO, *both)
        null = (_NULLS, delete("id", (None,), ("100",), partition=(None,)))
        yield recipe(f"eq_in_null_partition_v{version}", features, made, *_TWO, *null)
        unparted = create(COLUMNS, "", version)
        features = f"deletes equality-deletes global partition-evolution v{version}"
        over = (rows(0, 30), _BY_GRP, rows(30, 60), delete("id", *some(1, 31, 41), spec=0))
        yield recipe(f"eq_global_v{version}", features, unparted, *over)
        mixed = (*over, delete("id", *some(2, 32, 33, 35), partition=("g2",), spec=1), rows(30, 36))
        yield recipe(f"eq_global_and_partitioned_v{version}", features, unparted, *mixed)
    bucketed = create(COLUMNS, "bucket(2, id)")
    features = "deletes equality-deletes partitioned v2"
    halves = (
        delete("id", *some(*range(20)), partition=("0",)),
        delete("grp", ("g1",), partition=("1",)),
    )
    yield recipe("eq_in_bucket", features, bucketed, *_TWO, *halves)
    daily = create(COLUMNS, "days(d)")
    yield recipe(
        "eq_in_day",
        features,
        daily,
        *_TWO,
        delete("id", *some(*range(40)), partition=("2024-01-02",)),
    )
    evolved = (
        "ALTER TABLE {t} REPLACE PARTITION FIELD grp WITH bucket(2, id)",
        rows(60, 90),
        delete("id", *some(0, 3, 6, 60, 63), partition=("g0",), spec=0),
        delete("id", *some(*range(90)), partition=("1",), spec=1),
    )
    features += " partition-evolution"
    yield recipe("eq_over_specs", features, create(COLUMNS, "grp"), *_TWO, *evolved)


def _mixed() -> Iterator[Recipe]:
    merge = modes("merge-on-read")
    features = "deletes equality-deletes position-deletes mixture v2"
    made = create(COLUMNS, "grp", 2, **merge)
    spark = "DELETE FROM {t} WHERE id % 11 = 0"
    inside = delete("id", *some(*range(0, 60, 4)), partition=("g0",))
    yield recipe("mix_spark_and_equality", features, made, *_TWO, spark, inside, rows(0, 12), spark)
    plain = create(COLUMNS, "", 2, **merge)
    yield recipe(
        "mix_positions_and_equality",
        features,
        plain,
        *_TWO,
        positions(0, 5, 29),
        delete("id", *some(5, 7, 30)),
    )
    one = together(keyed("id", *some(1, 2)), keyed("grp", ("g2",)), keyed("id grp", ("3", "g0")))
    yield recipe("mix_one_commit", features, plain, *_TWO, one, positions(0))
    features = "deletes equality-deletes deletion-vectors mixture v3"
    third = create(COLUMNS, "", 3, **merge)
    vectors = positions(0, 1, 17, vectors=True)
    yield recipe(
        "mix_vectors_and_equality", features, third, *_TWO, vectors, delete("id", *some(2, 17, 31))
    )
    yield recipe("mix_vectors_by_java", "deletes deletion-vectors v3", third, *_TWO, vectors)
    parted = create(COLUMNS, "grp", 3, **merge)
    yield recipe(
        "mix_vectors_in_partitions",
        "deletes deletion-vectors v3",
        parted,
        *_TWO,
        positions(0, 3, 9, vectors=True),
    )
    upgrade = "ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')"
    features = "deletes equality-deletes position-deletes deletion-vectors mixture upgrade v3"
    all_three = (
        positions(1, 2),
        delete("id", *some(10, 40)),
        upgrade,
        rows(60, 80),
        spark,
        delete("id", *some(70)),
        rows(70, 72),
    )
    yield recipe("mix_all_three", features, plain, *_TWO, *all_three)
    unparted = (
        rows(0, 30),
        _BY_GRP,
        rows(30, 60),
        spark,
        delete("id", *some(1, 31, 41), spec=0),
        upgrade,
        "DELETE FROM {t} WHERE id % 13 = 1",
        rows(60, 66),
        delete("id", *some(61, 64), partition=("g1",), spec=1),
    )
    yield recipe(
        "mix_all_three_over_specs", f"{features} partition-evolution global", plain, *unparted
    )
    compacted = (
        positions(1),
        delete("id", *some(10, 40)),
        COMPACT,
        rows(10, 12),
    )
    yield recipe(
        "mix_compacted",
        "deletes equality-deletes position-deletes compaction v2",
        plain,
        *_TWO,
        *compacted,
    )

"""What a table holds, by Spark: the rows, which of them filters choose, every snapshot and ref.

Filters are asked for as columns of one query, so they are answered row by row and nothing is
pruned for them.  Each stands in two dialects: Spark's, and the one flightlake is asked in.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from tests.corpus.canonical import bag, type_name
from tests.corpus.place import ANSWERS, CATALOG, NAMESPACE
from tests.corpus.writers.java_reader import read_by_java
from tests.corpus.writers.literals import Literal, literal, uuid_literal
from tests.corpus.writers.recipe import Recipe
from tests.corpus.writers.workshop import Workshop

_MOST_SNAPSHOTS = 12
_TOLD_BY_TIME = frozenset({"branch", "rollback", "overwrite", "compaction", "schema-evolution"})


def answer(workshop: Workshop, recipe: Recipe) -> None:
    """Ask about the table of *recipe* and store what was said."""
    document: dict[str, Any] = {
        "table": recipe.name,
        "features": sorted(recipe.features),
        "writer": recipe.writer,
        "reader": recipe.reader,
    }
    if recipe.reader == "java":
        document |= read_by_java(workshop, recipe.name)
    elif recipe.expected:
        document |= _content(workshop.spark.sql(recipe.expected).toArrow())
    elif recipe.reader == "spark":
        document |= _now(workshop, recipe.name)
        document["history"] = _history(workshop, recipe.name)
        document["refs"] = _refs(workshop, recipe.name)
        if recipe.features & _TOLD_BY_TIME:
            document["moments"] = _moments(workshop, recipe.name)
    ANSWERS.mkdir(exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (ANSWERS / f"{recipe.name}.json").write_text(text)


def _now(workshop: Workshop, name: str) -> dict[str, Any]:
    table = f"{CATALOG}.{NAMESPACE}.`{name}`"
    plain = workshop.spark.sql(f"SELECT * FROM {table}").toArrow()
    uuids = _uuids(workshop, name)
    filters = [
        pair
        for column in plain.schema
        for pair in _filters(column, plain[column.name], column.name in uuids)
    ]
    filters += _combined(filters)
    flags = ", ".join(f"({spark}) AS __{n}" for n, (spark, _) in enumerate(filters))
    width = plain.num_columns
    if filters:
        plain = workshop.spark.sql(f"SELECT *, {flags} FROM {table}").toArrow()
    chosen = [column.to_pylist() for column in plain.columns[width:]]
    rows = plain.select(list(range(width)))
    return _content(rows, uuids) | {
        "filters": [
            {
                "where": ours,
                "spark": spark,
                "rows": [at for at, flag in enumerate(flags) if flag],
            }
            for (spark, ours), flags in zip(filters, chosen, strict=True)
        ]
    }


def _uuids(workshop: Workshop, name: str) -> set[str]:
    """Return the columns that are UUIDs, which Spark reads as text."""
    columns = workshop.table(name).schema().columns()
    return {column.name() for column in columns if column.type().toString() == "uuid"}


def _content(rows: pa.Table, uuids: Collection[str] = ()) -> dict[str, Any]:
    return {
        "columns": [
            [field.name, "binary" if field.name in uuids else type_name(field.type)]
            for field in rows.schema
        ],
        "rows": [json.loads(row) for row in bag(rows)],
    }


def _history(workshop: Workshop, name: str) -> list[dict[str, Any]]:
    table, uuids = f"{CATALOG}.{NAMESPACE}.`{name}`", _uuids(workshop, name)
    found = []
    for snapshot in list(workshop.table(name).snapshots())[-_MOST_SNAPSHOTS:]:
        rows = workshop.spark.sql(
            f"SELECT * FROM {table} VERSION AS OF {snapshot.snapshotId()}"
        ).toArrow()
        found.append(
            {
                "snapshot": snapshot.snapshotId(),
                "schema": snapshot.schemaId(),
                "timestamp_ms": snapshot.timestampMillis(),
                **_content(rows, uuids),
            }
        )
    return found


def _refs(workshop: Workshop, name: str) -> list[dict[str, Any]]:
    table, uuids = f"{CATALOG}.{NAMESPACE}.`{name}`", _uuids(workshop, name)
    found = []
    for ref, target in dict(workshop.table(name).refs()).items():
        rows = workshop.spark.sql(f"SELECT * FROM {table} VERSION AS OF '{ref}'").toArrow()
        kind = "branch" if target.isBranch() else "tag"
        found.append(
            {"ref": ref, "kind": kind, "snapshot": target.snapshotId(), **_content(rows, uuids)}
        )
    return found


def _moments(workshop: Workshop, name: str) -> list[dict[str, Any]]:
    """Return what the table was at each time its current snapshot changed."""
    table, uuids = f"{CATALOG}.{NAMESPACE}.`{name}`", _uuids(workshop, name)
    found = []
    for entry in list(workshop.table(name).history())[-_MOST_SNAPSHOTS:]:
        at = datetime.fromtimestamp(entry.timestampMillis() / 1000, UTC)
        moment = at.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
        rows = workshop.spark.sql(f"SELECT * FROM {table} TIMESTAMP AS OF '{moment}'").toArrow()
        found.append({"moment": moment, **_content(rows, uuids)})
    return found


def _filters(column: pa.Field, values: pa.ChunkedArray, is_uuid: bool) -> list[tuple[str, str]]:
    """Return conditions on *column*, each as (Spark's, ours)."""
    spark, ours = f"`{column.name.replace('`', '``')}`", '"' + column.name.replace('"', '""') + '"'
    found = [
        (f"{spark} IS NULL", f"{ours} IS NULL"),
        (f"{spark} IS NOT NULL", f"{ours} IS NOT NULL"),
    ]
    known = _known(values, is_uuid)
    if not known:
        return found
    middle, first = known[len(known) // 2], known[0]
    for sign in ("=", "<", ">", "<>"):
        found.append((f"{spark} {sign} {middle.spark}", f"{ours} {sign} {middle.ours}"))
    found.append((f"{spark} >= {first.spark}", f"{ours} >= {first.ours}"))
    several = known[:: max(1, len(known) // 2)]
    found.append(
        (
            f"{spark} IN ({', '.join(value.spark for value in several)})",
            f"{ours} IN ({', '.join(value.ours for value in several)})",
        )
    )
    if is_uuid:
        return found
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        found += _prefixes(spark, ours, values)
    return found


def _known(values: pa.ChunkedArray, is_uuid: bool) -> list[Literal]:
    try:
        plain = {value for value in values.to_pylist() if value is not None and value == value}
    except (ValueError, OverflowError, TypeError):
        return []  # dates beyond Python's own, or nested values
    if is_uuid:
        return [uuid_literal(value) for value in sorted(plain)]
    literals = [literal(value, values.type) for value in sorted(plain, key=_order)]
    return [each for each in literals if each is not None]


def _order(value: Any) -> Any:
    return value if not isinstance(value, dict | list) else repr(value)


def _prefixes(spark: str, ours: str, values: pa.ChunkedArray) -> list[tuple[str, str]]:
    prefixes = sorted({value[:2] for value in values.to_pylist() if value})
    found = []
    for prefix in prefixes[len(prefixes) // 2 :][:1]:
        if not set(prefix) & set("%_\\'"):
            found.append((f"{spark} LIKE '{prefix}%'", f"{ours} LIKE '{prefix}%'"))
    return found


def _combined(filters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(filters) < 4:
        return []
    (spark, ours), (other_spark, other_ours) = filters[2], filters[-1]
    return [
        (f"{spark} AND {other_spark}", f"{ours} AND {other_ours}"),
        (f"{spark} OR {other_spark}", f"{ours} OR {other_ours}"),
        (f"NOT ({spark})", f"NOT ({ours})"),
    ]

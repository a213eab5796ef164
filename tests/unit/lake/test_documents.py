"""Table metadata that has more in it than reading needs."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.errors import Unsupported
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab
from tests.fix_hand_made import refused, world
from tests.fix_row_deletes import HandMade, column

__all__ = ["world"]

Change = Callable[[dict[str, Any]], object]


def sorted_by(*fields: dict[str, Any]) -> Change:
    def change(document: dict[str, Any]) -> None:
        document["sort-orders"].append({"order-id": 1, "fields": list(fields)})
        document["default-sort-order-id"] = 1

    return change


def statistics(document: dict[str, Any]) -> None:
    snapshot = document["current-snapshot-id"]
    gone = {"snapshot-id": snapshot, "file-size-in-bytes": 1}
    blob = {"type": "of-later", "snapshot-id": snapshot, "sequence-number": 1, "fields": [1]}
    puffin = {"statistics-path": "file:///gone.puffin", "file-footer-size-in-bytes": 1}
    document["statistics"] = [{**gone, **puffin, "blob-metadata": [blob]}]
    document["partition-statistics"] = [{**gone, "statistics-path": "file:///gone.parquet"}]


def lineage(document: dict[str, Any]) -> None:
    document["next-row-id"] = 5
    document["snapshots"][-1].update({"first-row-id": 0, "added-rows": 2})


def first_version(document: dict[str, Any]) -> None:
    document.update({"format-version": 1, "schema": document["schemas"][-1], "partition-spec": []})
    for name in ("schemas", "partition-specs", "sort-orders", "refs", "current-schema-id",
                 "default-spec-id", "default-sort-order-id", "last-partition-id"):  # fmt: skip
        del document[name]
    for snapshot in document["snapshots"]:
        del snapshot["sequence-number"]


DIRECTION = {"direction": "asc", "null-order": "nulls-first"}
CHANGES: dict[str, Change] = {
    "sort order": sorted_by({"transform": "bucket[4]", "source-id": 1, **DIRECTION}),
    "sort order of later": sorted_by({"transform": "zorder", "source-id": 1, **DIRECTION}),
    "sort order of several": sorted_by({"transform": "zorder", "source-ids": [1, 2], **DIRECTION}),
    "statistics": statistics,
    "lineage": lineage,
    "first version": first_version,
    "retention": lambda document: document["refs"]["main"].update({"max-ref-age-ms": 1}),
    "default for writers": lambda document: document["schemas"][-1]["fields"][0].update(
        {"write-default": 7, "doc": "a number"}
    ),
    "default for writers of structs": lambda document: document["schemas"].append(
        {
            "type": "struct",
            "schema-id": 9,
            "fields": [column(7, "n", {"type": "struct", "fields": []}, **{"write-default": {}})],
        }
    ),
    "identifier": lambda document: (
        document["schemas"][-1].update({"identifier-field-ids": [1]}),
        document["schemas"][-1]["fields"][0].update({"required": True}),
    ),
    "no encryption keys": lambda document: document.update({"encryption-keys": []}),
    "something of later": lambda document: document.update({"of-later": {"x": 1}}),
}


def made_in(lake: Lake, folder: Path, *columns: dict[str, Any]) -> HandMade:
    # A name of its own: pyiceberg, which makes it, cannot look at what others left behind.
    return HandMade(lake, folder / "x", list(columns), name=f"t{uuid.uuid4().hex}")


@pytest.fixture
def table(world: tuple[Lake, Lab], tmp_path: Path) -> HandMade:
    made = made_in(world[0], tmp_path, column(1, "id", "int"), column(2, "s", "string"))
    made.data(pa.table({"id": [1, 2], "s": ["a", None]}, schema=made.arrow()))
    return made


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_no_row_does_not_matter(
    world: tuple[Lake, Lab], table: HandMade, change: str
) -> None:
    CHANGES[change](table.document)
    table.publish()
    assert world[1].rows(f"SELECT * FROM {table.name}") == [(1, "a"), (2, None)]


@pytest.mark.parametrize(
    "field",
    [
        {"source-id": 1, "transform": "zorder[4]"},
        {"source-id": 1, "transform": "bucketV2[4]"},
        {"source-ids": [2], "transform": "truncate[1]"},
        {"source-ids": [1, 2], "transform": "bucket[4]"},
        {"source-id": 1, "source-ids": [1, 2], "transform": "bucket[4]"},
        {"source-ids": [2, 1], "transform": "identity"},
    ],
    ids=str,
)
def test_files_of_a_partition_field_that_says_nothing_are_read(
    world: tuple[Lake, Lab], table: HandMade, field: dict[str, Any]
) -> None:
    # Written as by a transform of one's own: the value is none of the known transform's.
    plain = {"source-id": 2, "transform": "truncate[1]"}
    table.use_spec([{"field-id": 1000, "name": "p", **plain}])
    table.data(pa.table({"id": [3], "s": ["abc"]}, schema=table.arrow()), partition=("z",))
    told = table.document["partition-specs"][-1]["fields"][0]
    for name in plain:
        del told[name]
    told.update(field)
    table.publish()
    found = world[1].rows(f"SELECT id FROM {table.name} WHERE s IS NOT NULL ORDER BY id")
    assert found == [(1,), (3,)]
    if field.get("source-ids") != [2]:
        assert world[1].rows(f"SELECT id FROM {table.name} WHERE s = 'abc'") == [(3,)]
        assert world[1].rows(f"SELECT s FROM {table.name} WHERE id = 3") == [("abc",)]


@pytest.mark.parametrize("kind", ["variant", "geometry(srid:4326)", "geography", "of_later"])
def test_a_type_of_the_past_matters_to_whom_asks_for_the_past(
    world: tuple[Lake, Lab], table: HandMade, kind: str
) -> None:
    element = {"type": "list", "element-id": 8, "element": kind, "element-required": False}
    fields = [column(1, "id", "int"), column(7, "v", element)]
    table.document["schemas"].append({"type": "struct", "schema-id": 9, "fields": fields})
    table.document["snapshots"][-1]["schema-id"] = 9
    table.publish()
    now = f"SELECT * FROM {table.name}"
    assert world[1].rows(now) == [(1, "a"), (2, None)]
    past = f"{now} FOR VERSION AS OF {table.document['current-snapshot-id']}"
    refused(world[1], Unsupported, "type 'unknown' is not read .column 'v'", past)
    table.document["current-schema-id"] = 9
    table.publish()
    refused(world[1], Unsupported, f"a column of type '{re.escape(kind)}'", now)


@pytest.mark.parametrize("inside", [False, True])
def test_defaults_of_nested_columns_are_refused(
    world: tuple[Lake, Lab], table: HandMade, inside: bool
) -> None:
    x = column(8, "x", "int")
    new = column(7, "n", {"type": "struct", "fields": [x]}, **{"initial-default": {}})
    if inside:
        new = column(9, "outer", {"type": "struct", "fields": [new]})
    fields = [column(1, "id", "int"), new]
    table.document["schemas"].append({"type": "struct", "schema-id": 9, "fields": fields})
    table.document["snapshots"][-1]["schema-id"] = 9
    table.publish()
    now = f"SELECT * FROM {table.name}"
    assert world[1].rows(now) == [(1, "a"), (2, None)]
    past = f"{now} FOR VERSION AS OF {table.document['current-snapshot-id']}"
    refused(world[1], Unsupported, "'unknown' is not read", past)
    table.document["current-schema-id"] = 9
    table.publish()
    refused(world[1], Unsupported, "a default for the nested column 'n', which is not read", now)


def test_a_date_that_became_a_timestamp_is_read(world: tuple[Lake, Lab], tmp_path: Path) -> None:
    made = made_in(world[0], tmp_path, column(1, "at", "date"))
    made.data(pa.table({"at": pa.array([0, -1, None, 2_932_896], pa.date32())}, made.arrow()))
    made.evolve([column(1, "at", "timestamp")])
    made.publish()
    found = [at and at.isoformat() for (at,) in world[1].rows(f"SELECT at FROM {made.name}")]
    assert found == ["1970-01-01T00:00:00", "1969-12-31T00:00:00", None, "9999-12-31T00:00:00"]
    before = f"SELECT count(*) FROM {made.name} WHERE at < TIMESTAMP '1970-01-01'"
    assert world[1].rows(before) == [(1,)]
    for kind in ("timestamptz", "timestamp_ns"):
        made.evolve([column(1, "at", kind)])
        made.publish()
        refused(world[1], Unsupported, "column 'at' has another type", f"SELECT * FROM {made.name}")


def test_columns_of_row_lineage_in_files_are_not_shown(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    made = made_in(world[0], tmp_path, column(1, "id", "int"))
    ids = {"id": 1, "_row_id": 2147483540, "_last_updated_sequence_number": 2147483539}
    schema = pa.schema(
        [
            pa.field(name, pa.int64() if number > 1 else pa.int32(),
                     metadata={"PARQUET:field_id": str(number)})
            for name, number in ids.items()
        ]
    )  # fmt: skip
    made.data(pa.table({"id": [1], "_row_id": [7], "_last_updated_sequence_number": [1]}, schema))
    assert world[1].collect(world[1].plan(f"SELECT * FROM {made.name}")).to_pydict() == {"id": [1]}

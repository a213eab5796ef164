"""Structs, lists and maps whose members changed since a file was written; and defaults."""

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

A, B = column(11, "a", "int"), column(12, "b", "string")


def struct(*members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "struct", "fields": list(members)}


def list_of(element: Any) -> dict[str, Any]:
    return {"type": "list", "element-id": 20, "element": element, "element-required": False}


def map_of(value: Any) -> dict[str, Any]:
    return {
        "type": "map",
        "key-id": 30,
        "key": "string",
        "value-id": 31,
        "value": value,
        "value-required": False,
    }


def nested(name: str, kind: pa.DataType) -> pa.DataType:
    """Return *kind* with the field ids that the columns of these tests have."""
    ids = {"a": 11, "b": 12, "element": 20, "key": 30, "value": 31}

    def with_id(member: pa.Field, called: str) -> pa.Field:
        made = member.with_type(nested(called, member.type)).with_name(called)
        return made.with_metadata({"PARQUET:field_id": str(ids[called])})

    if pa.types.is_struct(kind):
        return pa.struct([with_id(member, member.name) for member in kind])
    if pa.types.is_map(kind):
        return pa.map_(with_id(kind.key_field, "key"), with_id(kind.item_field, "value"))
    if pa.types.is_list(kind):
        return pa.list_(with_id(kind.value_field, "element"))
    return kind


def table(world: tuple[Lake, Lab], folder: Path, before: Any, values: list[Any]) -> HandMade:
    """Make a table with one file of *values* in the column ``c`` of type *before*."""
    made = HandMade(world[0], folder / "x", [column(1, "c", before)])
    plain = made.arrow().field(0)
    written = pa.field("c", nested("c", plain.type), metadata=plain.metadata)
    made.data(pa.table([pa.array(values, written.type)], pa.schema([written])))
    return made


OLD = [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]

CHANGES: dict[str, tuple[Any, list[Any]]] = {
    "add": (
        struct(A, B, column(13, "c", "int")),
        [{"a": 1, "b": "x", "c": None}, None, {"a": None, "b": "y", "c": None}],
    ),
    "drop": (struct(B), [{"b": "x"}, None, {"b": "y"}]),
    "reorder": (struct(B, A), [{"b": "x", "a": 1}, None, {"b": "y", "a": None}]),
    "widen": (struct(column(11, "a", "long"), B), OLD),
    "nest": (
        struct(A, column(13, "n", struct(column(14, "x", "int")))),
        [{"a": 1, "n": None}, None, {"a": None, "n": None}],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("inside", ["struct", "list"])
def test_members_that_changed_are_read(
    world: tuple[Lake, Lab], tmp_path: Path, change: str, inside: str
) -> None:
    after, expected = CHANGES[change]
    lists = inside == "list"
    before = list_of(struct(A, B)) if lists else struct(A, B)
    made = table(world, tmp_path, before, [OLD, None, []] if lists else OLD)
    made.evolve([column(1, "c", list_of(after) if lists else after)])
    made.publish()
    found = [value for (value,) in world[1].rows("SELECT c FROM hand")]
    assert found == ([expected, None, []] if lists else expected)
    assert world[1].rows("SELECT count(*) FROM hand WHERE c IS NULL") == [(1,)]


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        (list_of("int"), list_of("long"), [[1, None], None, []]),
        (list_of("float"), list_of("double"), [[1.5, None], None, []]),
        (map_of("int"), map_of("long"), [[("k", 1), ("j", None)], None, []]),
    ],
    ids=["list", "floats", "map"],
)
def test_elements_and_values_are_widened(
    world: tuple[Lake, Lab], tmp_path: Path, before: Any, after: Any, values: list[Any]
) -> None:
    made = table(world, tmp_path, before, values)
    made.evolve([column(1, "c", after)])
    made.publish()
    assert [value for (value,) in world[1].rows("SELECT c FROM hand")] == values


REFUSED: dict[str, tuple[Any, Any]] = {
    "rename": (struct(A, B), struct(A, column(12, "bb", "string"))),
    "another of the name": (struct(A, B), struct(A, column(13, "b", "string"))),
    "none left": (struct(A), struct(column(13, "z", "int"))),
    "default": (struct(A, B), struct(A, column(13, "d", "int", **{"initial-default": 5}))),
    "required": (struct(A, B), struct(A, column(13, "d", "int", required=True))),
    "narrower": (struct(column(11, "a", "long")), struct(A)),
    "struct in a map": (map_of(struct(A, B)), map_of(struct(A))),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_be_cast_is_refused_by_name(
    world: tuple[Lake, Lab], tmp_path: Path, change: str
) -> None:
    before, after = REFUSED[change]
    value = {member["name"]: None for member in before.get("fields", [A, B])}
    made = table(world, tmp_path, before, [value] if "fields" in before else [[("k", value)]])
    made.evolve([column(1, "c", after)])
    made.publish()
    refused(world[1], Unsupported, "column 'c' has another type")


DEFAULTS: dict[str, tuple[Any, Any]] = {
    "boolean": (True, True),
    "int": (-5, -5),
    "long": (1 << 40, 1 << 40),
    "float": (1.5, 1.5),
    "double": (-0.5, -0.5),
    "decimal(9,2)": ("14.20", "14.20"),
    "date": ("2017-11-16", "2017-11-16"),
    "time": ("22:31:08.123456", "22:31:08.123456"),
    "timestamp": ("2017-11-16T22:31:08.123456", "2017-11-16 22:31:08.123456"),
    "timestamptz": ("2017-11-16T22:31:08.123456+00:00", "2017-11-16 22:31:08.123456+00:00"),
    "string": ("it's", "it's"),
    "uuid": ("f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09677c4bbda4793f349cb785e7"),
    "fixed[2]": ("01ff", "01ff"),
    "binary": ("0001", "0001"),
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_column_added_with_a_default_has_it_in_older_files(
    world: tuple[Lake, Lab], tmp_path: Path, kind: str
) -> None:
    written, expected = DEFAULTS[kind]
    made = HandMade(world[0], tmp_path / "x", [column(1, "id", "long")])
    made.data(pa.table({"id": [1]}, made.arrow()))
    made.evolve([column(1, "id", "long"), column(2, "d", kind, **{"initial-default": written})])
    made.data(pa.table([pa.array([2]), pa.array([None], made.arrow().field(1).type)], made.arrow()))
    (found,), (later,) = world[1].rows("SELECT d FROM hand ORDER BY id")
    shown = found.hex() if isinstance(found, bytes) else found
    assert shown == expected or str(shown) == expected
    assert later is None
    assert world[1].rows("SELECT id FROM hand WHERE d IS NULL") == [(2,)]

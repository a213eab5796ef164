"""Structs, lists and maps whose members changed since a file was written; and defaults."""

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
    ids = {"a": 11, "b": 12, "n": 15, "element": 20, "key": 30, "value": 31}

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
    "rename": (
        struct(A, column(12, "it's", "string")),
        [{"a": 1, "it's": "x"}, None, {"a": None, "it's": "y"}],
    ),
    "swap names": (
        struct(column(11, "b", "int"), column(12, "a", "string")),
        [{"b": 1, "a": "x"}, None, {"b": None, "a": "y"}],
    ),
    "add anew": (
        struct(A, column(13, "b", "string")),
        [{"a": 1, "b": None}, None, {"a": None, "b": None}],
    ),
    "add anew of another type": (
        struct(column(13, "b", list_of(struct(column(14, "x", "int")))), A),
        [{"b": None, "a": 1}, None, {"b": None, "a": None}],
    ),
    "none left": (struct(column(13, "z", "int")), [{"z": None}, None, {"z": None}]),
    "all at once": (
        struct(column(12, "a", "string"), column(13, "b", "date"), column(11, "z", "long")),
        [{"a": "x", "b": None, "z": 1}, None, {"a": "y", "b": None, "z": None}],
    ),
    "default": (
        struct(A, column(13, "d", "int", required=True, **{"initial-default": 5})),
        [{"a": 1, "d": 5}, None, {"a": None, "d": 5}],
    ),
}

INSIDE: dict[str, tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]] = {
    "struct": (lambda kind: kind, lambda found: found),
    "member": (
        lambda kind: struct(column(15, "n", kind)),
        lambda found: [*({"n": value} for value in found), None],
    ),
    "list": (lambda kind: list_of(kind), lambda found: [found, None, []]),
    "map": (
        lambda kind: map_of(kind),
        lambda found: [[(str(at), value) for at, value in enumerate(found)], None, []],
    ),
    "map of lists of structs": (
        lambda kind: map_of(list_of(struct(column(15, "n", kind)))),
        lambda found: [
            [("k", [*({"n": value} for value in found), None]), ("l", []), ("m", None)],
            None,
            [],
        ],
    ),
}


@pytest.mark.parametrize(
    ("inside", "change"),
    [
        *(("struct", change) for change in CHANGES),
        *(("map of lists of structs", change) for change in CHANGES),
        *((inside, "all at once") for inside in ("member", "list", "map")),
    ],
)
def test_members_that_changed_are_read(
    world: tuple[Lake, Lab], tmp_path: Path, inside: str, change: str
) -> None:
    after, expected = CHANGES[change]
    within, values = INSIDE[inside]
    made = table(world, tmp_path, within(struct(A, B)), values(OLD))
    made.evolve([column(1, "c", within(after))])
    made.publish()
    assert [value for (value,) in world[1].rows("SELECT c FROM hand")] == values(expected)
    nulls = values(expected).count(None)
    assert world[1].rows("SELECT count(*) FROM hand WHERE c IS NULL") == [(nulls,)]


def test_a_nested_column_that_was_renamed_is_found_in_files_of_either_name(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    made = table(world, tmp_path, list_of("int"), [[1]])
    made.evolve([column(1, "d", list_of("int"))])
    written = pa.field("d", nested("d", pa.list_(pa.int32())), metadata=made.arrow()[0].metadata)
    made.data(pa.table([pa.array([[2]], written.type)], pa.schema([written])))
    assert sorted(world[1].rows("SELECT d FROM hand")) == [([1],), ([2],)]


def test_rows_of_files_before_and_after_a_change_are_read_together(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    made = table(world, tmp_path, map_of(struct(A, B)), [[("k", OLD[0])]])
    made.evolve([column(1, "c", map_of(CHANGES["all at once"][0]))])
    made.publish()
    assert world[1].rows("SELECT c['k']['z'] FROM hand WHERE c['k']['a'] = 'x'") == [(1,)]
    assert world[1].rows("SELECT c FROM hand WHERE c['k']['a'] = 'y'") == []


def test_members_of_a_null_struct_are_null(world: tuple[Lake, Lab], tmp_path: Path) -> None:
    made = table(world, tmp_path, struct(A, B), OLD)
    new = column(13, "d", "int", **{"initial-default": 5})
    made.evolve([column(1, "c", struct(column(11, "z", "int"), new))])
    made.publish()
    assert world[1].rows("SELECT c['z'], c['d'] FROM hand") == [(1, 5), (None, None), (None, 5)]
    assert world[1].rows("SELECT count(*) FROM hand WHERE c['d'] IS NULL") == [(1,)]
    assert world[1].rows("SELECT count(*) FROM hand WHERE c['d'] = 5") == [(2,)]


def test_members_that_changed_are_read_from_files_with_deleted_rows(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    made = HandMade(world[0], tmp_path / "x", [column(1, "c", list_of(struct(A, B)))])
    plain = made.arrow().field(0)
    written = pa.field("c", nested("c", plain.type), metadata=plain.metadata)
    values = [[value] for value in OLD]
    path = made.data(pa.table([pa.array(values, written.type)], pa.schema([written])))
    made.evolve([column(1, "c", list_of(struct(column(12, "x", "string"))))])
    made.positions([(path, 1)])
    assert world[1].rows("SELECT c FROM hand") == [([{"x": "x"}],), ([{"x": "y"}],)]
    assert world[1].rows("SELECT c FROM hand WHERE c[1]['x'] = 'y'") == [([{"x": "y"}],)]


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
    "required": (struct(A, B), struct(A, column(13, "d", "int", required=True))),
    "narrower": (struct(column(11, "a", "long")), struct(A)),
    "no members": (struct(A, B), struct()),
    "another kind": (struct(A, B), list_of("int")),
    "another kind in a map": (map_of(struct(A, B)), map_of(list_of("int"))),
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


def test_deletes_by_a_member_of_a_struct_are_refused(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    made = table(world, tmp_path, struct(A, B), OLD)
    keys = pa.schema([pa.field("a", pa.int32(), metadata={"PARQUET:field_id": "11"})])
    made.equality(pa.table({"a": [1]}, keys), [11])
    refused(world[1], Unsupported, "equality deletes by column id 11")


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


def test_members_added_with_defaults_have_them_in_older_files(
    world: tuple[Lake, Lab], tmp_path: Path
) -> None:
    members = [
        column(40 + at, kind, kind, **{"initial-default": written})
        for at, (kind, (written, _)) in enumerate(DEFAULTS.items())
    ]
    made = table(world, tmp_path, list_of(struct(A, B)), [OLD])
    made.evolve([column(1, "c", list_of(struct(*members)))])
    made.publish()
    (((first, second, third),),) = world[1].rows("SELECT c FROM hand")
    assert second is None
    assert first == third
    for kind, (_, expected) in DEFAULTS.items():
        shown = first[kind].hex() if isinstance(first[kind], bytes) else first[kind]
        assert shown == expected or str(shown) == expected

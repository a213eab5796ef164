"""Views become plain columns, at any depth, and nothing else changes."""

import pyarrow as pa
import pytest

from flightlake.errors import Unsupported
from flightlake.flightsql.wire_types import holds_dictionary, to_wire, wire_schema

LONG = "longer than the twelve bytes that a view keeps inline"
view, binary_view = pa.string_view(), pa.binary_view()

COLUMNS = [
    pytest.param(view, pa.string(), ["a", None, LONG], id="string view"),
    pytest.param(binary_view, pa.binary(), [b"a", None, LONG.encode()], id="binary view"),
    pytest.param(pa.list_(view), pa.list_(pa.string()), [["a", None], None, [LONG]], id="list"),
    pytest.param(
        pa.large_list(view), pa.large_list(pa.string()), [["a"], None, []], id="large list"
    ),
    pytest.param(pa.list_(view, 2), pa.list_(pa.string(), 2), [["a", LONG], None], id="fixed list"),
    pytest.param(
        pa.map_(view, view), pa.map_(pa.string(), pa.string()), [[("k", LONG)], None], id="map"
    ),
    pytest.param(
        pa.struct([("s", view), ("n", pa.int8())]),
        pa.struct([("s", pa.string()), ("n", pa.int8())]),
        [{"s": LONG, "n": 1}, None, {"s": None, "n": None}],
        id="struct",
    ),
    pytest.param(
        pa.list_(pa.struct([("s", pa.list_(view))])),
        pa.list_(pa.struct([("s", pa.list_(pa.string()))])),
        [[{"s": ["a", LONG]}], None],
        id="list of structs of lists",
    ),
    pytest.param(
        pa.list_view(pa.int32()), pa.list_(pa.int32()), [[1, 2], None, []], id="list view"
    ),
    pytest.param(
        pa.large_list_view(view), pa.large_list(pa.string()), [["a"], None], id="large list view"
    ),
    pytest.param(
        pa.struct([("l", pa.list_view(view))]),
        pa.struct([("l", pa.list_(pa.string()))]),
        [{"l": [LONG]}, None, {"l": None}],
        id="list view in a struct",
    ),
]


@pytest.mark.parametrize(("given_type", "expected", "values"), COLUMNS)
def test_a_view_becomes_the_plain_type_with_the_same_values(given_type, expected, values):
    batch = pa.record_batch({"c": pa.array([*values, *values], given_type)})
    for piece in (batch, batch.slice(1, len(values)), batch.slice(0, 0)):
        schema = wire_schema(piece.schema)
        assert schema.field("c").type == expected
        plain = to_wire(piece, schema)
        plain.validate(full=True)
        assert plain.schema.equals(schema)
        assert plain.to_pylist() == piece.to_pylist()


def test_names_nullability_and_metadata_stay():
    schema = pa.schema(
        [pa.field("c", view, nullable=False, metadata={"k": "v"}), pa.field("c", view)],
        metadata={"of": "schema"},
    )
    assert wire_schema(schema).equals(
        pa.schema(
            [
                pa.field("c", pa.string(), nullable=False, metadata={"k": "v"}),
                pa.field("c", pa.string()),
            ],
            metadata={"of": "schema"},
        ),
        check_metadata=True,
    )


def test_a_schema_without_views_is_left_alone():
    schema = pa.schema([("a", pa.list_(pa.string())), ("d", pa.dictionary(pa.int8(), pa.string()))])
    assert wire_schema(schema) is schema


def test_plain_columns_are_not_copied():
    values = pa.array(range(100))
    batch = pa.record_batch({"n": values, "s": pa.array(["x"] * 100, view)})
    sent = to_wire(batch, wire_schema(batch.schema))
    assert sent.column("n").buffers()[1].address == values.buffers()[1].address


def test_a_dictionary_of_views_gets_plain_values():
    values = pa.array(["a", LONG], view)
    column = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), values)
    batch = pa.record_batch({"d": column})
    sent = to_wire(batch, wire_schema(batch.schema))
    assert sent.schema.field("d").type == pa.dictionary(pa.int8(), pa.string())
    assert sent.to_pylist() == batch.to_pylist()


@pytest.mark.parametrize(
    "data_type",
    [
        pa.sparse_union([pa.field("s", view)]),
        pa.run_end_encoded(pa.int32(), view),
        pa.list_(pa.list_view(pa.int32())),
    ],
    ids=str,
)
def test_a_view_that_cannot_be_replaced_is_refused_by_its_column(data_type):
    with pytest.raises(Unsupported, match="column 'c' holds view types"):
        wire_schema(pa.schema([("c", data_type)]))


def test_a_batch_without_columns_keeps_its_rows():
    batch = pa.record_batch({"n": [1, 2, 3]}).select([])
    assert to_wire(batch, wire_schema(batch.schema)).num_rows == 3


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        (pa.dictionary(pa.int8(), pa.string()), True),
        (pa.list_(pa.struct([("d", pa.dictionary(pa.int8(), pa.string()))])), True),
        (pa.run_end_encoded(pa.int32(), pa.string()), False),
        (pa.map_(pa.string(), pa.int8()), False),
    ],
    ids=str,
)
def test_dictionaries_are_found_at_any_depth(data_type, expected):
    assert holds_dictionary(data_type) is expected

"""Batches cut and joined to message size."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.server.slicing import (
    LARGEST_MESSAGE,
    Coalescer,
    encoded_size,
    slices,
    with_small_dictionaries,
)

MIB = 2**20


def joined(batches):
    return pa.Table.from_batches(list(batches))


def test_a_large_batch_is_cut_near_the_target():
    batch = pa.record_batch({"n": pa.array(range(2_000_000))})  # 16 MB
    sizes = [encoded_size(piece) for piece in slices(batch, 2 * MIB)]
    assert len(sizes) == 8
    assert max(sizes) < 2.1 * MIB


def test_a_batch_a_little_over_the_target_stays_whole():
    batch = pa.record_batch({"n": pa.array(range(300_000))})  # 2.4 MB
    assert len(list(slices(batch, 2 * MIB))) == 1


@given(
    lengths=st.lists(
        st.one_of(st.integers(0, 100), st.sampled_from([10_000, MIB, 3 * MIB, 5 * MIB])),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=25, deadline=None)
def test_no_piece_is_over_four_mebibytes_unless_it_is_one_row(lengths):
    batch = pa.record_batch({"s": ["x" * length for length in lengths]})
    pieces = list(slices(batch, 2 * MIB))
    assert all(piece.num_rows == 1 or encoded_size(piece) < LARGEST_MESSAGE for piece in pieces)
    assert joined(pieces).equals(joined([batch]))


def test_a_slice_is_measured_by_its_own_rows():
    batch = pa.record_batch({"s": ["x" * 1000] * 100_000})  # 100 MB
    assert encoded_size(batch.slice(50_000, 10)) < 11_000


def test_small_batches_of_a_quick_source_are_joined():
    coalescer = Coalescer(1000)
    batches = [pa.record_batch({"n": [number] * 10}) for number in range(20)]
    out = [piece for batch in batches for piece in coalescer.add(batch, quick=True)]
    out.extend(coalescer.flush())
    assert len(out) < 10
    assert max(encoded_size(piece) for piece in out) < 2000
    assert joined(out).equals(joined(batches))


def test_a_slow_source_is_not_held_back():
    coalescer = Coalescer(1000)
    first, second = (pa.record_batch({"n": [number]}) for number in (1, 2))
    assert list(coalescer.add(first, quick=True)) == []
    assert joined(coalescer.add(second, quick=False)).to_pydict() == {"n": [1, 2]}
    assert list(coalescer.flush()) == []


def test_a_batch_that_fills_a_message_is_not_copied():
    coalescer = Coalescer(1000)
    values = pa.array(range(200))
    (out,) = coalescer.add(pa.record_batch({"n": values}), quick=True)
    assert out.column(0).buffers()[1].address == values.buffers()[1].address


@pytest.mark.parametrize("ordered", [False, True])
def test_a_large_dictionary_is_cut_with_its_rows(ordered):
    values = pa.array([f"{number:06d}" + "x" * 1000 for number in range(6000)])
    indices = pa.array([None, *reversed(range(6000))], pa.int16())
    column = pa.DictionaryArray.from_arrays(indices, values, ordered=ordered)
    batch = pa.record_batch({"d": column, "n": pa.array(range(6001))})
    pieces = list(with_small_dictionaries(batch, 2 * MIB))
    assert max(piece.column("d").dictionary.nbytes for piece in pieces) < 3 * MIB
    assert all(piece.schema.equals(batch.schema) for piece in pieces)
    assert [row for piece in pieces for row in piece.to_pylist()] == batch.to_pylist()


def test_a_small_dictionary_is_left_alone():
    batch = pa.record_batch({"d": pa.array(["a", "b"]).dictionary_encode()})
    assert list(with_small_dictionaries(batch, 2 * MIB)) == [batch]

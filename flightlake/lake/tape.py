"""Encoded Avro values at many places of one buffer, read at once.

Reading values one by one costs most of the time of planning.  Here a *lane* is a place in the
buffer from which a value is to be read; a few array operations read one value in every lane.
A lane that leaves the buffer or meets something impossible is *dead*: it reads zeros behind the
end, and never comes back.  Who reads sees in the end which lanes came out where they should.

Source: Apache Avro specification, "Binary Encoding".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]

_PAD = 32
_LONGEST = 10  # bytes of a 64-bit number
_SHORT = np.array([(byte >> 1) ^ -(byte & 1) for byte in range(128)], np.int64)


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of a tape: where each starts, and how many bytes it has."""

    starts: Places
    lengths: Places


class Tape:
    """A buffer that is read in lanes.

    Args:
        payload: Encoded values.
    """

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.size = len(payload)
        self.dead = self.size + 1
        self._bytes = np.frombuffer(payload + bytes(_PAD), np.uint8)
        last = self._bytes < 0x80  # the last byte of a number, where there is one
        self._ends = last.nonzero()[0].astype(np.int32)
        self._rank = np.zeros(len(last) + 1, np.int32)
        last.cumsum(out=self._rank[1:], dtype=np.int32)

    def only(self, good: npt.NDArray[np.bool_], at: Places) -> Places:
        """Return *at* with the lanes that are not *good* dead."""
        return at if good.all() else np.where(good, at, self.dead)

    def byte(self, at: Places) -> npt.NDArray[np.uint8]:
        """Return the byte at each place."""
        return self._bytes.take(at, mode="clip")

    def number(self, at: Places) -> tuple[Places, Places]:
        """Return the number (int, long) in each lane, and what follows it."""
        first = self._bytes.take(at, mode="clip")
        if not len(first) or first.max() < 0x80:
            return _SHORT.take(first), at + 1
        ends = self._end(at, 0)
        return self._decoded(at, ends), self.only(ends - at < _LONGEST, ends + 1)

    def _end(self, at: Places, further: int | Places) -> Places:
        token = self._rank.take(at, mode="clip")
        return self._ends.take(token + further, mode="clip").astype(np.int64)

    def skip_numbers(self, at: Places, count: int | Places) -> Places:
        """Return what follows *count* numbers (at least one)."""
        return self._end(at, count - 1) + 1

    def numbers(self, at: Places, counts: Places) -> tuple[Places, Places, Places]:
        """Return *counts* numbers of each lane laid flat, how many they are, and what follows.

        They are none in lanes that are not so long, which go dead.
        """
        after = self.skip_numbers(at, counts)
        counts = np.where(after <= self.size, counts, 0)
        firsts = np.cumsum(counts) - counts
        total = int(counts.sum())
        tokens = np.repeat(self._rank.take(at, mode="clip") - firsts, counts) + np.arange(total)
        ends = self._ends.take(tokens).astype(np.int64)
        starts = np.empty(total, np.int64)
        starts[1:] = ends[:-1] + 1
        there = counts > 0
        starts[firsts[there]] = at[there]
        overlong = ends - starts >= _LONGEST
        if overlong.any():
            after[np.repeat(np.arange(len(at)), counts)[overlong]] = self.dead
        return self._decoded(starts, ends), counts, after

    def _decoded(self, starts: Places, ends: Places) -> Places:
        first = self._bytes.take(starts, mode="clip")
        more = (ends > starts).nonzero()[0]
        if not len(more):
            return _SHORT.take(first)
        raw = (first & 0x7F).astype(np.uint64)
        place = 1
        while len(more) and place < _LONGEST:
            byte = self._bytes.take(starts[more] + place, mode="clip") & 0x7F
            raw[more] |= byte.astype(np.uint64) << np.uint64(7 * place)
            more = more[ends[more] > starts[more] + place]
            place += 1
        return (raw >> np.uint64(1)).view(np.int64) ^ -(raw & np.uint64(1)).view(np.int64)

    def span(self, at: Places) -> tuple[Spans, Places]:
        """Return the bytes (bytes, string) in each lane, and what follows them."""
        lengths, starts = self.number(at)
        if len(lengths) and not (lengths.min() >= 0 and lengths.max() <= self.size):
            inside = (lengths >= 0) & (lengths <= self.size)
            starts, lengths = self.only(inside, starts), np.where(inside, lengths, 0)
        return Spans(starts, lengths), starts + lengths

    def fixed(self, at: Places, width: int) -> tuple[Spans, Places]:
        """Return *width* bytes of each lane, and what follows them."""
        return Spans(at, np.full(len(at), width, np.int64)), at + width

    def texts(self, starts: Sequence[int]) -> tuple[Places, Places, Places]:
        """Return those of *starts* that may be of a text, its length, and where that stands.

        That is so if a number ends right before it.  Where the number starts is a guess: behind
        another one.
        """
        places = np.array(starts, np.int64)
        token = self._rank.take(places) - 1
        places, token = places[token >= 0], token[token >= 0]
        before = np.where(token > 0, self._ends[token - 1] + 1, 0)
        lengths, after = self.number(before)
        good = after == places
        return places[good], lengths[good], before[good]

    def binary(self, spans: Spans, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
        """Return the bytes of *spans*, all of which are on the tape; null where not *valid*."""
        lengths = spans.lengths if valid is None else np.where(valid, spans.lengths, 0)
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        total = int(offsets[-1])
        from_ = np.repeat(spans.starts - offsets[:-1], lengths) + np.arange(total)
        bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
        buffers = [bits, pa.py_buffer(offsets), pa.py_buffer(self._bytes[from_])]
        return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)

    def matrix(self, spans: Spans, width: int) -> npt.NDArray[np.uint8]:
        """Return the bytes of *spans*, all *width* wide, as one row each."""
        rows: npt.NDArray[np.uint8] = self._bytes[spans.starts[:, None] + np.arange(width)]
        return rows

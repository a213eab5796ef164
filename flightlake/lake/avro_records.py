"""The records of an Avro file as columns.

Where a record starts is known only once the one before has been read, so records cannot be read
side by side, unless their starts are guessed.  Every record of a manifest has a path, and all
paths of a table begin alike: so the guess is where that beginning stands.  Nothing depends on the
guess being right: it is proven.  Each record must end where the next was guessed to start, the
first at the beginning and the last at the end; each block where the file says; and there must be
as many as the file says.  If that does not hold, the records are found one by one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flightlake.lake.avro import Container, Malformed
from flightlake.lake.listed_shapes import Wanted, shape_of
from flightlake.lake.shapes import Bytes, Column, Key, Record, Shape
from flightlake.lake.tape import Places, Tape

Path = tuple[Key, ...]
"""A field by the ids that lead to it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A field of a record, whatever required records it is in."""

    path: Path
    shape: Shape
    wanted: bool


@dataclass(frozen=True, slots=True)
class Form:
    """How the records of a schema are read: ``steps`` in order, one of them the ``pivot``."""

    steps: tuple[Step, ...]
    pivot: int


@dataclass(frozen=True, slots=True)
class Records:
    """``count`` records: their wanted fields by path, on ``tape``."""

    count: int
    columns: Mapping[Path, Column]
    tape: Tape


def form_of(schema: object, wanted: Wanted, pivot: Path) -> Form:
    """Return how records of *schema* (as JSON has it) are read.

    Args:
        pivot: A text that begins alike in all records.

    Raises:
        Malformed: It is not the schema of a record with that text.
    """
    shape = shape_of(schema, wanted)
    if not isinstance(shape, Record):
        raise Malformed("no records")
    steps = tuple(_steps(shape, (), True))
    for place, step in enumerate(steps):
        if step.path == pivot and isinstance(step.shape, Bytes):
            return Form(steps, place)
    raise Malformed("no path")


def _steps(record: Record, above: Path, wanted: bool) -> Iterator[Step]:
    for member in record.members:
        path, want = (*above, member.key), wanted and member.wanted
        if isinstance(member.shape, Record):
            yield from _steps(member.shape, path, want)
        else:
            yield Step(path, member.shape, want)


def records_of(container: Container, form: Form) -> Records:
    """Return the records of *container*.

    Raises:
        Malformed: They are not what their schema says, or not as many as the file says.
    """
    tape = Tape(container.payload)
    count = int(container.counts.sum())
    if count:
        columns = _columns(tape, form, _guessed(tape, form), container)
        if columns is None:
            columns = _columns(tape, form, _found(form, container), container)
    elif tape.size == 0:
        columns = _columns(tape, form, np.zeros(0, np.int64), container)
    else:
        columns = None
    if columns is None:
        raise Malformed("records that are not as long as they should be")
    return Records(count, columns, tape)


def _columns(
    tape: Tape, form: Form, pivots: Places, container: Container
) -> dict[Path, Column] | None:
    """Return the columns, if *pivots* is where that field is in all records; else None."""
    count = int(container.counts.sum())
    if len(pivots) != count:
        return None
    columns: dict[Path, Column] = {}
    ends = _read(tape, form.steps[form.pivot :], pivots, columns)
    starts = np.concatenate([[0], ends])
    firsts, bounds = np.cumsum(container.counts), np.cumsum(container.sizes)
    if starts[-1] != tape.size or (starts[firsts] != bounds).any():
        return None
    reached = _read(tape, form.steps[: form.pivot], starts[:-1], columns)
    return columns if np.array_equal(reached, pivots) else None


def _read(tape: Tape, steps: Sequence[Step], at: Places, columns: dict[Path, Column]) -> Places:
    for step in steps:
        if step.wanted:
            columns[step.path], at = step.shape.read(tape, at)
        else:
            at = step.shape.skip(tape, at)
    return at


def _guessed(tape: Tape, form: Form) -> Places:
    """Return where the pivot may be in each record."""
    first = _read(tape, form.steps[: form.pivot], np.zeros(1, np.int64), {})
    spans, after = tape.span(first)
    if after[0] > tape.size:
        return first
    start = int(spans.starts[0])
    beginning = _beginning(tape.payload[start : int(after[0])])
    texts, lengths, pivots = tape.texts(
        [found.start() for found in re.finditer(re.escape(beginning), tape.payload)]
    )
    ends = texts + lengths
    good = (lengths >= len(beginning)) & (ends <= tape.size)
    following = form.steps[form.pivot + 1 : form.pivot + 2]
    if following and isinstance(following[0].shape, Bytes):
        # The name of a format follows.  The same path may stand elsewhere, as a bound.
        at = np.where(good, ends, 0)
        size, letter = tape.byte(at), tape.byte(at + 1) & 0xDF
        good &= (size >= 6) & (size <= 16) & (letter >= ord("A")) & (letter <= ord("Z"))
    return pivots[good]


def _beginning(path: bytes) -> bytes:
    """Return a beginning that the other paths of a table will have, too."""
    found = _ROOT.match(path)
    return found.group() if found is not None else path


_ROOT = re.compile(rb"(?:[^:/]+:)?/*[^/]*/")


def _found(form: Form, container: Container) -> Places:
    """Return where the pivot is in each record, by reading one after the other.

    Raises:
        Malformed: A record is not what its schema says, and how.
    """
    payload, at = container.payload, 0
    pivots = np.empty(int(container.counts.sum()), np.int64)
    for record in range(len(pivots)):
        for step in form.steps[: form.pivot]:
            at = step.shape.pass_one(payload, at)
        pivots[record] = at
        for step in form.steps[form.pivot :]:
            at = step.shape.pass_one(payload, at)
    return pivots

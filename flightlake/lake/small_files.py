"""Which files of a table are so small, and so many, that they are put together.

Of each partition, the smallest are taken, up to the last one that is no larger than all smaller
ones together.  So what was put together waits until as much has come again: a row is written
anew as often as its file doubles, however many come one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flightlake.lake.portions import Portion
from flightlake.lake.reading import Chosen

_MOST_FILES = 10_000
_MOST_BYTES = 16 << 30


@dataclass(frozen=True, slots=True)
class Smallness:
    """``least`` files below ``below`` bytes, in one partition, are many; 0 files are never.

    Manifests are small below ``manifest_bytes``; ``least`` of them are many, too.
    """

    least: int = 16
    below: int = 64 << 20
    manifest_bytes: int = 2 << 20


SMALLNESS = Smallness()


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """Files of one partition, ``key``, that become one file, or few."""

    key: tuple[Any, ...]
    portion: Portion
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class _File:
    sequence: int
    size: int
    chosen: int
    row: int


def together(sizes: Sequence[int], least: int) -> int:
    """Return how many of *sizes*, which ascend, are put together; 0 for none."""
    found = total = 0
    for count, size in enumerate(sizes, 1):
        if count >= max(least, 2) and size <= total:
            found = count
        total += size
    return found if least else 0


def lots(
    chosen: Sequence[Chosen],
    spec_id: int,
    manifest_list: str | None,
    small: Smallness,
    file_bytes: int,
) -> list[Lot]:
    """Return what is to be put together of the files *chosen*, a bounded lot at a time.

    Args:
        chosen: All data files of a snapshot.
        spec_id: How the table is cut; files that are cut otherwise stay as they are.
        manifest_list: That of the snapshot.
        small: What is small, and how many are many.
        file_bytes: How large a file is to be.
    """
    found: list[Lot] = []
    files = size = 0
    for key, some in sorted(_by_partition(chosen, spec_id, small.below).items(), key=_crowded):
        some.sort(key=lambda file: file.size)
        taken = some[: together([file.size for file in some], small.least)]
        # Rows that came one after the other stay near each other: their values may, too.
        taken.sort(key=lambda file: file.sequence)
        for lot in _cut(taken, file_bytes):
            files, size = files + len(lot), size + sum(file.size for file in lot)
            if found and (files > _MOST_FILES or size > _MOST_BYTES):
                return found  # the rest is for the next time
            found.append(_lot(key, lot, chosen, manifest_list))
    return found


def _by_partition(
    chosen: Sequence[Chosen], spec_id: int, below: int
) -> dict[tuple[Any, ...], list[_File]]:
    found: dict[tuple[Any, ...], list[_File]] = {}
    for number, one in enumerate(chosen):
        if one.ref.spec_id != spec_id:
            continue
        manifest = one.manifest
        for row in one.rows[manifest.sizes[one.rows] < below].tolist():
            sequence = manifest.sequence(row, one.ref.sequence)
            file = _File(sequence, int(manifest.sizes[row]), number, row)
            found.setdefault(manifest.partition_key(row), []).append(file)
    return found


def _crowded(partition: tuple[tuple[Any, ...], list[_File]]) -> int:
    return -len(partition[1])


def _cut(files: Sequence[_File], most: int) -> Iterator[list[_File]]:
    lot: list[_File] = []
    size = 0
    for file in files:
        if len(lot) == _MOST_FILES or (size + file.size > most and len(lot) > 1):
            yield lot
            lot, size = [], 0
        lot.append(file)
        size += file.size
    if len(lot) > 1:
        yield lot


def _lot(
    key: tuple[Any, ...], files: Sequence[_File], chosen: Sequence[Chosen], listed: str | None
) -> Lot:
    rows: dict[int, list[int]] = {}
    for file in files:
        rows.setdefault(file.chosen, []).append(file.row)
    some = tuple(
        Chosen(chosen[number].ref, chosen[number].manifest, np.array(sorted(of), np.int64))
        for number, of in rows.items()
    )
    paths = frozenset(path for one in some for path in _paths(one))
    return Lot(key, Portion(some, listed), paths)


def _paths(one: Chosen) -> list[str]:
    return [one.manifest.file(row)[0] for row in one.rows.tolist()]

"""Some of the files of a table: those by which two of its snapshots differ.

A manifest that both snapshots list holds the same for both, so only the others are read; what
they list is compared file by file.  Nothing is believed of what writers say they did.

Source: Iceberg spec, "Manifests", "Manifest Lists", "Snapshots".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flightlake.errors import DamagedData
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.manifests import Manifest
from flightlake.lake.reading import Chosen

Load = Callable[[Sequence[ManifestRef]], Sequence[Manifest]]


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Data files as one snapshot lists them.

    ``manifest_list`` is that of the snapshot whose deletes apply to them; None applies none.
    """

    chosen: tuple[Chosen, ...]
    manifest_list: str | None = None

    @property
    def files(self) -> int:
        return sum(len(some.rows) for some in self.chosen)

    @property
    def rows(self) -> int:
        """How many rows the files have, deleted ones too."""
        return sum(int(some.manifest.record_counts[some.rows].sum()) for some in self.chosen)

    @property
    def size(self) -> int:
        """The bytes of the files."""
        return sum(int(some.manifest.sizes[some.rows].sum()) for some in self.chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """By which data files a snapshot differs from the one before it.

    ``deletes`` says whether other delete files apply than before, ``more_deletes`` whether there
    are such as there were not, and ``had_deletes`` whether there were any at all.
    """

    added: tuple[Chosen, ...]
    removed: tuple[Chosen, ...]
    deletes: bool
    more_deletes: bool
    had_deletes: bool


def difference(
    before: Sequence[ManifestRef], after: Sequence[ManifestRef], load: Load, table: str
) -> Difference:
    """Return by what the manifests *after* differ from those *before*; *load* reads them.

    Raises:
        DamagedData: A manifest is broken, or one of those that differ lists a file twice.
    """
    old, new = _only(before, after), _only(after, before)
    gone = _entries([ref for ref in old if not ref.deletes], load, table)
    come = _entries([ref for ref in new if not ref.deletes], load, table)
    less = _entries([ref for ref in old if ref.deletes], load, table).keys()
    more = _entries([ref for ref in new if ref.deletes], load, table).keys()
    return Difference(
        added=_chosen([place for key, place in come.items() if key not in gone]),
        removed=_chosen([place for key, place in gone.items() if key not in come]),
        deletes=less != more,
        more_deletes=not more <= less,
        had_deletes=any(ref.deletes and ref.live != 0 for ref in before),
    )


_Place = tuple[ManifestRef, Manifest, int]


def _only(some: Sequence[ManifestRef], others: Sequence[ManifestRef]) -> list[ManifestRef]:
    known = {_identity(ref) for ref in others}
    return [ref for ref in some if ref.live != 0 and _identity(ref) not in known]


def _identity(ref: ManifestRef) -> tuple[Any, ...]:
    return ref.path, ref.length, ref.spec_id, ref.sequence, ref.deletes


def _entries(refs: Sequence[ManifestRef], load: Load, table: str) -> dict[tuple[Any, ...], _Place]:
    """Return the live files of *refs* by all that decides which rows they give."""
    found: dict[tuple[Any, ...], _Place] = {}
    count = 0
    for ref, manifest in zip(refs, load(refs), strict=True):
        count += len(manifest)
        rows = zip(
            manifest.paths.to_pylist(),
            manifest.sizes.tolist(),
            manifest.record_counts.tolist(),
            manifest.sequences.tolist(),
            strict=True,
        )
        for row, (path, size, records, sequence) in enumerate(rows):
            own = ref.sequence if sequence < 0 else sequence
            details = manifest.deletes
            blob = None if details is None else (details.offsets[row], details.blob_sizes[row])
            found[path, size, records, own, blob] = (ref, manifest, row)
    if len(found) < count:
        raise DamagedData(f"manifests of table {table} list a file twice")
    return found


def _chosen(places: Sequence[_Place]) -> tuple[Chosen, ...]:
    by_manifest: dict[int, list[_Place]] = {}
    for place in places:
        by_manifest.setdefault(id(place[1]), []).append(place)
    return tuple(
        Chosen(some[0][0], some[0][1], np.array([row for _, _, row in some], np.int64))
        for some in by_manifest.values()
    )

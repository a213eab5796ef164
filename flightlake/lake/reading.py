"""From chosen files to the parts they are read in: columns resolved, deletes found."""

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from pyiceberg.types import NestedField

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData
from flightlake.lake.columns import Footers
from flightlake.lake.deleted_rows import DeletedRows
from flightlake.lake.deleted_values import DeletedValuesPlanner, KeySet, Touched, key_sets
from flightlake.lake.deletes import Applicable, DeleteFile, DeleteIndex, PartitionKey
from flightlake.lake.files import DataFiles
from flightlake.lake.layouts import Layout
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.manifests import Manifest
from flightlake.lake.mapping import Constants, Resolved, constants_key
from flightlake.lake.nans import Nans, nans_in, scan_schema, stored_names
from flightlake.lake.parts import Column, EqualityDeletes, Part
from flightlake.lake.pinned import Pinned
from flightlake.lake.resolving import Resolver


@dataclass(frozen=True, slots=True)
class Chosen:
    """Files of one manifest: the numbers of their rows in it."""

    ref: ManifestRef
    manifest: Manifest
    rows: np.ndarray


@dataclass(slots=True)
class _Group:
    """Files that are read alike, while they are gathered."""

    resolved: Resolved
    layout: Layout
    constants: Constants
    partition: PartitionKey
    equality: tuple[DeleteFile, ...]
    nans: Nans
    sequence: int = 0
    paths: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    deletes: dict[str, Sequence[DeleteFile]] = field(default_factory=dict)


class PartPlanner:
    """Makes parts; one per plan.

    Args:
        pinned: The table.
        footers: Reads what columns files have.
        deleted_rows: Reads delete files.
        cancellation: Who waits.
    """

    def __init__(
        self,
        pinned: Pinned,
        footers: Footers,
        deleted_rows: DeletedRows,
        cancellation: Cancellation | None,
    ) -> None:
        self._pinned = pinned
        self._footers = footers
        self._deleted_rows = deleted_rows
        self._cancellation = cancellation
        self._resolver = Resolver(pinned)
        self._values = DeletedValuesPlanner(
            pinned, footers, self._resolver.resolve_all, cancellation
        )
        self._seen: set[str] = set()

    def parts(
        self, chosen: Sequence[Chosen], files: DataFiles, deletes: DeleteIndex | None
    ) -> tuple[Part, ...]:
        """Return the parts that all files of *chosen*, which are *files*, are read in.

        Raises:
            Unsupported: A file cannot be read right; says why.
            DamagedData: A file is missing or broken.
            NotReady: The store does not answer.
        """
        self._read_layouts(chosen)
        alike = self._all_alike(chosen) if deletes is None or not deletes.count else None
        if alike is not None:
            if not len(files):
                return ()
            nans = functools.reduce(operator.or_, map(self._nans, chosen))
            return (self._plain(files, alike, nans),)
        groups: dict[tuple[object, ...], _Group] = {}
        for some in chosen:
            nans = self._nans(some)
            for row in some.rows.tolist():
                self._add(some, row, nans, deletes, groups)
        equality = self._equality(list(groups.values()))
        return tuple(
            self._part(group, equality[key_sets(group.equality)]) for group in groups.values()
        )

    def _equality(
        self, groups: Sequence[_Group]
    ) -> Mapping[tuple[KeySet, ...], tuple[EqualityDeletes, ...]]:
        """Return what deletes by value, for all groups with the same sets of columns at once."""
        touched: dict[tuple[KeySet, ...], list[Touched]] = {}
        for group in groups:
            touched.setdefault(key_sets(group.equality), []).append(
                Touched(group.sequence, group.partition, group.equality)
            )
        return {
            sets: tuple(self._values.deletes(keys, some) for keys in sets)
            for sets, some in touched.items()
        }

    def _all_alike(self, chosen: Sequence[Chosen]) -> Resolved | None:
        """Return the one way in which all files are read, if it is one for all."""
        ways: dict[int, Resolved] = {}
        seen: set[tuple[int, int]] = set()  # what is in a partition is said by each manifest
        for files in chosen:
            for row in files.rows.tolist():
                layout = files.manifest.layouts[row]
                if layout is None or (id(files.manifest), id(layout)) in seen:
                    continue
                seen.add((id(files.manifest), id(layout)))
                constants = self._resolver.constants(files.ref, files.manifest, row, layout)
                if constants:
                    return None
                way = self._resolver.resolve(layout, constants, self._pinned.schema.fields)
                ways[id(way)] = way
        return next(iter(ways.values())) if len(ways) == 1 else None

    def _add(
        self,
        some: Chosen,
        row: int,
        nans: Nans,
        deletes: DeleteIndex | None,
        groups: dict[tuple[object, ...], _Group],
    ) -> None:
        ref, manifest = some.ref, some.manifest
        layout = manifest.layouts[row]
        assert layout is not None  # noqa: S101 - all were read before
        constants = self._resolver.constants(ref, manifest, row, layout)
        path, size, count = manifest.file(row)
        sequence, partition = manifest.sequence(row, ref.sequence), (-1, ())
        applicable = _NOTHING
        if deletes is not None and deletes.count:
            if path in self._seen:
                raise DamagedData(f"table {self._pinned.table} has a data file twice, and deletes")
            self._seen.add(path)
            partition = (ref.spec_id, manifest.partition_key(row))
            applicable = deletes.applicable(path, sequence, partition, self._pinned.table)
        resolved = self._resolver.resolve(layout, constants, self._pinned.schema.fields)
        equality = applicable.equality
        # What the columns of equality deletes are called depends on the file, too.
        more = (layout, constants_key(constants)) if equality else None
        key = (id(resolved), nans, equality, more)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(resolved, layout, constants, partition, equality, nans)
        group.sequence = max(group.sequence, sequence)
        group.paths.append(path)
        group.sizes.append(size)
        group.counts.append(count)
        if applicable.vector is not None:
            group.deletes[path] = (applicable.vector,)
        elif applicable.positions:
            group.deletes[path] = applicable.positions

    def _part(self, group: _Group, equality: tuple[EqualityDeletes, ...]) -> Part:
        pinned = self._pinned
        deleted = {
            path: self._deleted_rows.of(pinned.store, path, deletes, pinned.table)
            for path, deletes in group.deletes.items()
        }
        ids = dict.fromkeys(id_ for keys in key_sets(group.equality) for id_ in keys.ids)
        fields = self._values.fields(tuple(ids))
        keys = (
            self._resolver.resolve_all(group.layout, group.constants, fields).columns if ids else ()
        )
        scanned = dict(zip(group.resolved.schema.names, group.resolved.schema.types, strict=True))
        for key in keys:
            if key.stored is not None:
                scanned.setdefault(key.stored, key.type)
        known = [*self._with_ids(group.resolved.columns), *zip(ids, keys, strict=True)]
        return Part(
            files=DataFiles(
                pa.chunked_array([pa.array(group.paths, pa.string())]),
                pa.chunked_array([pa.array(group.sizes, pa.int64())]),
                pa.chunked_array([pa.array(group.counts, pa.int64())]),
            ),
            schema=scan_schema(
                pa.schema(list(scanned.items())), stored_names(known, group.nans.hide)
            ),
            columns=group.resolved.columns,
            deleted_rows={path: rows for path, rows in deleted.items() if len(rows)},
            equality=equality,
            keys=keys,
            sequence=group.sequence,
            partition=self._values.number(group.partition),
            nans=stored_names(known, group.nans.may_be),
        )

    def _with_ids(self, columns: Sequence[Column]) -> list[tuple[int, Column]]:
        ids = (member.field_id for member in self._pinned.schema.fields)
        return list(zip(ids, columns, strict=True))

    def _nans(self, some: Chosen) -> Nans:
        fields = self._values.known.values()
        nans = nans_in(fields, some.manifest, some.rows)
        if not nans.hide:
            return nans
        # Nothing is hidden in a file that does not have the column.
        rows: dict[Layout, list[int]] = {}
        for row in some.rows.tolist():
            if (layout := some.manifest.layouts[row]) is not None:
                rows.setdefault(layout, []).append(row)
        hide = [
            nans_in(_in_file(fields, layout), some.manifest, np.array(of)).hide
            for layout, of in rows.items()
        ]
        return Nans(nans.may_be, frozenset().union(*hide))

    def _plain(self, files: DataFiles, alike: Resolved, nans: Nans) -> Part:
        known = self._with_ids(alike.columns)
        schema = scan_schema(alike.schema, stored_names(known, nans.hide))
        return Part(files, schema, alike.columns, {}, nans=stored_names(known, nans.may_be))

    def _read_layouts(self, chosen: Sequence[Chosen]) -> None:
        unread = [
            (files.manifest, row)
            for files in chosen
            for row in files.rows.tolist()
            if files.manifest.layouts[row] is None
        ]
        found = self._footers.layouts(
            self._pinned.store,
            [manifest.file(row) for manifest, row in unread],
            self._pinned.table,
            self._cancellation,
        )
        for (manifest, row), layout in zip(unread, found, strict=True):
            manifest.layouts[row] = layout


_NOTHING = Applicable(None, (), ())


def _in_file(fields: Iterable[NestedField], layout: Layout) -> list[NestedField]:
    """Return those of *fields* that files of *layout* may have."""
    ids = {column.field_id for column in layout.columns}
    return [field for field in fields if field.field_id in ids or None in ids]

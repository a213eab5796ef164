"""Views on a branch: a catalog as it looks from there, and changes that stay there.

A branch of a view is an Iceberg branch of its table.  What ``main`` says in properties, the
branch says in properties of the same names with ``@`` and its name behind.  Through
``BranchCatalog`` a table that has the branch looks as if the branch were its ``main``; one
without it is as it is.  Whoever changes it changes the branch, which is made at the head of
``main``; nothing of ``main`` changes, not even which schema and partition spec are current.

Source: Iceberg spec, "Snapshot References", "Table Metadata Fields".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.update import (
    RemovePropertiesUpdate,
    RemoveSnapshotRefUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
)

from flightlake.errors import NotFound, PreconditionFailed, Unsupported
from flightlake.lake.ancestry import ancestry
from flightlake.lake.branch_points import SETTINGS, is_point, points
from flightlake.lake.catalogs import Catalog
from flightlake.lake.materialized import (
    PREFIX,
    UUID,
    branches_of,
    is_materialized_view,
    on_branch,
)
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView, find_view, views_in
from flightlake.lake.writing import (
    CannotRename,
    Committed,
    Fresh,
    Refusal,
    WritableCatalog,
    WritingRefused,
)
from flightlake.names import TableIdentifier

SPEC = f"{PREFIX}spec"


class CannotBranch(Unsupported):
    """A catalog cannot hold branches of views."""


@dataclass(frozen=True, slots=True)
class OnBranch(Committed):
    """A table as it looks from a branch; ``real`` is what it is."""

    real: Committed


def seen_from(metadata: TableMetadata, branch: str) -> TableMetadata:
    """Return *metadata* as if *branch* were ``main``; as it is if there is no such branch."""
    ref = metadata.refs.get(branch)
    if ref is None or ref.snapshot_ref_type != SnapshotRefType.BRANCH:
        return metadata
    head = metadata.snapshot_by_id(ref.snapshot_id)
    if head is None:
        return metadata
    mine = {
        name.rpartition("@")[0]: text
        for name, text in metadata.properties.items()
        if _is_of(name, branch)
    }
    known = {schema.schema_id for schema in metadata.schemas}
    schema_id = head.schema_id if mine and head.schema_id in known else metadata.current_schema_id
    return metadata.model_copy(
        update={
            "current_snapshot_id": ref.snapshot_id,
            "current_schema_id": schema_id,
            "default_spec_id": int(mine.get(SPEC, metadata.default_spec_id)),
            "properties": {**metadata.properties, **mine},
            "refs": {**metadata.refs, MAIN_BRANCH: ref},
        }
    )


def kept_to(
    updates: Sequence[TableUpdate], branch: str, metadata: TableMetadata
) -> list[TableUpdate]:
    """Return *updates*, made of a table as it looks from *branch*, as changes of the branch.

    *metadata* is what the table is.
    """
    found: list[TableUpdate] = []
    told: dict[str, str] = {}
    ref = metadata.refs.get(branch)
    if ref is not None and ref.snapshot_ref_type != SnapshotRefType.BRANCH:
        raise PreconditionFailed(f"the table has a tag '{branch}'; give the branch another name")
    head = metadata.current_snapshot_id if ref is None else None
    for update in updates:
        if isinstance(update, SetSnapshotRefUpdate):
            head = update.snapshot_id
        elif isinstance(update, SetDefaultSpecUpdate):
            told[on_branch(SPEC, branch)] = str(update.spec_id)
        elif isinstance(update, SetPropertiesUpdate):
            told |= {_named(name, branch): text for name, text in update.updates.items()}
        elif isinstance(update, RemovePropertiesUpdate):
            raise Unsupported("a view becomes a table on main only; unset the session's 'branch'")
        elif not isinstance(update, SetCurrentSchemaUpdate):
            found.append(update)
    if head is not None:
        found.append(_at(branch, head))
    elif ref is None and told:
        raise PreconditionFailed(
            f"the view has no rows yet, and so no branch; run REFRESH MATERIALIZED VIEW of it on"
            f" branch '{branch}' first"
        )
    told |= points(told, branch, metadata.properties)
    return [*found, SetPropertiesUpdate(updates=told)] if told else found


def without(metadata: TableMetadata, branch: str) -> list[TableUpdate]:
    """Return what takes *branch* and all it says away from a table."""
    gone = [name for name in metadata.properties if _is_of(name, branch)]
    return [
        *(
            [RemoveSnapshotRefUpdate.model_validate({"ref-name": branch})]
            if branch in metadata.refs
            else []
        ),
        *([RemovePropertiesUpdate(removals=gone)] if gone else []),
    ]


def made_here(metadata: TableMetadata, branch: str) -> bool:
    """Return whether *branch* is one that a view was changed or refreshed on."""
    told = any(_is_of(name, branch) for name in metadata.properties)
    return told and is_materialized_view(seen_from(metadata, branch))


def forwarded(
    metadata: TableMetadata, branch: str, settings: Mapping[str, str]
) -> list[TableUpdate] | None:
    """Return what makes *branch* the ``main`` of a table; None if ``main`` has gone elsewhere.

    Of ``SETTINGS``, ``main`` takes those that *settings* say, and keeps its own otherwise.
    """
    seen = seen_from(metadata, branch)
    head, main = seen.current_snapshot_id, metadata.current_snapshot_id
    if main is not None and all(one.snapshot_id != main for one in ancestry(metadata, head)):
        return None
    changed = {
        name: text
        for name, text in {**seen.properties, **settings}.items()
        if metadata.properties.get(name) != text
        and name != SPEC
        and not is_point(name)
        and (name in settings or name not in SETTINGS)
    }
    if seen.current_snapshot_id is None:
        return None
    return [
        SetCurrentSchemaUpdate.model_validate({"schema-id": seen.current_schema_id}),
        SetDefaultSpecUpdate.model_validate({"spec-id": seen.default_spec_id}),
        _at(MAIN_BRANCH, seen.current_snapshot_id),
        *([SetPropertiesUpdate(updates=changed)] if changed else []),
        *without(metadata, branch),
    ]


class BranchCatalog:
    """*catalog* as it looks from *branch*.  Thread-safe, if *catalog* is.

    What is not said here is as ``Catalog``, ``ViewCatalog`` and ``WritableCatalog`` say.
    """

    def __init__(self, catalog: Catalog, branch: str) -> None:
        self.name = catalog.name
        self.branch = branch
        self._catalog = catalog

    def db_schemas(self) -> list[str]:
        return self._catalog.db_schemas()

    def tables(self, db_schema: str) -> list[str]:
        return self._catalog.tables(db_schema)

    def load(self, db_schema: str, table: str) -> IcebergTable:
        found = self._catalog.load(db_schema, table)
        seen = seen_from(found.metadata, self.branch)
        if seen is found.metadata:
            return found.on_branch("")
        at = found.at_snapshot(seen.current_snapshot_id, seen.current_schema_id)
        return replace(at, metadata=seen)

    def views(self, db_schema: str) -> list[str]:
        return views_in(self._catalog, db_schema)

    def view(self, db_schema: str, name: str) -> IcebergView:
        found = find_view(self._catalog, db_schema, name)
        if found is None:
            raise NotFound(f"view {TableIdentifier(self.name, db_schema, name)} does not exist")
        return found

    def current(self, identifier: TableIdentifier) -> Committed | None:
        found = self._writable.current(identifier)
        return None if found is None else self._seen(found)

    def fresh(
        self,
        identifier: TableIdentifier,
        schema: Schema,
        spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Fresh:
        return self._writable.fresh(identifier, schema, spec, properties)

    def attempt(
        self, base: Committed | Fresh, updates: Sequence[TableUpdate]
    ) -> Committed | Refusal:
        real = base.real if isinstance(base, OnBranch) else base
        done = self._writable.attempt(real, kept_to(updates, self.branch, real.metadata))
        return self._seen(done) if isinstance(done, Committed) else done

    def drop(self, table: Committed) -> bool:
        """Take the branch from *table*; the table, too, if it is nowhere else.

        Raises:
            Unsupported: The table is as on ``main``.
            Lost, FlightlakeError: As for ``WritableCatalog``.
        """
        real = table.real if isinstance(table, OnBranch) else table
        updates = without(real.metadata, self.branch)
        if not updates:
            raise Unsupported(
                f"{table.identifier} is as on main, and views are dropped on main only; unset the"
                " session option 'branch'"
            )
        if not is_materialized_view(real.metadata) and branches_of(real.metadata) == [self.branch]:
            return self._writable.drop(real)
        return isinstance(self._writable.attempt(real, updates), Committed)

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        raise CannotRename("views are renamed on main only; unset the session option 'branch'")

    def compares_properties(self) -> bool:
        return self._writable.compares_properties()

    def materialized_views(self, db_schema: str) -> list[str]:
        known = self._writable.materialized_views(db_schema)
        return sorted(
            {*known, *(name for name in self.tables(db_schema) if self._is(name, db_schema))}
        )

    def _is(self, name: str, db_schema: str) -> bool:
        try:
            return is_materialized_view(self.load(db_schema, name).metadata)
        except (NotFound, Unsupported):
            return False

    def _seen(self, real: Committed) -> OnBranch:
        seen = seen_from(real.metadata, self.branch)
        return OnBranch(real.identifier, real.location, seen, real.store, real)

    @property
    def _writable(self) -> WritableCatalog:
        if not isinstance(self._catalog, WritableCatalog):
            raise WritingRefused(f"catalog '{self.name}' is not written")
        if not self._catalog.compares_properties():
            raise CannotBranch(
                f"catalog '{self.name}' cannot hold branches of views, as it does not compare all"
                " of a table when it is changed; use one of type sql, hive or glue"
            )
        return self._catalog


def _at(branch: str, snapshot_id: int) -> SetSnapshotRefUpdate:
    told = {"ref-name": branch, "type": SnapshotRefType.BRANCH, "snapshot-id": snapshot_id}
    return SetSnapshotRefUpdate.model_validate(told)


def _is_of(name: str, branch: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(f"@{branch}")


def _named(name: str, branch: str) -> str:
    ours = name.startswith(PREFIX) and name != UUID
    return on_branch(name, branch) if ours else name

"""An Iceberg table, pinned to one snapshot and one schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
from pyiceberg.table.metadata import TableMetadata

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, NotFound
from flightlake.lake import refusals
from flightlake.lake.arrow_types import arrow_schema
from flightlake.lake.materialized import branches_of, is_materialized_view
from flightlake.lake.parts import FilePlan
from flightlake.lake.pinned import Pinned
from flightlake.lake.planning import Planner
from flightlake.lake.portions import Difference, Portion
from flightlake.lake.predicates import Predicate
from flightlake.lake.stores import StoreSettings, settings_for
from flightlake.lake.versions import AsOf, find, find_branch
from flightlake.names import TableIdentifier


@dataclass(frozen=True, slots=True)
class IcebergTable:
    """A table as one statement sees it; a value, which never changes.

    ``schema`` is what clients see and what the engine reads (``arrow_types``), ``schema_id``
    its id in the table.  ``snapshot_id`` is None for a table that never had rows.  ``uuid``
    tells the table from another that later has its name.  ``store`` reaches its files.
    With ``only`` it has the rows of these files, and no others.
    """

    identifier: TableIdentifier
    schema: pa.Schema
    schema_id: int
    snapshot_id: int | None
    uuid: str
    store: StoreSettings
    metadata: TableMetadata = field(repr=False, compare=False)
    planner: Planner = field(repr=False, compare=False)
    only: tuple[Portion, ...] | None = field(default=None, repr=False, compare=False)

    def at_snapshot(self, snapshot_id: int | None, schema_id: int | None = None) -> "IcebergTable":
        """Return the same table at another snapshot, for a ticket that names it.

        Args:
            snapshot_id: None for the table as it was before its first rows.
            schema_id: The schema the ticket was planned with; None for this one's.

        Raises:
            NotFound: The snapshot, or the schema, is not (or no longer) part of the table.
        """
        if snapshot_id is not None and self.metadata.snapshot_by_id(snapshot_id) is None:
            raise NotFound(
                f"snapshot {snapshot_id} of table {self.identifier} has expired; "
                "run the statement again"
            )
        if schema_id is None or schema_id == self.schema_id:
            return replace(self, snapshot_id=snapshot_id)
        for schema in self.metadata.schemas:
            if schema.schema_id == schema_id:
                arrow = arrow_schema(schema, str(self.identifier))
                return replace(self, snapshot_id=snapshot_id, schema_id=schema_id, schema=arrow)
        raise NotFound(
            f"schema {schema_id} of table {self.identifier} is gone; run the statement again"
        )

    def as_of(self, as_of: AsOf) -> "IcebergTable":
        """Return the same table as it was.

        Raises:
            NotFound: There is no such snapshot, branch or tag, or nothing at that moment.
        """
        version = find(self.metadata, as_of, str(self.identifier))
        return self.at_snapshot(version.snapshot_id, version.schema_id)

    def on_branch(self, branch: str) -> "IcebergTable":
        """Return the same table on *branch*, or as it is if it has no branch of that name.

        Raises:
            NotFound: It is a view that is on other branches only, and not on ``main``.
        """
        version = find_branch(self.metadata, branch)
        elsewhere = branches_of(self.metadata) if version is None else []
        if elsewhere and not is_materialized_view(self.metadata) and self.snapshot_id is None:
            raise NotFound(
                f"view {self.identifier} is on branch '{elsewhere[0]}' only; set the session option"
                " 'branch', or merge it"
            )
        return self if version is None else self.at_snapshot(version.snapshot_id, version.schema_id)

    @property
    def data_file_count(self) -> int | None:
        """How many data files the snapshot's writer says it has; None if it does not say."""
        if self.only is not None:
            return sum(portion.files for portion in self.only)
        if self.snapshot_id is None:
            return 0
        snapshot = self.metadata.snapshot_by_id(self.snapshot_id)
        said = snapshot.summary.get("total-data-files") if snapshot and snapshot.summary else None
        return int(said) if said is not None and said.isdigit() else None

    def plan_files(
        self, predicate: Predicate, cancellation: Cancellation | None = None
    ) -> FilePlan:
        """Return the data files that may hold rows *predicate* is true for.

        Every file in the plan has been found safe to read by name with ``schema``.

        Raises:
            Unsupported: The table needs something that is not supported, by name.
            DamagedData: Something of the table is missing or broken.
            NotReady: The store does not answer.
            FlightlakeError: The reason of *cancellation*, once it is cancelled.
        """
        pinned = self._pinned(self.snapshot_id)
        if self.only is not None:
            return self.planner.plan_portions(pinned, self.only, predicate, cancellation)
        return self.planner.plan(pinned, predicate, cancellation)

    def difference(
        self, before: int | None, after: int | None, cancellation: Cancellation | None = None
    ) -> Difference:
        """Return by which files snapshot *after* differs from *before*; None has no files.

        Raises:
            As ``plan_files``.
        """
        return self.planner.difference(self._pinned(before), self._pinned(after), cancellation)

    def some_match(self, portions: Sequence[Portion], predicate: Predicate) -> bool:
        """Return whether a file of *portions* may hold rows *predicate* is true for."""
        return self.planner.some_match(self._pinned(self.snapshot_id), portions, predicate)

    def _pinned(self, snapshot_id: int | None) -> Pinned:
        snapshot = None if snapshot_id is None else self.metadata.snapshot_by_id(snapshot_id)
        schemas = {schema.schema_id: schema for schema in self.metadata.schemas}
        return Pinned(
            table=str(self.identifier),
            metadata=self.metadata,
            schema=schemas[self.schema_id],
            manifest_list=None if snapshot is None else snapshot.manifest_list,
            store=self.store,
        )


def open_table(
    identifier: TableIdentifier,
    metadata: TableMetadata,
    properties: Mapping[str, str],
    timeout: float,
    planner: Planner,
) -> IcebergTable:
    """Return the table of *metadata* at its current snapshot.

    Args:
        identifier: The name it was asked for by.
        metadata: Its metadata file, parsed.
        properties: How its store is reached (``stores.settings_for``).
        timeout: Seconds for one request to the store.
        planner: The planner of the process.

    Raises:
        Unsupported: The table cannot be read here; says why.
        DamagedData: Its current snapshot is not among its snapshots.
    """
    refusals.check_metadata(metadata, str(identifier))
    current = metadata.current_snapshot_id
    if current is not None and metadata.snapshot_by_id(current) is None:
        raise DamagedData(f"the metadata of table {identifier} lacks its current snapshot")
    schema = metadata.schema()
    return IcebergTable(
        identifier=identifier,
        schema=arrow_schema(schema, str(identifier)),
        schema_id=schema.schema_id,
        snapshot_id=current,
        uuid=str(metadata.table_uuid),
        store=settings_for(metadata.location, properties, timeout),
        metadata=metadata,
        planner=planner,
    )

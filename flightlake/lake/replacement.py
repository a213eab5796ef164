"""Rows of a table made: written aside, then put in the place of old ones, or beside them, at once.

Until the commit nobody sees anything of it.  What was written is deleted again only where no
commit can have named it; what a process leaves behind that dies is named by nobody.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import RemovePropertiesUpdate, SetPropertiesUpdate

from flightlake.errors import FlightlakeError
from flightlake.lake.commits import Gone, OutcomeUnknown, commit, dropped
from flightlake.lake.data_files import DataFiles
from flightlake.lake.encoding import ENCODING, Encoding
from flightlake.lake.layout_terms import LayoutTerm, partition_spec
from flightlake.lake.materialized import PREFIX, is_materialized_view
from flightlake.lake.new_files import StoreFiles, remove
from flightlake.lake.property_changes import changed_properties
from flightlake.lake.snapshots import Change, Content, replaced
from flightlake.lake.storable import iceberg_schema
from flightlake.lake.writing import Committed, Fresh, WritableCatalog
from flightlake.names import TableIdentifier

__all__ = ["Replacement", "Told", "dropped", "plain_table"]

_PROPERTIES = {"format-version": "2", "write.parquet.compression-codec": "zstd"}

Told = tuple[Mapping[str, str], Mapping[str, str]]
"""Properties of the table, and what its snapshot's summary says."""


class Replacement:
    """New content for a table; used once, by one thread.

    Args:
        catalog: Where the table is, or is made.
        identifier: Its name.
        base: What it is now; None to make it.
        columns: The columns of its rows from now on.
        terms: How it is cut into partitions from now on.
        encoding: How large files are, and how much is encoded at a time.
        id: What the refresh is called; its files are below a folder of this name.

    Raises:
        InvalidSql, Unsupported: The columns cannot be stored, or not be cut so.
        NotFound: There is no such schema to make the table in.
    """

    def __init__(
        self,
        catalog: WritableCatalog,
        identifier: TableIdentifier,
        base: Committed | None,
        columns: pa.Schema,
        terms: Sequence[LayoutTerm],
        encoding: Encoding = ENCODING,
        id: str = "",  # noqa: A002 - what it is
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.snapshot_id = (uuid.uuid4().int >> 65) or 1
        self.terms = tuple(terms)
        self._catalog = catalog
        self._base = base or _fresh(catalog, identifier, columns, terms)
        self._metadata = self._base.metadata
        self._schema = _schema(self._metadata, columns)
        self._spec = _spec(self._metadata, self._schema, terms)
        location = self._metadata.location.rstrip("/")
        self._store = self._base.store
        subject = f"table {identifier}"
        folder = f"{location}/data/{self.id}"
        self._files = DataFiles(
            self._store,
            folder,
            self._schema,
            self._spec,
            terms,
            subject,
            encoding,
        )
        self._manifests = StoreFiles(self._store, subject)

    @property
    def table_uuid(self) -> str:
        return str(self._metadata.table_uuid)

    @property
    def schema_id(self) -> int:
        """The id of the columns, one that the table has or a new one."""
        return self._schema.schema_id

    @property
    def changes_columns(self) -> bool:
        """Whether the columns are others than those that the table has."""
        return self._schema.schema_id != self._metadata.current_schema_id

    @property
    def rows(self) -> int:
        """How many rows have been written."""
        return self._files.rows

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows; best ordered by partition.

        Raises:
            InvalidSql: A value does not fit its column.
            NotReady: The store cannot be written.
        """
        self._files.write(batch)

    def discard(self) -> None:
        """Delete what was written; only before ``commit``."""
        self._files.discard()
        remove(self._store, self._manifests.made)

    def commit(
        self, told: Told, now: datetime, check: Callable[[], None], change: Change = replaced
    ) -> Committed:
        """Make what was written the table's content, in one commit that is tried once.

        *check* is called right before, and may raise to prevent it; *change* says what becomes
        of the rows that the table has (``snapshots``).

        Raises:
            Refused: The table is not what it was when this began; all that was written is gone.
            OutcomeUnknown: It is not known whether it was committed; nothing is deleted.
            FlightlakeError: It was not committed.
        """
        properties, summary = told
        try:
            content = Content(self._schema, self._spec, self._files.finish(), summary, properties)
            updates = change(self._metadata, content, self.snapshot_id, now, self._manifests)
            check()
        except BaseException:
            self.discard()
            raise
        try:
            return commit(self._catalog, self._base, updates, self._holds)
        except (OutcomeUnknown, Gone):
            raise
        except FlightlakeError:  # refused, or never asked for
            self.discard()
            raise

    def begin(self, properties: Mapping[str, str]) -> Committed:
        """Make the table without rows, nor a snapshot, with *properties*; instead of ``commit``.

        Raises:
            Refused: There is one meanwhile.
            OutcomeUnknown: It is not known whether it was made.
            FlightlakeError: It was not made.
        """
        updates = [SetPropertiesUpdate(updates=dict(properties))]
        return commit(self._catalog, self._base, updates, self._holds)

    def _holds(self, metadata: TableMetadata) -> bool:
        return metadata.snapshot_by_id(self.snapshot_id) is not None


def retold(catalog: WritableCatalog, base: Committed, properties: Mapping[str, str]) -> None:
    """Set *properties* of a table, whose rows stay as they are, in one commit tried once.

    Raises:
        Refused: The table is not *base* any more.
        OutcomeUnknown: It is not known whether it was committed.
    """

    def holds(metadata: TableMetadata) -> bool:
        return all(metadata.properties.get(name) == text for name, text in properties.items())

    commit(catalog, base, [SetPropertiesUpdate(updates=dict(properties))], holds)


def added_bytes(table: Committed, snapshot_id: int) -> int:
    """Return the bytes of the files that a snapshot of *table* says it added."""
    snapshot = table.metadata.snapshot_by_id(snapshot_id)
    said = snapshot.summary.get("added-files-size") if snapshot and snapshot.summary else None
    return int(said or 0)


def plain_table(catalog: WritableCatalog, view: Committed) -> Committed:
    """Make an ordinary table of a materialized view, with its rows; tried once.

    Raises:
        Refused: It was changed by somebody else meanwhile.
        OutcomeUnknown: It is not known whether it was done.
    """
    ours = [name for name in view.metadata.properties if name.startswith(PREFIX)]

    def is_plain(metadata: TableMetadata) -> bool:
        return not is_materialized_view(metadata)

    return changed_properties(catalog, view, [RemovePropertiesUpdate(removals=ours)], is_plain)


def _fresh(
    catalog: WritableCatalog,
    identifier: TableIdentifier,
    columns: pa.Schema,
    terms: Sequence[LayoutTerm],
) -> Fresh:
    schema = iceberg_schema(columns)
    spec = partition_spec(terms, schema, 0, None)
    return catalog.fresh(identifier, schema, spec, _PROPERTIES)


def _schema(metadata: TableMetadata, columns: pa.Schema) -> Schema:
    """Return the schema of the table that is of *columns*, best the current one; or a new one."""
    now = metadata.schema()
    for schema in (now, *reversed(metadata.schemas)):
        if iceberg_schema(columns, schema, metadata.last_column_id).fields == schema.fields:
            return schema
    highest = max(schema.schema_id for schema in metadata.schemas)
    return iceberg_schema(columns, now, metadata.last_column_id, highest + 1)


def _spec(metadata: TableMetadata, schema: Schema, terms: Sequence[LayoutTerm]) -> PartitionSpec:
    """Return the table's spec that cuts it by *terms*, or a new one."""
    specs = metadata.partition_specs
    highest = max(spec.spec_id for spec in specs)
    made = partition_spec(terms, schema, highest + 1, metadata.last_partition_id)
    for spec in sorted(specs, key=lambda spec: spec.spec_id != metadata.default_spec_id):
        if _cuts(spec) == _cuts(made):
            return spec
    return made


def _cuts(spec: PartitionSpec) -> list[tuple[int, str, str]]:
    return [(field.source_id, str(field.transform), field.name) for field in spec.fields]

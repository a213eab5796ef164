"""Iceberg views: what a catalog says of them.  Whether their SQL runs here is the engine's affair.

Source: Iceberg view specification, version 1 (https://iceberg.apache.org/view-spec/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from pyiceberg.view.metadata import ViewMetadata

from flightlake.errors import NotFound, Unsupported
from flightlake.lake.arrow_types import arrow_schema
from flightlake.names import TableIdentifier, from_namespace

_QUERY_COLUMNS = "spark.query-column-names"
"""Where Spark keeps what its query calls the columns, if the view calls them otherwise."""


@dataclass(frozen=True, slots=True)
class Representation:
    """One way in which a view is written: its SQL, and whose SQL that is, in lower case."""

    dialect: str
    sql: str


@dataclass(frozen=True, slots=True)
class IcebergView:
    """A view at one of its versions; a value.

    ``schema`` is what its columns are called and their types; ``query_columns`` what its query
    calls them.  ``catalog`` and ``db_schema`` stand in for those that a name in its SQL leaves
    out; ``catalog`` is the writer's name for it (``""``: the view's own), and ``db_schema`` may
    be ``""`` too.
    """

    identifier: TableIdentifier
    uuid: str
    version_id: int
    schema: pa.Schema
    query_columns: tuple[str, ...]
    representations: tuple[Representation, ...]
    catalog: str
    db_schema: str
    metadata: ViewMetadata = field(repr=False, compare=False)

    def at_version(self, version_id: int) -> "IcebergView":
        """Return the view as it was, for a ticket that names its version.

        Raises:
            NotFound: The version is not (or no longer) part of the view.
        """
        if version_id == self.version_id:
            return self
        if all(version.version_id != version_id for version in self.metadata.versions):
            raise NotFound(
                f"version {version_id} of view {self.identifier} is gone; run the statement again"
            )
        wanted = self.metadata.model_copy(update={"current_version_id": version_id})
        return _opened(self.identifier, wanted)


@runtime_checkable
class ViewCatalog(Protocol):
    """A catalog that has views beside its tables; what it raises is as for ``Catalog``."""

    def views(self, db_schema: str) -> list[str]:
        """Return the names of the views in *db_schema*, sorted.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        ...

    def view(self, db_schema: str, name: str) -> IcebergView:
        """Return a view at its current version.

        Raises:
            NotFound: There is no such view or schema.
            Unsupported: What the catalog says of it cannot be read.
            NotReady: The catalog does not answer.
        """
        ...


def has_views(catalog: object) -> bool:
    """Return whether *catalog* is of a kind that has views; asks nobody."""
    return isinstance(catalog, ViewCatalog)


def views_in(catalog: object, db_schema: str) -> list[str]:
    """Return the views of *catalog* in *db_schema*: none, if it has no views at all."""
    return catalog.views(db_schema) if isinstance(catalog, ViewCatalog) else []


def find_view(catalog: object, db_schema: str, name: str) -> IcebergView | None:
    """Return a view of *catalog*, or None if it has none of that name."""
    if not isinstance(catalog, ViewCatalog):
        return None
    try:
        return catalog.view(db_schema, name)
    except NotFound:
        return None


def open_view(identifier: TableIdentifier, document: Mapping[str, Any]) -> IcebergView:
    """Return the view whose metadata, as JSON, is *document*.

    Raises:
        Unsupported: It cannot be read; says why.
    """
    version = document.get("format-version")
    if version != 1:
        raise Unsupported(f"view {identifier} is of format version {version}; 1 is read")
    try:
        metadata = ViewMetadata.model_validate(dict(document))
    except Exception as broken:
        raise Unsupported(f"the metadata of view {identifier} cannot be read") from broken
    return _opened(identifier, metadata)


def _opened(identifier: TableIdentifier, metadata: ViewMetadata) -> IcebergView:
    versions = {version.version_id: version for version in metadata.versions}
    schemas = {schema.schema_id: schema for schema in metadata.schemas}
    current = versions.get(metadata.current_version_id)
    schema = None if current is None else schemas.get(current.schema_id)
    if current is None or schema is None:
        raise Unsupported(f"the metadata of view {identifier} lacks its current version or schema")
    names = metadata.properties.get(_QUERY_COLUMNS, "")
    columns = arrow_schema(schema, str(identifier))
    return IcebergView(
        identifier=identifier,
        uuid=str(metadata.view_uuid),
        version_id=current.version_id,
        schema=columns,
        query_columns=tuple(names.split(",")) if names else tuple(columns.names),
        representations=tuple(
            Representation(entry.root.dialect.lower(), entry.root.sql)
            for entry in current.representations
        ),
        catalog=current.default_catalog or "",
        db_schema=from_namespace(current.default_namespace) or "",
        metadata=metadata,
    )

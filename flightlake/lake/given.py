"""Tables that are not there yet, among those that are.

So that a query can be checked that reads views which are still to be made, or made anew with
other columns: they are seen as empty tables.  They have no files and are never read.
"""

from collections.abc import Mapping
from functools import lru_cache

from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.types import IcebergType, ListType, MapType, StructType

from flightlake.errors import InvalidSql, NotFound
from flightlake.lake.catalogs import Catalog, Catalogs
from flightlake.lake.planning import Planner
from flightlake.lake.table import IcebergTable, open_table
from flightlake.lake.views import IcebergView, find_view, views_in
from flightlake.names import TableIdentifier, quote

Columns = Schema
Given = Mapping[TableIdentifier, Columns | None]
"""The columns of tables that are still to be made; None where they are not known."""

_NOWHERE = "file:///nowhere"


class GivenCatalog:
    """*catalog* with the tables of *given* in it; ``asked`` are those that were looked for."""

    def __init__(self, catalog: Catalog, given: Given) -> None:
        self.name = catalog.name
        self.catalog = catalog
        self.given = given
        self.asked: set[TableIdentifier] = set()

    def db_schemas(self) -> list[str]:
        return self.catalog.db_schemas()

    def tables(self, db_schema: str) -> list[str]:
        added = {
            one.table
            for one in self.given
            if (one.catalog, one.db_schema) == (self.name, db_schema)
        }
        return sorted(added.union(self.catalog.tables(db_schema)))

    def load(self, db_schema: str, table: str) -> IcebergTable:
        identifier = TableIdentifier(self.name, db_schema, table)
        if identifier not in self.given:
            return self.catalog.load(db_schema, table)
        self.asked.add(identifier)
        columns = self.given[identifier]
        if columns is None:
            raise NotFound(f"the columns of {identifier} are not known yet")
        return _empty(identifier, columns)

    def views(self, db_schema: str) -> list[str]:
        return views_in(self.catalog, db_schema)

    def view(self, db_schema: str, name: str) -> IcebergView:
        identifier = TableIdentifier(self.name, db_schema, name)
        found = None if identifier in self.given else find_view(self.catalog, db_schema, name)
        if found is None:
            raise NotFound(f"view {identifier} does not exist")
        return found


def with_given(catalogs: Catalogs, given: Given) -> Mapping[str, GivenCatalog]:
    """Return *catalogs* with the tables of *given* in them, in the place of those of their name."""
    return {name: GivenCatalog(catalog, given) for name, catalog in catalogs.items()}


def to_json(columns: Columns) -> str:
    """Return *columns* as text (Iceberg spec, appendix C, "Schemas")."""
    return columns.model_dump_json()


def from_json(text: str) -> Columns:
    """Return the columns in *text*, which ``to_json`` made.

    Raises:
        InvalidSql: It is something else.
    """
    try:
        return Schema.model_validate_json(text)
    except (ValueError, RecursionError) as broken:
        raise InvalidSql(
            "the columns of a given view are not what EXPLAIN CREATE MATERIALIZED VIEW tells as its"
            " schema"
        ) from broken


def told(columns: Columns) -> list[str]:
    """Return each of *columns* as its name and Iceberg type: ``ordered_on date``."""
    return [f"{quote(field.name)} {_written(field.field_type)}" for field in columns.fields]


def _written(type_: IcebergType) -> str:
    """Return a type without the ids of what is inside, which each table gives its own."""
    if isinstance(type_, ListType):
        return f"list<{_written(type_.element_type)}>"
    if isinstance(type_, MapType):
        return f"map<{_written(type_.key_type)}, {_written(type_.value_type)}>"
    if isinstance(type_, StructType):
        members = (f"{quote(one.name)} {_written(one.field_type)}" for one in type_.fields)
        return f"struct<{', '.join(members)}>"
    return str(type_)


def _empty(identifier: TableIdentifier, columns: Columns) -> IcebergTable:
    metadata = new_table_metadata(
        schema=columns,
        partition_spec=UNPARTITIONED_PARTITION_SPEC,
        sort_order=UNSORTED_SORT_ORDER,
        location=_NOWHERE,
        properties={"format-version": "2"},
    )
    return open_table(identifier, metadata, {}, 1.0, _planner())


@lru_cache(maxsize=1)
def _planner() -> Planner:
    return Planner()

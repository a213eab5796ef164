"""What planning needs to know of a table at one snapshot."""

from dataclasses import dataclass

from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata

from flightlake.lake.stores import StoreSettings


@dataclass(frozen=True, slots=True)
class Pinned:
    """A table, under its name for messages, read with *schema* at *manifest_list*."""

    table: str
    metadata: TableMetadata
    schema: Schema
    manifest_list: str | None
    store: StoreSettings

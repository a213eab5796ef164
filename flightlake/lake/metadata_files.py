"""Tables from the metadata file that their catalog names.

Source: Iceberg table specification, "Table Metadata Fields", "File System Operations"
(metadata files compressed with gzip).
"""

import gzip
from collections.abc import Mapping

from pyiceberg.table.metadata import TableMetadataUtil

from flightlake.errors import FlightlakeError, Unsupported
from flightlake.lake import blobs, refusals
from flightlake.lake.documents import readable
from flightlake.lake.planning import Planner
from flightlake.lake.stores import settings_for
from flightlake.lake.table import IcebergTable, open_table
from flightlake.names import TableIdentifier

_PARSED = 10
"""Bytes that a byte of the file takes when it is parsed, roughly."""


def read_table(
    identifier: TableIdentifier,
    location: str,
    properties: Mapping[str, str],
    timeout: float,
    planner: Planner,
) -> tuple[IcebergTable, int]:
    """Return the table of the metadata file at *location*, and about how many bytes it takes.

    Args:
        identifier: The name it was asked for by.
        location: What the catalog says.
        properties: How the store is reached (``stores.settings_for``).
        timeout: Seconds for one request to the store.
        planner: The planner of the process.

    Raises:
        Unsupported: The table cannot be read here; says why.
        DamagedData: The file is missing, or its current snapshot is.
        NotReady: The store does not answer.
    """
    store = settings_for(location, properties, timeout)
    content = blobs.read(store, location, f"the metadata of table {identifier}")
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    document = refusals.parse_document(content, str(identifier))
    refusals.check_document(document, str(identifier))
    try:
        metadata = TableMetadataUtil.parse_obj(readable(document))
    except FlightlakeError:
        raise
    except Exception as broken:
        raise Unsupported(f"the metadata of table {identifier} cannot be read") from broken
    table = open_table(identifier, metadata, properties, timeout, planner)
    return table, _PARSED * len(content)

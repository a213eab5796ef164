"""A pinned Iceberg table as a native DataFusion scan over an explicit list of files.

``LogicalPlan.from_bytes`` takes a ``ListingTableScanNode`` with any number of paths and with
the table's own name, although datafusion's Python API makes neither.  This leans on an internal
format: it lives here and in ``proto/plan.proto`` alone, and datafusion is pinned to one minor
version, with this module's tests as the gate for the next.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
from datafusion import DataFrame, ExecutionPlan, LogicalPlan, SessionContext
from google.protobuf.message import DecodeError

from flightlake._proto import plan_pb2
from flightlake.errors import InternalError
from flightlake.names import TableIdentifier

UNPLANNED = "file:///unplanned.parquet"
"""Stands in a scan whose files are not known yet; such a plan is never executed."""

_MAX_TEMPLATES = 1_000


class Scans:
    """Makes scans for one engine context.  Thread-safe.

    A template (the serialised plan of a scan with a schema) is kept per schema, because making
    one asks the engine.
    """

    def __init__(self, engine: SessionContext) -> None:
        self._engine = engine
        self._templates: dict[pa.Schema, bytes] = {}
        self._lock = threading.Lock()

    def scan(self, table: TableIdentifier, schema: pa.Schema, urls: Sequence[str]) -> DataFrame:
        """Return a scan of the Parquet files at *urls* (percent-encoded) under *table*'s name.

        No file is opened.  An empty list gives an empty table.
        """
        if not urls:
            return empty(self._engine, schema)
        node = plan_pb2.LogicalPlanNode.FromString(self._template(schema))
        listing = node.listing_scan
        listing.paths[:] = urls
        listing.file_extension = ""  # Iceberg's files may have any name
        listing.table_name.full.catalog = table.catalog
        listing.table_name.full.schema = table.db_schema
        listing.table_name.full.table = table.table
        plan = LogicalPlan.from_bytes(self._engine, node.SerializeToString())
        return self._engine.create_dataframe_from_logical_plan(plan)

    def _template(self, schema: pa.Schema) -> bytes:
        known = self._templates.get(schema)
        if known is not None:
            return known
        # With a schema given, the file is not looked for.
        frame = self._engine.read_parquet(UNPLANNED, schema=schema)
        template = frame.logical_plan().to_bytes()
        node = plan_pb2.LogicalPlanNode.FromString(template)
        if list(node.listing_scan.paths) != [UNPLANNED]:
            raise InternalError("the engine's plans have another form than expected")
        with self._lock:
            if len(self._templates) >= _MAX_TEMPLATES:
                self._templates.clear()
            self._templates[schema] = template
        return template


def empty(engine: SessionContext, schema: pa.Schema) -> DataFrame:
    """Return a table of *schema* without rows."""
    return engine.read_batch(pa.RecordBatch.from_pylist([], schema=schema))


@dataclass(frozen=True, slots=True)
class Unread:
    """Files of *table* that were planned and stand in no scan of the physical plan."""

    table: TableIdentifier
    urls: tuple[str, ...]


def unread(plan: ExecutionPlan, planned: Mapping[TableIdentifier, Sequence[str]]) -> list[Unread]:
    """Return the planned files that some scan of the physical *plan* leaves out.

    The engine looks for every file while it makes a physical plan, and leaves out without a word
    what is not there.  It also leaves files out rightly: where statistics answer the statement,
    where a limit is reached, where a condition is false.  The caller finds out which it was.
    """
    by_key = {_key(url): (table, url) for table, urls in planned.items() for url in urls}
    missing: dict[TableIdentifier, set[str]] = {
        table: set(urls) for table, urls in planned.items() if urls
    }
    seen: set[TableIdentifier] = set()
    for keys in scanned_keys(plan):
        owner = next((by_key[key][0] for key in keys if key in by_key), None)
        if owner is None:
            continue
        left_out = {url for url in planned[owner] if _key(url) not in keys}
        missing[owner] = left_out | missing[owner] if owner in seen else left_out
        seen.add(owner)
    return [Unread(table, tuple(sorted(urls))) for table, urls in missing.items() if urls]


def scanned_keys(plan: ExecutionPlan) -> Iterator[frozenset[tuple[str, str]]]:
    """Yield for each file scan in *plan* its files as (store URL, object key)."""
    for leaf in _leaves(plan):
        if not leaf.display().startswith("DataSourceExec: file_groups"):
            continue
        try:
            node = plan_pb2.PhysicalPlanNode.FromString(leaf.to_bytes())
        except DecodeError:
            raise InternalError("the engine's plans have another form than expected") from None
        config = node.parquet_scan.base_conf
        store = config.object_store_url.rstrip("/")
        yield frozenset((store, file.path) for group in config.file_groups for file in group.files)


def _leaves(plan: ExecutionPlan) -> Iterable[ExecutionPlan]:
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        children = node.children()
        if children:
            waiting.extend(children)
        else:
            yield node


def _key(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    return f"{scheme}://{authority}".rstrip("/"), unquote(path)

"""A pinned Iceberg table as a native DataFusion scan over an explicit list of files.

``LogicalPlan.from_bytes`` takes a ``ListingTableScanNode`` with any number of paths and with
the table's own name, although datafusion's Python API makes neither.  This leans on an internal
format: it lives here and in ``proto/plan.proto`` alone, and datafusion is pinned to one minor
version, with this module's tests as the gate for the next.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
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


def in_memory(engine: SessionContext, rows: pa.Table) -> DataFrame:
    """Return *rows* as a table."""
    # Not from_arrow, which registers the rows in the shared context, for good.
    batches = rows.combine_chunks().to_batches()
    return engine.read_batches(batches) if batches else empty(engine, rows.schema)


@dataclass(frozen=True, slots=True)
class ScannedFiles:
    """The files that one scan of *table* was made for, by their engine URLs."""

    table: TableIdentifier
    urls: tuple[str, ...]


def unread(plan: ExecutionPlan, planned: Sequence[ScannedFiles]) -> list[ScannedFiles]:
    """Return the planned files that some scan of the physical *plan* leaves out.

    The engine looks for every file while it makes a physical plan, and leaves out without a word
    what is not there.  It also leaves files out rightly: where statistics answer the statement,
    where a limit is reached, where a condition is false.  The caller finds out which it was.
    """
    by_keys = [{_key(url): url for url in scan.urls} for scan in planned]
    holders: dict[tuple[str, str], list[int]] = {}
    for number, known in enumerate(by_keys):
        for key in known:
            holders.setdefault(key, []).append(number)
    never_seen = set(range(len(planned)))
    missing: set[tuple[int, str]] = set()
    for keys in scanned_keys(plan):
        some = next(iter(keys), None)
        candidates = holders.get(some, []) if some is not None else []
        whole = [number for number in candidates if keys <= by_keys[number].keys()]
        if whole:
            # The scan it comes from has at least the files of the one that fits best.
            number = min(whole, key=lambda number: len(by_keys[number]))
            never_seen.discard(number)
            left_out = by_keys[number].keys() - keys
            missing.update((number, by_keys[number][key]) for key in left_out)
    missing.update((number, url) for number in never_seen for url in planned[number].urls)
    found: dict[TableIdentifier, set[str]] = {}
    for number, url in missing:
        found.setdefault(planned[number].table, set()).add(url)
    return [ScannedFiles(table, tuple(sorted(urls))) for table, urls in found.items()]


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

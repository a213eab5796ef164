"""The engine's contexts: one runtime, and the settings and rules that plans are executed with."""

from dataclasses import dataclass
from pathlib import Path

from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

from flightlake.engine.defaults import Defaults
from flightlake.engine.missing_names import NO_CATALOG, NO_SCHEMA

_JOINS = "datafusion.optimizer.hash_join_single_partition"
_SMALL_SIDE_BYTES = 64 << 20
_SMALL_SIDE_ROWS = 4_000_000
"""Up to this size, the smaller side of a join is hashed once for all partitions, so that the rows
of the larger side stay where they were read: 11 to 17 % less CPU for TPC-H (2 cores) than with the
engine's own limits of 1 MiB and 131,072 rows.  It is held in memory as a whole either way."""

_DENSE_JOINS = "datafusion.execution.perfect_hash_join"
_DENSE_RANGE = 8 << 20
_DENSE = 0.05
"""A join on whole numbers that lie within this range, or of which this part of their range is
there, finds rows by an array instead of a hash table: 4 bytes for each number in the range, so the
range is made smaller where there is little memory.  The engine's own limits are 1,024 and 0.15:
3 to 5 % less CPU for TPC-H."""


_HELD_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine may use: bytes of memory and of spill space, partitions, rows per batch.

    ``prune`` may be switched off to measure what pruning is worth.  The rows per batch are twice
    the engine's own number: 3 % less CPU for TPC-H, 20 % less for whole tables over the wire.
    A query of a WITH that reads at least ``held_rows`` rows may be computed once (``held``).
    """

    memory_bytes: int
    spill_directory: Path
    spill_bytes: int
    threads: int
    batch_rows: int = 16_384
    prune: bool = True
    held_rows: int = 100_000

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that the rows of a query which is computed once may take."""
        return min(_HELD_BYTES, self.memory_bytes // 64)


@dataclass(frozen=True, slots=True)
class Contexts:
    """Contexts over one runtime, which has the memory, the spill space, the stores and the caches.

    ``numbering`` executes plans that number the rows of files; ``filtering`` those in which the
    filters of joins reach into scans (``late_filters``); ``still`` those in which such filters
    would be wrong (``repeated_names``); ``merging`` those in which any filter above a join would
    be, and ``numbering_merging`` such as number rows; ``plain`` all others.
    """

    plain: SessionContext
    numbering: SessionContext
    filtering: SessionContext
    still: SessionContext
    merging: SessionContext
    numbering_merging: SessionContext


def open_contexts(settings: EngineSettings) -> Contexts:
    """Return the contexts of an engine."""
    runtime = (
        RuntimeEnvBuilder()
        .with_fair_spill_pool(settings.memory_bytes)
        .with_temp_file_path(settings.spill_directory)
    )
    plain = SessionContext(session_config(settings, Defaults("", "")), runtime)
    # This makes a new disk manager, which spills below $TMPDIR: app sets that.
    spill = max(settings.spill_bytes >> 20, 1)
    plain.sql(f"SET datafusion.runtime.max_temp_directory_size = '{spill}M'")
    # The engine numbers the rows of a file only right above its scan, and common expressions
    # of a filter are put in between; so plans that number rows go without that rule.  This is
    # the one way to a context of other rules over the same runtime; tables named by URL, which
    # it also allows, would have to be named in SQL, and no SQL is planned in it.
    numbering, numbering_merging = plain.enable_url_table(), plain.enable_url_table()
    for context in (numbering, numbering_merging):
        context.remove_optimizer_rule("common_sub_expression_eliminate")
    filtering = plain.enable_url_table()
    filtering.sql("SET datafusion.execution.parquet.pushdown_filters = true")
    still, merging = plain.enable_url_table(), plain.enable_url_table()
    # Joins that sort pass no filter of their parent down, where joins that hash do, by name.
    for context in (merging, numbering_merging):
        context.sql("SET datafusion.optimizer.prefer_hash_join = false")
        # With one partition joins hash whatever is preferred.
        partitions = max(settings.threads, 2)
        context.sql(f"SET datafusion.execution.target_partitions = {partitions}")
    for context in (still, merging, numbering, numbering_merging):
        context.sql("SET datafusion.optimizer.enable_dynamic_filter_pushdown = false")
    return Contexts(plain, numbering, filtering, still, merging, numbering_merging)


def session_config(settings: EngineSettings, defaults: Defaults) -> SessionConfig:
    """Return the settings of a session with *defaults*."""
    catalog, db_schema = defaults.catalog or NO_CATALOG, defaults.db_schema or NO_SCHEMA
    dense = min(_DENSE_RANGE, settings.memory_bytes // 256)
    return (
        SessionConfig()
        .with_default_catalog_and_schema(catalog, db_schema)
        .with_create_default_catalog_and_schema(False)
        .with_information_schema(False)
        .with_target_partitions(settings.threads)
        .with_batch_size(settings.batch_rows)
        .set("datafusion.execution.parquet.coerce_int96", "us")  # ns hold too few years
        .set(f"{_JOINS}_threshold", str(_SMALL_SIDE_BYTES))
        .set(f"{_JOINS}_threshold_rows", str(_SMALL_SIDE_ROWS))
        .set(f"{_DENSE_JOINS}_small_build_threshold", str(dense))
        .set(f"{_DENSE_JOINS}_min_key_density", str(_DENSE))
    )

"""What is known of a statement without reading any rows."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import pyarrow as pa
from datafusion import LogicalPlan

from flightlake.engine.expected import bases
from flightlake.engine.tables import StatementTables
from flightlake.flightsql.payloads import Pin
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView
from flightlake.names import TableIdentifier


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a statement before it is bound: its result and its parameters."""

    schema: pa.Schema
    parameters: pa.Schema


@dataclass(frozen=True, slots=True)
class Survey:
    """What a statement reads, found without looking at any rows.

    ``unpinned`` names what it reads that is no table at a snapshot; ``plan`` is the statement as
    it was bound, over tables without files.
    """

    schema: pa.Schema
    tables: Mapping[TableIdentifier, IcebergTable]
    views: Mapping[TableIdentifier, IcebergView]
    pins: Mapping[TableIdentifier, Pin]
    unpinned: Sequence[str]
    plan: LogicalPlan = field(repr=False, compare=False)


def reread(survey: Survey, tables: StatementTables, threads: Executor) -> Survey:
    """Return *survey* with what it names as it is now, without what is gone; plans nothing.

    A statement over the same tables and views is the same statement, so where none has changed
    this is what another survey would find.

    Raises:
        FlightlakeError: One cannot be read.
    """
    tables.expect(bases(list(survey.tables)), threads)
    for name in survey.pins:
        if tables.load(name) is None:  # where there is a table, no view is looked for
            tables.view(name)
    return replace(survey, tables=tables.loaded, views=tables.views, pins=tables.pins)

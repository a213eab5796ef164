"""What is known of a statement without reading any rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from datafusion import LogicalPlan

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

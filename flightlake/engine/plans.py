"""Statements that are planned, and can be executed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from datafusion import DataFrame

from flightlake.engine.defaults import Defaults
from flightlake.engine.sql_text import SqlText
from flightlake.flightsql.payloads import Pin
from flightlake.lake.parts import Part
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that can be executed, any number of times, on what it was planned for.

    ``schema`` is that of the result; ``pins`` are the snapshots it reads; ``paths`` the files of
    each scan, ``rows`` how many rows each file has.  ``held`` is how it is executed with a part
    of it computed once (``held``); whoever changes ``frame`` has to drop it.
    """

    text: SqlText
    schema: pa.Schema
    pins: Mapping[TableIdentifier, Pin]
    frame: DataFrame
    tables: Mapping[TableIdentifier, IcebergTable]
    paths: Mapping[TableIdentifier, Sequence[Sequence[str]]]
    rows: Mapping[TableIdentifier, Mapping[str, int]]
    held: "Held | None" = None


@dataclass(frozen=True, slots=True)
class Held:
    """A statement in two steps: the rows of one query of its WITH, then all else over them.

    ``first`` plans that query (without tables: those of the whole plan are the same); ``text`` is
    the statement with it replaced, ``parts`` what is read of the tables that are then left.
    """

    first: Plan
    text: SqlText
    parts: Mapping[TableIdentifier, tuple[Part, ...]]
    defaults: Defaults

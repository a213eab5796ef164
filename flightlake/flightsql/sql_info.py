"""The codes of GetSqlInfo, the type of each value, and the result they make.

Source: FlightSql.proto, ``SqlInfo``.  The values this server gives are in ``server_info``.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.schemas import SQL_INFO, SQL_INFO_VALUE

SqlInfoValue = str | bool | int | Sequence[str] | Mapping[int, Sequence[int]]


class Kind(IntEnum):
    """The type of a value; the number is the type code in the result's dense union."""

    STRING = 0
    BOOL = 1
    INT64 = 2
    INT32 = 3
    STRING_LIST = 4
    INT32_TO_LIST_MAP = 5


_STRINGS = (0, 1, 2, 6, 7, 504, 513, 514, 529, 530, 531)
_INT32 = (8, 100, 101, 503, 505, 507, 522, 525, 526, 528, 533, 534, 535, 538, 540)
_INT32_ABOUT_TRANSACTIONS_AND_RESULTS = (564, 567, 568, 569, 570, 571)
_STRING_LISTS = (508, 509, 510, 511, 512)
# The specification calls 562 (default transaction isolation) an int32; the JDBC driver, the one
# client known to read it, fails on anything but an int64.
_INT64 = (*range(541, 556), *range(557, 563))
_MAPS = (517,)

_NOT_BOOLEAN: dict[int, Kind] = {
    **dict.fromkeys(_STRINGS, Kind.STRING),
    **dict.fromkeys(_INT32, Kind.INT32),
    **dict.fromkeys(_INT32_ABOUT_TRANSACTIONS_AND_RESULTS, Kind.INT32),
    **dict.fromkeys(_STRING_LISTS, Kind.STRING_LIST),
    **dict.fromkeys(_INT64, Kind.INT64),
    **dict.fromkeys(_MAPS, Kind.INT32_TO_LIST_MAP),
}

KINDS: Mapping[int, Kind] = MappingProxyType(
    {code: _NOT_BOOLEAN.get(code, Kind.BOOL) for code in sorted(pb.SqlInfo.values())}
)
"""Every code of the specification with the type of its value."""


def sql_info(values: Mapping[int, SqlInfoValue], requested: Sequence[int] = ()) -> pa.Table:
    """Return the rows for the *requested* codes, or for all *values* if none is requested.

    Each code appears once, in the order of the request.  A code that is not among *values* gets
    no row: newer clients ask for codes that this release does not know, and would otherwise
    lose the answer to the rest.
    """
    codes = dict.fromkeys(requested) if requested else sorted(values)
    known = [code for code in codes if code in values]
    return pa.Table.from_arrays(
        [pa.array(known, pa.uint32()), _union([(KINDS[code], values[code]) for code in known])],
        schema=SQL_INFO,
    )


def _union(entries: Sequence[tuple[Kind, SqlInfoValue]]) -> pa.UnionArray:
    # UnionArray.from_dense makes the children nullable, which clients that compare the schema
    # refuse; so the array is put together from its buffers.
    by_kind: dict[Kind, list[object]] = {kind: [] for kind in Kind}
    offsets = []
    for kind, value in entries:
        offsets.append(len(by_kind[kind]))
        by_kind[kind].append(list(value.items()) if isinstance(value, Mapping) else value)
    children = [pa.array(by_kind[kind], SQL_INFO_VALUE.field(int(kind)).type) for kind in Kind]
    type_codes = pa.array([int(kind) for kind, _ in entries], pa.int8())
    return pa.Array.from_buffers(
        SQL_INFO_VALUE,
        len(entries),
        [None, type_codes.buffers()[1], pa.array(offsets, pa.int32()).buffers()[1]],
        children=children,
    )

"""The SQL types of this server as GetXdbcTypeInfo reports them.

Source: FlightSql.proto, CommandGetXdbcTypeInfo; the numbers are those of ODBC.  Only names that
the SQL dialect accepts in a CAST are listed.
"""

from dataclasses import asdict, dataclass

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.schemas import XDBC_TYPE_INFO

_DATETIME = pb.XDBC_DATETIME
_SUBCODE_DATE = 1
_SUBCODE_TIME = 2
_SUBCODE_TIMESTAMP = 3
_DECIMAL_DIGITS = 38
"""The digits of Arrow's decimal128."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XdbcType:
    """One row; the field names are the result's column names."""

    type_name: str
    data_type: int
    column_size: int | None = None
    literal_prefix: str | None = None
    literal_suffix: str | None = None
    create_params: tuple[str, ...] | None = None
    nullable: int = pb.NULLABILITY_NULLABLE
    case_sensitive: bool = False
    searchable: int = pb.SEARCHABLE_BASIC
    unsigned_attribute: bool | None = None
    fixed_prec_scale: bool = False
    auto_increment: bool | None = None
    minimum_scale: int | None = None
    maximum_scale: int | None = None
    sql_data_type: int | None = None
    datetime_subcode: int | None = None
    num_prec_radix: int | None = None
    interval_precision: int | None = None

    def row(self) -> dict[str, object]:
        """Return the row; the SQL data type is the data type unless it says otherwise."""
        sql_data_type = self.data_type if self.sql_data_type is None else self.sql_data_type
        return asdict(self) | {"local_type_name": self.type_name, "sql_data_type": sql_data_type}


def _integer(name: str, code: int, digits: int, *, unsigned: bool = False) -> XdbcType:
    return XdbcType(
        type_name=name,
        data_type=code,
        column_size=digits,
        unsigned_attribute=unsigned,
        auto_increment=False,
        minimum_scale=0,
        maximum_scale=0,
        num_prec_radix=10,
    )


def _approximate(name: str, code: int, digits: int) -> XdbcType:
    return XdbcType(
        type_name=name,
        data_type=code,
        column_size=digits,
        unsigned_attribute=False,
        auto_increment=False,
        num_prec_radix=10,
    )


def _exact(name: str, code: int) -> XdbcType:
    return XdbcType(
        type_name=name,
        data_type=code,
        column_size=_DECIMAL_DIGITS,
        create_params=("precision", "scale"),
        unsigned_attribute=False,
        auto_increment=False,
        minimum_scale=0,
        maximum_scale=_DECIMAL_DIGITS,
        num_prec_radix=10,
    )


def _text(name: str, code: int) -> XdbcType:
    return XdbcType(
        type_name=name,
        data_type=code,
        literal_prefix="'",
        literal_suffix="'",
        case_sensitive=True,
        searchable=pb.SEARCHABLE_FULL,
    )


def _moment(name: str, code: int, subcode: int, size: int, fraction: int | None) -> XdbcType:
    return XdbcType(
        type_name=name,
        data_type=code,
        column_size=size,
        literal_prefix=f"{name} '",
        literal_suffix="'",
        minimum_scale=None if fraction is None else 0,
        maximum_scale=fraction,
        sql_data_type=_DATETIME,
        datetime_subcode=subcode,
    )


TYPES: tuple[XdbcType, ...] = (
    XdbcType(type_name="BOOLEAN", data_type=pb.XDBC_BIT, column_size=1),
    _integer("TINYINT", pb.XDBC_TINYINT, 3),
    _integer("TINYINT UNSIGNED", pb.XDBC_TINYINT, 3, unsigned=True),
    _integer("BIGINT", pb.XDBC_BIGINT, 19),
    _integer("BIGINT UNSIGNED", pb.XDBC_BIGINT, 20, unsigned=True),
    XdbcType(
        type_name="BYTEA", data_type=pb.XDBC_VARBINARY, literal_prefix="X'", literal_suffix="'"
    ),
    _text("CHAR", pb.XDBC_CHAR),
    _exact("NUMERIC", pb.XDBC_NUMERIC),
    _exact("DECIMAL", pb.XDBC_DECIMAL),
    _integer("INTEGER", pb.XDBC_INTEGER, 10),
    _integer("INTEGER UNSIGNED", pb.XDBC_INTEGER, 10, unsigned=True),
    _integer("SMALLINT", pb.XDBC_SMALLINT, 5),
    _integer("SMALLINT UNSIGNED", pb.XDBC_SMALLINT, 5, unsigned=True),
    _approximate("REAL", pb.XDBC_REAL, 7),
    _approximate("DOUBLE", pb.XDBC_DOUBLE, 15),
    XdbcType(
        type_name="INTERVAL",
        data_type=pb.XDBC_INTERVAL,
        literal_prefix="INTERVAL '",
        literal_suffix="'",
    ),
    _text("VARCHAR", pb.XDBC_VARCHAR),
    _moment("DATE", pb.XDBC_DATE, _SUBCODE_DATE, 10, None),
    _moment("TIME", pb.XDBC_TIME, _SUBCODE_TIME, 18, 9),
    _moment("TIMESTAMP", pb.XDBC_TIMESTAMP, _SUBCODE_TIMESTAMP, 29, 9),
    _moment("TIMESTAMP WITH TIME ZONE", pb.XDBC_TIMESTAMP, _SUBCODE_TIMESTAMP, 35, 9),
)


def xdbc_type_info(data_type: int | None = None) -> pa.Table:
    """Return the types, or those with the given XDBC *data_type*, ordered by it and by name."""
    chosen = [entry for entry in TYPES if data_type is None or entry.data_type == data_type]
    chosen.sort(key=lambda entry: (entry.data_type, entry.type_name))
    return pa.Table.from_pylist([entry.row() for entry in chosen], schema=XDBC_TYPE_INFO)

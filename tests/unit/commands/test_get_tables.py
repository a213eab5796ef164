"""CommandGetTables."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import Call
from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from flightlake.errors import Cancelled, FlightlakeError, NotReady
from flightlake.flightsql import schemas
from tests.fix_commands import answer, call_on
from tests.fix_lake import dead_catalog, make_catalog, metadata_files

ALL = [
    ("archive", "sales", "orders", "TABLE"),
    ("lake", "raw.eu", "orders", "TABLE"),
    ("lake", "sales", "My Orders", "TABLE"),
    ("lake", "sales", "order_lines", "TABLE"),
    ("lake", "sales", "orders", "TABLE"),
]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    tables = {"sales": ["orders", "order_lines", "My Orders"], "raw.eu": ["orders"], "empty": []}
    return call_on(
        [
            make_catalog(tmp_path / "lake", "lake", tables),
            make_catalog(tmp_path / "archive", "archive", {"sales": ["orders"]}),
        ]
    )


def _rows(call: Call, **filters: Any) -> list[tuple[str, ...]]:
    table = answer(pb.CommandGetTables(**filters), call)
    with_schema = filters.get("include_schema")
    assert table.schema == (schemas.TABLES_WITH_SCHEMA if with_schema else schemas.TABLES)
    return list(zip(*(column.to_pylist() for column in table.columns[:4]), strict=True))


def _columns(call: Call, **filters: Any) -> dict[str, pa.Schema]:
    table = answer(pb.CommandGetTables(include_schema=True, **filters), call)
    return {
        f"{row['catalog_name']}.{row['db_schema_name']}.{row['table_name']}": pa.ipc.read_schema(
            pa.py_buffer(row["table_schema"])
        )
        for row in table.to_pylist()
    }


def test_tables_come_ordered_by_catalog_schema_and_name(call: Call) -> None:
    assert _rows(call) == ALL
    assert _rows(call, include_schema=True) == ALL
    assert call.response_headers == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"catalog": "archive"}, ALL[:1]),
        ({"catalog": ""}, []),
        ({"catalog": "lak_"}, []),
        ({"db_schema_filter_pattern": "sales"}, [ALL[0], *ALL[2:]]),
        ({"db_schema_filter_pattern": "raw%"}, [ALL[1]]),
        ({"table_name_filter_pattern": "order%"}, [ALL[0], ALL[1], ALL[3], ALL[4]]),
        ({"table_name_filter_pattern": r"order\_lines"}, [ALL[3]]),
        ({"table_name_filter_pattern": "ORDERS"}, []),
        ({"catalog": "lake", "table_name_filter_pattern": "orders"}, [ALL[1], ALL[4]]),
        ({"table_types": ["TABLE"]}, ALL),
        ({"table_types": ["BASE TABLE"]}, ALL),
        ({"table_types": ["VIEW", "TABLE"]}, ALL),
        ({"table_types": ["VIEW"]}, []),
    ],
)
def test_filters_choose_tables(
    call: Call, filters: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    assert _rows(call, **filters) == expected


def test_a_filter_for_views_asks_no_catalog_without_views(tmp_path: Path) -> None:
    assert _rows(call_on([dead_catalog(tmp_path, "dead")]), table_types=["VIEW"]) == []


def test_the_schema_of_each_table_describes_its_columns(call: Call) -> None:
    schema = _columns(call, catalog="archive")["archive.sales.orders"]
    assert schema.names == ["id", "price"]
    assert not schema.field("id").nullable
    assert schema.field("price").type == pa.decimal128(12, 2)
    metadata = schema.field("price").metadata
    assert metadata[b"ARROW:FLIGHT:SQL:CATALOG_NAME"] == b"archive"
    assert metadata[b"ARROW:FLIGHT:SQL:SCHEMA_NAME"] == b"sales"
    assert metadata[b"ARROW:FLIGHT:SQL:TABLE_NAME"] == b"orders"
    assert metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"DECIMAL"


def test_no_match_still_sends_a_batch(call: Call) -> None:
    assert _columns(call, table_name_filter_pattern="missing") == {}


def test_a_dead_catalog_is_left_out_and_named_in_a_header(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path / "lake", "lake", {"sales": ["orders"]})
    call = call_on([dead_catalog(tmp_path, "dead"), lake])
    assert list(_columns(call)) == ["lake.sales.orders"]
    assert call.response_headers == [("flightlake-incomplete", "dead")]


def test_a_dead_catalog_asked_for_by_name_is_an_error(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path / "lake", "lake", {"sales": ["orders"]})
    call = call_on([dead_catalog(tmp_path, "dead"), lake])
    with pytest.raises(NotReady, match="catalog 'dead'"):
        _rows(call, catalog="dead")


@pytest.fixture
def broken(tmp_path: Path) -> Call:
    """A lake whose table ``bad_one`` has metadata that is no JSON."""
    folder = tmp_path / "lake"
    lake = make_catalog(folder, "lake", {"sales": ["bad_one", "orders"]})
    for file in metadata_files(folder, "bad_one"):
        file.write_text("{broken")
    return call_on([lake])


def test_a_broken_table_does_not_hide_the_others(broken: Call) -> None:
    columns = _columns(broken)
    assert columns["lake.sales.orders"].names == ["id", "price"]
    assert columns["lake.sales.bad_one"] == pa.schema([])
    assert broken.response_headers == [("flightlake-incomplete", "lake.sales.bad_one")]


@pytest.mark.parametrize("pattern", ["bad_one", r"bad\_one"])
def test_a_broken_table_asked_for_by_name_is_an_error(broken: Call, pattern: str) -> None:
    with pytest.raises(FlightlakeError, match="bad_one"):
        _columns(broken, table_name_filter_pattern=pattern)


def test_a_broken_table_is_listed_where_no_schema_is_asked_for(broken: Call) -> None:
    assert _rows(broken, table_name_filter_pattern="bad_one") == [
        ("lake", "sales", "bad_one", "TABLE")
    ]
    assert broken.response_headers == []


def test_a_cancelled_call_loads_no_table(call: Call) -> None:
    call.cancellation.cancel()
    with pytest.raises(Cancelled):
        _columns(call)


def test_system_tables_are_listed_in_each_catalog(tmp_path: Path) -> None:
    own = {"sales": ["orders"], SYSTEM: ["hidden", "queries"]}
    lake = make_catalog(tmp_path / "lake", "lake", own)
    call = call_on([lake, make_catalog(tmp_path / "archive", "archive", {})], system=SCHEMAS)
    found = [
        (name, SYSTEM, table, "SYSTEM TABLE")
        for name in ("archive", "lake")
        for table in sorted(SCHEMAS)
    ]
    assert _rows(call) == [*found, ("lake", "sales", "orders", "TABLE")]
    assert _rows(call, table_types=["SYSTEM TABLE"]) == found
    assert _rows(call, table_types=["TABLE"]) == [("lake", "sales", "orders", "TABLE")]
    assert _rows(call, db_schema_filter_pattern="sales") == [("lake", "sales", "orders", "TABLE")]
    columns = _columns(call, table_name_filter_pattern="queries")
    assert columns["lake.flightlake_system.queries"].names == SCHEMAS["queries"].names

"""CommandGetTableTypes."""

from pathlib import Path

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql import schemas
from tests.fix_commands import answer, call_on
from tests.fix_lake import make_catalog


def test_there_are_tables_and_views() -> None:
    table = answer(pb.CommandGetTableTypes(), call_on())
    assert table.schema == schemas.TABLE_TYPES
    assert table.column(0).to_pylist() == ["MATERIALIZED VIEW", "SYSTEM TABLE", "TABLE", "VIEW"]


def test_the_types_that_get_tables_reports_are_among_them(tmp_path: Path) -> None:
    call = call_on([make_catalog(tmp_path, "lake", {"sales": ["orders"]})])
    types = answer(pb.CommandGetTableTypes(), call).column("table_type").to_pylist()
    reported = answer(pb.CommandGetTables(), call).column("table_type").to_pylist()
    assert reported == ["TABLE"]
    assert set(reported) <= set(types)

"""CommandGetCatalogs."""

from pathlib import Path

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql import schemas
from tests.fix_commands import answer, call_on
from tests.fix_lake import dead_catalog, make_catalog


def test_catalogs_come_ordered_by_name(tmp_path: Path) -> None:
    call = call_on([make_catalog(tmp_path / name, name, {}) for name in ("silver", "bronze", "Z")])
    table = answer(pb.CommandGetCatalogs(), call)
    assert table.schema == schemas.CATALOGS
    assert table.column(0).to_pylist() == ["Z", "bronze", "silver"]


def test_a_dead_catalog_is_still_a_catalog(tmp_path: Path) -> None:
    table = answer(pb.CommandGetCatalogs(), call_on([dead_catalog(tmp_path, "dead")]))
    assert table.column(0).to_pylist() == ["dead"]


def test_no_catalog_gives_an_empty_result() -> None:
    assert answer(pb.CommandGetCatalogs(), call_on()).num_rows == 0

"""CommandGetDbSchemas."""

from pathlib import Path

import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import Call
from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from flightlake.errors import NotReady
from flightlake.flightsql import schemas
from tests.fix_commands import answer, call_on
from tests.fix_lake import dead_catalog, make_catalog


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return call_on(
        [
            make_catalog(tmp_path / "lake", "lake", {"sales": [], "raw.eu": [], "Zulu": []}),
            make_catalog(tmp_path / "archive", "archive", {"sales": []}),
        ]
    )


def _rows(call: Call, **filters: str) -> list[tuple[str, str]]:
    table = answer(pb.CommandGetDbSchemas(**filters), call)
    assert table.schema == schemas.DB_SCHEMAS
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_schemas_come_ordered_by_catalog_and_name(call: Call) -> None:
    assert _rows(call) == [
        ("archive", "sales"),
        ("lake", "Zulu"),
        ("lake", "raw"),
        ("lake", "raw.eu"),
        ("lake", "sales"),
    ]


def test_a_catalog_filter_is_a_name(call: Call) -> None:
    assert _rows(call, catalog="archive") == [("archive", "sales")]
    assert _rows(call, catalog="arch%") == []
    assert _rows(call, catalog="missing") == []


def test_an_empty_catalog_means_schemas_without_one(call: Call) -> None:
    assert _rows(call, catalog="") == []


def test_a_pattern_chooses_schemas(call: Call) -> None:
    assert _rows(call, db_schema_filter_pattern="raw%") == [("lake", "raw"), ("lake", "raw.eu")]
    assert _rows(call, db_schema_filter_pattern="sale_") == [
        ("archive", "sales"),
        ("lake", "sales"),
    ]
    assert _rows(call, catalog="lake", db_schema_filter_pattern="sales") == [("lake", "sales")]


def test_a_dead_catalog_is_left_out_and_named_in_a_header(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path / "lake", "lake", {"sales": []})
    call = call_on([lake, dead_catalog(tmp_path, "größe, alt")])
    assert _rows(call) == [("lake", "sales")]
    assert call.response_headers == [("flightlake-incomplete", "gr%C3%B6%C3%9Fe%2C%20alt")]


def test_a_dead_catalog_asked_for_by_name_is_an_error(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path / "lake", "lake", {"sales": []})
    call = call_on([lake, dead_catalog(tmp_path, "dead")])
    with pytest.raises(NotReady, match="catalog 'dead'"):
        _rows(call, catalog="dead")


def test_only_dead_catalogs_are_an_error(tmp_path: Path) -> None:
    call = call_on([dead_catalog(tmp_path, "one"), dead_catalog(tmp_path, "two")])
    with pytest.raises(NotReady, match=r"none of the catalogs answers \(one, two\)"):
        _rows(call)


def test_the_system_tables_have_a_schema_in_each_catalog_that_answers(tmp_path: Path) -> None:
    lake = make_catalog(tmp_path / "lake", "lake", {"sales": [], SYSTEM: ["hidden"], "x": []})
    call = call_on([lake, dead_catalog(tmp_path, "dead")], system=SCHEMAS)
    assert _rows(call) == [("lake", SYSTEM), ("lake", "sales"), ("lake", "x")]
    assert _rows(call, db_schema_filter_pattern="sales") == [("lake", "sales")]
    assert _rows(call, db_schema_filter_pattern=r"flightlake\_%") == [("lake", SYSTEM)]
    assert _rows(call, catalog="") == []

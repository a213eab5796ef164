"""The metadata commands as the official ADBC driver and pyarrow's client see them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import ProgrammingError
from google.protobuf.message import Message

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands import ACTIONS, COMMANDS, REFUSED, UPLOADS
from flightlake.flightsql import schemas
from flightlake.flightsql.messages import pack
from flightlake.server.codec import DEFAULT
from flightlake.server.dispatch import Tables
from flightlake.server.drain import Traffic
from flightlake.server.flight_server import FlightServer, Listening
from flightlake.server.service import FlightService
from tests.fix_commands import call_on
from tests.fix_lake import ORDERS, dead_catalog, make_catalog
from tests.fix_server import BEARER, InMemoryGate, Recorder


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("lake")
    catalogs = [
        make_catalog(folder / "lake", "lake", {"sales": ["my_orders", "lines"], "raw.eu": ["x"]}),
        make_catalog(folder / "archive", "archive", {"sales": ["my_orders"]}),
        dead_catalog(folder, "dead"),
    ]
    services, gate, traffic = call_on(catalogs).services, InMemoryGate(), Traffic()
    tables = Tables(COMMANDS, UPLOADS, ACTIONS, REFUSED)
    service = FlightService(tables, services, gate, traffic, services.clock, DEFAULT)
    server = FlightServer(service, traffic, Recorder(), services.clock, Listening(port=0))
    yield server.start()
    server.stop()


@pytest.fixture
def adbc(port: int) -> Iterator[flight_sql.Connection]:
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: BEARER}
    # The driver's autocommit is on from the start; turning it off asks for a transaction.
    with flight_sql.connect(
        f"grpc://127.0.0.1:{port}", db_kwargs=options, autocommit=True
    ) as connection:
        yield connection


def _tree(objects: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    return {
        catalog["catalog_name"]: {
            schema["db_schema_name"]: [
                table["table_name"] for table in schema["db_schema_tables"] or []
            ]
            for schema in catalog["catalog_db_schemas"] or []
        }
        for catalog in objects
    }


def test_adbc_sees_catalogs_schemas_and_tables(adbc: flight_sql.Connection) -> None:
    assert _tree(adbc.adbc_get_objects().read_all().to_pylist()) == {
        "archive": {"sales": ["my_orders"]},
        "dead": {},
        "lake": {"raw": [], "raw.eu": ["x"], "sales": ["lines", "my_orders"]},
    }


def test_adbc_sees_columns(adbc: flight_sql.Connection) -> None:
    objects = adbc.adbc_get_objects(
        catalog_filter="archive", db_schema_filter="sales", table_name_filter="my_orders"
    )
    (catalog,) = objects.read_all().to_pylist()
    (schema,) = catalog["catalog_db_schemas"]
    (table,) = schema["db_schema_tables"]
    assert table["table_type"] == "TABLE"
    columns = [(c["column_name"], c["xdbc_type_name"]) for c in table["table_columns"]]
    assert columns == [("id", "BIGINT"), ("price", "DECIMAL")]


def test_adbc_gets_the_schema_of_a_table(adbc: flight_sql.Connection) -> None:
    schema = adbc.adbc_get_table_schema(
        "my_orders", catalog_filter="lake", db_schema_filter="sales"
    )
    assert schema.equals(ORDERS, check_metadata=False)


def test_adbc_says_not_found_for_a_table_that_is_not_there(adbc: flight_sql.Connection) -> None:
    with pytest.raises(ProgrammingError, match="NOT_FOUND"):
        adbc.adbc_get_table_schema("missing", catalog_filter="lake")


def test_adbc_gets_table_types_and_server_info(adbc: flight_sql.Connection) -> None:
    assert adbc.adbc_get_table_types() == ["MATERIALIZED VIEW", "SYSTEM TABLE", "TABLE", "VIEW"]
    info = adbc.adbc_get_info()
    assert info["vendor_name"] == "flightlake"
    assert info["vendor_version"] == "1.2.3"
    assert info["vendor_arrow_version"] == pa.__version__


CASES: list[tuple[Message, pa.Schema]] = [
    (pb.CommandGetCatalogs(), schemas.CATALOGS),
    (pb.CommandGetDbSchemas(), schemas.DB_SCHEMAS),
    (pb.CommandGetTables(), schemas.TABLES),
    (pb.CommandGetTables(include_schema=True), schemas.TABLES_WITH_SCHEMA),
    (pb.CommandGetTableTypes(), schemas.TABLE_TYPES),
    (pb.CommandGetPrimaryKeys(table="t"), schemas.PRIMARY_KEYS),
    (pb.CommandGetExportedKeys(table="t"), schemas.FOREIGN_KEYS),
    (pb.CommandGetImportedKeys(table="t"), schemas.FOREIGN_KEYS),
    (pb.CommandGetCrossReference(pk_table="t", fk_table="u"), schemas.FOREIGN_KEYS),
    (pb.CommandGetSqlInfo(), schemas.SQL_INFO),
    (pb.CommandGetXdbcTypeInfo(), schemas.XDBC_TYPE_INFO),
]


@pytest.mark.parametrize(
    ("message", "schema"), CASES, ids=[f"{type(m).__name__}{m.ByteSize()}" for m, _ in CASES]
)
def test_all_three_ways_to_the_schema_agree(port: int, message: Message, schema: pa.Schema) -> None:
    options = fl.FlightCallOptions(headers=[(b"authorization", BEARER.encode())])
    descriptor = fl.FlightDescriptor.for_command(pack(message))
    with fl.FlightClient(f"grpc+tcp://127.0.0.1:{port}") as client:
        assert client.get_schema(descriptor, options).schema.equals(schema, check_metadata=True)
        info = client.get_flight_info(descriptor, options)
        assert info.schema.equals(schema, check_metadata=True)
        (endpoint,) = info.endpoints
        # Metadata may be read again: the ticket says all and never expires.
        for _ in range(2):
            reader = client.do_get(endpoint.ticket, options)
            assert reader.schema.equals(schema, check_metadata=True)
            batches = [chunk.data for chunk in reader]
            assert batches, "at least one batch"
            for batch in batches:
                batch.validate(full=True)


def test_sql_info_arrives_with_every_value(port: int) -> None:
    options = fl.FlightCallOptions(headers=[(b"authorization", BEARER.encode())])
    with fl.FlightClient(f"grpc+tcp://127.0.0.1:{port}") as client:
        reader = client.do_get(fl.Ticket(pack(pb.CommandGetSqlInfo())), options)
        rows = {row["info_name"]: row["value"] for row in reader.read_all().to_pylist()}
    assert sorted(rows) == sorted(pb.SqlInfo.values())
    assert rows[pb.FLIGHT_SQL_SERVER_READ_ONLY] is True
    assert rows[pb.SQL_KEYWORDS] == ["SELECT"]
    assert rows[pb.SQL_MAX_STATEMENT_LENGTH] == 1_000_000
    assert isinstance(rows[pb.SQL_SUPPORTS_CONVERT], list)

"""The official ADBC driver: the way most clients come."""

import datetime
import decimal
import gc
import threading
from collections.abc import Iterator

import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pyarrow as pa
import pytest

from tests.e2e.conftest import Shop
from tests.fix_adbc import OPTIONS, adbc, rows
from tests.fix_processes import PASSWORD, USER
from tests.fix_raw_client import RawClient
from tests.fix_served_lake import NUMBERS, ORDERS

ENDLESS = "SELECT sum(a.n * b.n) FROM shop.numbers a JOIN shop.numbers b ON a.n % 7 = b.n % 7"


@pytest.fixture
def connection(shop: Shop) -> Iterator[dbapi.Connection]:
    with adbc(shop.server) as made:
        yield made


def test_a_table_is_read_with_a_password(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM lake.shop.orders ORDER BY id")
        assert cursor.fetch_arrow_table().to_pydict() == ORDERS.to_pydict()


def test_the_certificate_is_checked(shop: Shop):
    with (
        pytest.raises(adbc_driver_manager.OperationalError, match="certificate"),
        dbapi.connect(
            shop.server.location, db_kwargs={"username": USER, "password": PASSWORD}
        ) as connection,
    ):
        rows(connection, "SELECT 1")


def test_a_wrong_password_is_refused(shop: Shop):
    with (
        pytest.raises(adbc_driver_manager.ProgrammingError, match=r"Unauth|password") as caught,
        adbc(shop.server, username=USER, password="guessed") as connection,
    ):
        rows(connection, "SELECT 1")
    assert "guessed" not in str(caught.value)


def test_a_token_in_a_header_or_in_the_password_box_lets_in(shop: Shop, client: RawClient):
    token = client.login()
    for credentials in (
        {OPTIONS.AUTHORIZATION_HEADER.value: f"Bearer {token}"},
        {"username": "token", "password": token},
    ):
        with adbc(shop.server, **credentials) as connection:
            assert rows(connection, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("sign", ["?", "$1"])
@pytest.mark.parametrize(
    ("value", "sql_type"),
    [
        (7, "BIGINT"),
        (-1.5, "DOUBLE"),
        ("it's", "VARCHAR"),
        (True, "BOOLEAN"),
        (b"\x00\xff", "BYTEA"),
        (decimal.Decimal("12.34"), "DECIMAL(10, 2)"),
        (datetime.date(2024, 2, 29), "DATE"),
        (datetime.datetime(2024, 2, 29, 12, 30, 1, 250), "TIMESTAMP"),
        (None, "BIGINT"),
    ],
    ids=str,
)
def test_a_parameter_of_each_type_comes_back(connection, sign, value, sql_type):
    if isinstance(value, bytes):
        with connection.cursor() as cursor:  # bytes have no SQL type to cast to
            cursor.execute("SELECT arrow_cast(" + sign + ", 'Binary') AS x", (value,))
            assert cursor.fetchone() == (value,)
        return
    assert rows(connection, f"SELECT CAST({sign} AS {sql_type}) AS x", (value,)) == [(value,)]


def test_parameters_filter(connection):
    found = rows(
        connection,
        "SELECT item FROM shop.orders WHERE price > $2 AND id < $1 ORDER BY id",
        (4, 2.6),
    )
    assert found == [("bread",), ("cheese",)]


def test_a_repeated_parameter_is_bound_once(connection):
    assert rows(connection, "SELECT id FROM shop.orders WHERE id = $1 OR id + 1 = $1", (2,)) == [
        (1,),
        (2,),
    ]


def test_many_rows_of_parameters_are_one_result(connection):
    with connection.cursor() as cursor:
        values = pa.record_batch({"0": pa.array([3, 1, 9, 3], pa.int64())})
        cursor.execute("SELECT item FROM shop.orders WHERE id = ?", values)
        assert [item for (item,) in cursor.fetchall()] == ["cheese", "ale", "cheese"]


def test_a_statement_is_prepared_once_and_run_often(connection):
    with connection.cursor() as cursor:
        assert cursor.adbc_prepare("SELECT item FROM shop.orders WHERE id = ?").types == [
            pa.int64()
        ]
        for id_, item in ((1, "ale"), (2, "bread"), (1, "ale")):
            cursor.execute("SELECT item FROM shop.orders WHERE id = ?", (id_,))
            assert cursor.fetchall() == [(item,)]


def test_the_schema_is_told_without_running(connection):
    with connection.cursor() as cursor:
        schema = cursor.adbc_execute_schema("SELECT id, item FROM shop.orders")
        assert (schema.names, schema.types) == (["id", "item"], [pa.int64(), pa.string()])


def test_metadata_names_everything(connection):
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "flightlake"
    assert connection.adbc_get_table_types() == [
        "MATERIALIZED VIEW",
        "SYSTEM TABLE",
        "TABLE",
        "VIEW",
    ]
    objects = connection.adbc_get_objects(depth="all", catalog_filter="lake").read_all()
    (lake,) = objects.to_pylist()
    schemas = {
        schema["db_schema_name"]: {
            table["table_name"]: [column["column_name"] for column in table["table_columns"]]
            for table in schema["db_schema_tables"]
        }
        for schema in lake["catalog_db_schemas"]
    }
    assert schemas["shop"]["orders"] == ["id", "item", "price"]
    assert schemas["bronze.inventory"] == {"customers": ["id", "item", "price"]}
    assert schemas["Mixed Case"] == {'Odd "Name"': ["id", "item", "price"]}
    schema = connection.adbc_get_table_schema(
        "Weekly Sales", catalog_filter="lake", db_schema_filter="shop"
    )
    assert schema.names == ["id", "item", "price"]


def test_objects_of_all_catalogs_come_though_two_are_down(connection):
    objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    assert {"lake", "annex", "gone", "lost"} == {entry["catalog_name"] for entry in objects}


@pytest.mark.parametrize(
    "name",
    [
        '"Weekly Sales"',
        'shop."Weekly Sales"',
        'lake.shop."Weekly Sales"',
        'lake."bronze.inventory".customers',
        '"bronze.inventory".customers',
        'lake."Mixed Case"."Odd ""Name"""',
        "LAKE.SHOP.ORDERS",
        "annex.shop.orders",
    ],
)
def test_names_are_found_as_sql_writes_them(connection, name):
    connection.adbc_current_db_schema = "shop"
    assert rows(connection, f"SELECT min(id) FROM {name}") == [(1,)]


def test_the_session_has_a_catalog_and_a_schema(connection):
    assert connection.adbc_current_catalog == "lake"
    connection.adbc_current_db_schema = "shop"
    assert rows(connection, "SELECT count(*) FROM orders") == [(4,)]
    gc.collect()  # the driver's leftovers of earlier calls must not bring back an older session
    connection.adbc_current_catalog = "annex"
    assert connection.adbc_current_catalog == "annex"
    assert connection.adbc_current_db_schema == "shop"
    assert rows(connection, "SELECT count(*) FROM orders") == [(4,)]
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="numbers"):
        rows(connection, "SELECT count(*) FROM numbers")
    with pytest.raises(adbc_driver_manager.Error):
        connection.adbc_current_catalog = "nowhere"


def test_sessions_do_not_see_each_other(shop: Shop, connection):
    with adbc(shop.server) as other:
        other.adbc_current_catalog = "annex"
        assert connection.adbc_current_catalog == "lake"


def test_one_statement_reads_several_catalogs(connection):
    sql = """SELECT l.item, a.price FROM lake.shop.orders l
             JOIN annex.shop.orders a ON a.id = l.id WHERE l.id = 2"""
    assert rows(connection, sql) == [("bread", 3.25)]


def test_a_large_result_arrives_whole(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, noise FROM shop.numbers")
        found = cursor.fetch_arrow_table()
    assert found.num_rows == NUMBERS
    assert sorted(found["n"].to_pylist()) == list(range(NUMBERS))


def test_deleted_rows_are_not_there(connection):
    found = rows(connection, "SELECT id FROM shop.deleted_rows ORDER BY id")
    assert found == [(1,), (3,), (4,)]
    assert rows(connection, "SELECT count(*) FROM shop.deleted_rows") == [(3,)]


def test_an_empty_result_has_its_schema(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM shop.empty")
        found = cursor.fetch_arrow_table()
    assert (found.num_rows, found.schema.names) == (0, ["id", "item", "price"])


def test_a_cancel_frees_the_slot_at_once(shop: Shop, connection):
    failures: list[BaseException] = []
    with connection.cursor() as cursor:

        def run() -> None:
            try:
                cursor.execute(ENDLESS)
                cursor.fetchall()
            except adbc_driver_manager.Error as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        shop.server.wait_for_running(1)
        cursor.adbc_cancel()
        shop.server.wait_for_running(0)
        thread.join(120)
        assert not thread.is_alive()
    assert failures
    assert "ancel" in str(failures[0])
    assert rows(connection, "SELECT 1") == [(1,)]


def test_a_closed_reader_frees_the_slot(shop: Shop, connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT a.n, b.noise FROM shop.numbers a CROSS JOIN shop.numbers b")
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
        shop.server.wait_for_running(1)
        reader.close()
    shop.server.wait_for_running(0)


def test_errors_are_of_the_dbapi_class_that_tools_look_for(connection):
    with pytest.raises(adbc_driver_manager.ProgrammingError, match="did you mean 'orders'"):
        rows(connection, "SELECT * FROM shop.ordrs")
    with pytest.raises(adbc_driver_manager.NotSupportedError, match="only reads"):
        rows(connection, "DROP TABLE shop.orders")
    with (
        connection.cursor() as cursor,
        pytest.raises(adbc_driver_manager.NotSupportedError, match="only reads"),
    ):
        cursor.executemany("INSERT INTO shop.orders VALUES (?, ?, ?)", [(1, "a", 1.0)])
    with connection.cursor() as cursor, pytest.raises(adbc_driver_manager.Error, match="later"):
        cursor.adbc_ingest("t", pa.table({"x": [1]}), mode="create")
    assert rows(connection, "SELECT 1") == [(1,)]

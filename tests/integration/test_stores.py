"""What a manifest calls a file is what the engine reads: every odd name, in every store."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext

from flightlake.engine.scan import Scans
from flightlake.engine.stores import Stores
from flightlake.errors import DamagedData, FlightlakeError, NotReady, Unsupported
from flightlake.lake.blobs import filesystem, key_in, read
from flightlake.lake.predicates import Anything, Comparison
from flightlake.lake.stores import StoreSettings, settings_for
from flightlake.lake.table import IcebergTable
from tests.components import fake_gcs, s3
from tests.fix_catalogs import Lake, orders, s3_lake, sqlite_lake, started
from tests.fix_every_store import azure_lake, google_lake
from tests.fix_metadata import commit, file_entry

ODD = [
    *[f"x{character}y" for character in " %#?+=:&;,@!$'()*[]{}|\\^`~\"<>"],
    "a=x%3Ay z",
    "%2F",
    "%",
    "é",
    "日本 語",
    "🙂",
    "e\u0301",
    "..x",
    "x.",
    "no extension",
    "*.parquet",
]
# pyiceberg, which writes these, takes a location for a URL: it loses what follows # and ?.
FOLDERS = [name for name in ODD if not set(name) & set("#?%")]
SCHEMA = pa.schema([pa.field("id", pa.int64(), metadata={"PARQUET:field_id": "1"})])


def rows(table: IcebergTable) -> list[int]:
    """Return the ids in *table*, as the engine reads them."""
    engine = SessionContext()
    Stores(engine).ensure(table.store)
    paths = table.plan_files(Anything()).files.paths.to_pylist()
    scan = Scans(engine).scan(table.identifier, table.schema, table.store.engine_urls(paths))
    return sorted(id_.as_py() for batch in scan.collect() for id_ in batch.column(0))


class StoreContract:
    """Derive from this, and give the fixture ``lake``."""

    def test_rows_come_back(self, lake: Lake) -> None:
        table = lake.create("orders")
        table.append(orders(1, 2))
        table.append(orders(3))
        assert rows(lake.load("orders")) == [1, 2, 3]

    def test_all_odd_names_come_back(self, lake: Lake) -> None:
        written = lake.create("odd", SCHEMA)
        location = written.location()
        store = settings_for(location, lake.properties, 10)
        entries = []
        for number, name in enumerate(ODD):
            path = f"{location}/data/{name}/{name}"
            key = key_in(store, path)
            filesystem(store).create_dir(key.rpartition("/")[0], recursive=True)
            pq.write_table(
                pa.table({"id": [number]}, schema=SCHEMA), key, filesystem=filesystem(store)
            )
            entries.append(file_entry(path))
        commit(lake, "odd", entries)
        assert rows(lake.load("odd")) == list(range(len(ODD)))

    def test_odd_partition_values_come_back(self, lake: Lake) -> None:
        from pyiceberg.partitioning import PartitionField, PartitionSpec
        from pyiceberg.schema import Schema
        from pyiceberg.transforms import IdentityTransform
        from pyiceberg.types import LongType, NestedField, StringType

        schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "item", StringType()))
        spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "part of it"))
        values = ["a b", "a/b", "a%20b", "a#b?c", "é", "", "..", "a=b", None]
        data = pa.table({"id": range(len(values)), "item": values})
        lake.create("parted", schema, partition_spec=spec).append(data)
        table = lake.load("parted")
        assert rows(table) == list(range(len(values)))
        for value in values:
            if value is not None:
                plan = table.plan_files(Comparison("item", "=", pa.scalar(value)))
                assert [file.record_count for file in plan.files] == [1]

    def test_a_missing_file_is_damaged_data(self, lake: Lake) -> None:
        written = lake.create("orders")
        written.append(orders(1))
        commit(lake, "orders", [file_entry(f"{written.location()}/data/none.parquet")])
        with pytest.raises(DamagedData, match=r"a data file of table .* is missing"):
            lake.load("orders").plan_files(Anything())


class TestLocal(StoreContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return sqlite_lake(tmp_path)

    @pytest.mark.parametrize("name", FOLDERS)
    def test_a_warehouse_of_an_odd_name_is_read(self, tmp_path: Path, name: str) -> None:
        lake = sqlite_lake(tmp_path, warehouse=f"file://{tmp_path}/{name}")
        lake.create("orders").append(orders(1, 2))
        assert rows(lake.load("orders")) == [1, 2]


@pytest.mark.component("s3")
class TestS3(StoreContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return s3_lake(tmp_path)

    def test_two_buckets_are_read_in_one_engine(self, tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        one, two = s3_lake(tmp_path / "one", "bucket-1"), s3_lake(tmp_path / "two", "bucket-2")
        one.create("orders").append(orders(1))
        two.create("orders").append(orders(2))
        assert (rows(one.load("orders")), rows(two.load("orders"))) == ([1], [2])

    def test_a_file_in_another_bucket_is_refused(self, lake: Lake) -> None:
        table = lake.create("orders")
        table.append(orders(1))
        with pytest.raises(Unsupported, match="several buckets"):
            lake.load("orders").store.engine_url("s3://another/file.parquet")

    def test_wrong_keys_are_not_ready_and_not_shown(self, lake: Lake) -> None:
        lake.create("orders").append(orders(1))
        wrong = {**lake.properties, "s3.secret-access-key": "wrong-and-secret"}
        broken = Lake(lake.name, lake.type, wrong, lake.writer, lake.root)
        with pytest.raises(NotReady, match="may not be read by this server") as error:
            broken.load("orders")
        assert "wrong-and-secret" not in error.value.message

    def test_a_store_that_is_down_is_not_ready(self, lake: Lake) -> None:
        lake.create("orders").append(orders(1))
        table = lake.load("orders")
        server: s3.Server = started(s3, s3.launch)
        server.process.stop()
        gone = settings_for(
            table.metadata.location, {**lake.properties, "s3.endpoint": server.endpoint}, 1
        )
        with pytest.raises(NotReady, match="its store does not answer"):
            read(gone, table.metadata.location + "/x", "a file")

    def test_a_bucket_that_is_not_there_is_damaged_data(self, lake: Lake) -> None:
        store = settings_for("s3://no-such-bucket/x", lake.properties, 5)
        with pytest.raises(FlightlakeError, match="a file is missing"):
            read(store, "s3://no-such-bucket/x", "a file")

    def test_secrets_are_not_shown(self, lake: Lake) -> None:
        store: StoreSettings = settings_for("s3://lake/x", lake.properties, 5)
        assert lake.properties["s3.secret-access-key"] not in repr(store)
        assert lake.properties["s3.secret-access-key"] not in store.host


@pytest.mark.component("azurite")
class TestAzure(StoreContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return azure_lake(tmp_path)

    def test_a_wrong_key_is_not_ready_and_not_shown(self, lake: Lake) -> None:
        lake.create("orders").append(orders(1))
        wrong = {**lake.properties, "adls.account-key": "d3Jvbmc="}
        broken = Lake(lake.name, lake.type, wrong, lake.writer, lake.root)
        with pytest.raises(NotReady, match="may not be read by this server") as error:
            broken.load("orders")
        assert "d3Jvbmc" not in error.value.message

    def test_a_key_that_is_no_key_is_not_ready_and_not_shown(self) -> None:
        wrong = {"adls.account-name": "acme", "adls.account-key": "canary, not base 64"}
        with pytest.raises(NotReady, match="credentials for it cannot be read") as error:
            Stores(SessionContext()).ensure(settings_for("abfss://lake/x", wrong, 5))
        assert "canary" not in repr(error.value)

    @pytest.mark.parametrize(
        "login",
        [
            {},
            {"adls.sas-token": "?sv=1&sig=a%3D"},
            {"adls.tenant-id": "t", "adls.client-id": "c", "adls.client-secret": "s"},
        ],
        ids=["managed identity", "SAS", "service principal"],
    )
    def test_every_login_is_taken_by_the_engine_and_by_arrow(self, login: dict[str, str]) -> None:
        store = settings_for("abfss://lake/x", {"adls.account-name": "acme", **login}, 5)
        Stores(SessionContext()).ensure(store)
        assert filesystem(store).type_name == "abfs"

    def test_a_container_that_is_not_there_is_damaged_data(self, lake: Lake) -> None:
        store = settings_for("abfss://no-such/x", lake.properties, 5)
        with pytest.raises(DamagedData, match="a file is missing"):
            read(store, "abfss://no-such/x", "a file")


@pytest.mark.component("fake-gcs-server")
class TestGoogle(StoreContract):
    @pytest.fixture
    def lake(self, tmp_path: Path) -> Lake:
        return google_lake(tmp_path)

    def test_credentials_that_are_not_there_are_not_ready(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
        with pytest.raises(NotReady, match="may not be read by this server"):
            read(settings_for("gs://lake/x", {}, 1), "gs://lake/x", "a file")
        with pytest.raises(NotReady, match="credentials for it cannot be read"):
            Stores(SessionContext()).ensure(settings_for("gs://lake/x", {}, 1))

    def test_a_store_that_is_down_is_not_ready(self, lake: Lake) -> None:
        server: fake_gcs.Server = started(fake_gcs, fake_gcs.launch)
        server.process.stop()
        gone = settings_for("gs://lake/x", server.properties, 1)
        with pytest.raises(NotReady, match="its store does not answer"):
            read(gone, "gs://lake/x", "a file")

"""Tables that need what is not there yet are refused by name, before any row."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.manifest import DataFileContent, FileFormat, ManifestEntryStatus, ManifestFile

from flightlake.errors import DamagedData, Unsupported
from flightlake.lake.predicates import Anything
from tests.fix_catalogs import Lake, orders, sqlite_lake
from tests.fix_metadata import commit, edit, file_entry, point_to


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = sqlite_lake(tmp_path)
    made.create("orders").append(orders(1, 2, 3))
    return made


def _first_column(document: dict[str, Any]) -> dict[str, Any]:
    column: dict[str, Any] = document["schemas"][0]["fields"][0]
    return column


@pytest.mark.parametrize("version", [4, 17, None, "2"])
def test_a_format_version_that_is_not_known_is_refused(lake: Lake, version: object) -> None:
    edit(lake, "orders", lambda document: document.update({"format-version": version}))
    with pytest.raises(Unsupported, match=f"format version {version}; versions 1 to 3 are read"):
        lake.load("orders")


@pytest.mark.parametrize(
    "name", ["variant", "geometry(srid:4326)", "geography", "unknown", "interval"]
)
def test_a_type_that_is_not_read_is_refused_by_its_name(lake: Lake, name: str) -> None:
    edit(lake, "orders", lambda document: _first_column(document).update(type=name))
    with pytest.raises(Unsupported) as refusal:
        lake.load("orders")
    assert name in refusal.value.message


def test_a_type_inside_a_nested_column_is_refused_by_its_name(lake: Lake) -> None:
    nested = {
        "type": "list",
        "element-id": 10,
        "element-required": False,
        "element": {
            "type": "map",
            "key-id": 11,
            "key": "string",
            "value-id": 12,
            "value-required": False,
            "value": {
                "type": "struct",
                "fields": [{"id": 13, "name": "a", "required": False, "type": "variant"}],
            },
        },
    }
    edit(lake, "orders", lambda document: _first_column(document).update(type=nested))
    with pytest.raises(Unsupported, match="'variant'"):
        lake.load("orders")


def test_a_type_in_a_schema_of_the_past_does_not_matter(lake: Lake) -> None:
    def add_old_schema(document: dict[str, Any]) -> None:
        document["schemas"].append({**document["schemas"][0], "schema-id": 5})
        document["current-schema-id"] = 5

    edit(lake, "orders", add_old_schema)
    assert lake.load("orders").schema_id == 5


@pytest.mark.parametrize(
    "sign",
    [
        {"encryption-keys": [{"key-id": "k"}]},
        {"properties": {"encryption.key-id": "k"}},
    ],
    ids=["keys", "property"],
)
def test_an_encrypted_table_is_refused(lake: Lake, sign: dict[str, Any]) -> None:
    edit(lake, "orders", lambda document: document.update(sign))
    with pytest.raises(Unsupported, match="is encrypted"):
        lake.load("orders")


def test_an_encrypted_file_is_refused(lake: Lake) -> None:
    commit(lake, "orders", [file_entry("file:///x.parquet", key_metadata=b"k")])
    with pytest.raises(Unsupported, match="is encrypted"):
        lake.load("orders").plan_files(Anything())


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (DataFileContent.POSITION_DELETES, FileFormat.PARQUET),
        (DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET),
        (DataFileContent.POSITION_DELETES, FileFormat.PUFFIN),
    ],
    ids=["position", "equality", "vector"],
)
def test_deletes_that_cannot_be_read_stop_the_statement(
    lake: Lake, content: DataFileContent, file_format: FileFormat
) -> None:
    commit(lake, "orders", [file_entry("file:///no/such/d", content, file_format)])
    table = lake.load("orders")
    with pytest.raises(DamagedData) as error:
        table.plan_files(Anything())
    assert str(table.identifier) in error.value.message
    assert "/no/such" not in error.value.message


def test_deletes_of_the_past_do_not_matter(lake: Lake) -> None:
    entry = file_entry("file:///d", DataFileContent.POSITION_DELETES)
    commit(lake, "orders", [entry], ManifestEntryStatus.DELETED)
    assert lake.load("orders").plan_files(Anything()).record_count == 3


def test_removed_data_files_are_not_read(lake: Lake) -> None:
    commit(lake, "orders", [file_entry("file:///gone")], ManifestEntryStatus.DELETED)
    plan = lake.load("orders").plan_files(Anything())
    assert (plan.record_count, plan.considered) == (3, 1)


@pytest.mark.parametrize("file_format", [FileFormat.ORC, FileFormat.AVRO])
def test_data_files_in_another_format_are_refused_by_name(
    lake: Lake, file_format: FileFormat
) -> None:
    commit(lake, "orders", [file_entry("file:///x", file_format=file_format)])
    with pytest.raises(Unsupported, match=f"{file_format.value} data files; only Parquet"):
        lake.load("orders").plan_files(Anything())


def test_a_manifest_of_another_length_is_damaged(lake: Lake) -> None:
    def lie(manifest: ManifestFile) -> None:
        manifest._data[1] += 1

    commit(lake, "orders", [file_entry("file:///x")], change=lie)
    with pytest.raises(DamagedData, match="not as long as it should be"):
        lake.load("orders").plan_files(Anything())


def test_a_manifest_with_fewer_files_than_listed_is_damaged(lake: Lake) -> None:
    def lie(manifest: ManifestFile) -> None:
        manifest._data[7] = 2

    commit(lake, "orders", [file_entry("file:///x")], change=lie)
    with pytest.raises(DamagedData, match="fewer entries"):
        lake.load("orders").plan_files(Anything())


def _manifest_files(lake: Lake, pattern: str) -> list[Path]:
    folder = Path(lake.properties["warehouse"].removeprefix("file://"))
    return sorted(folder.glob(f"**/metadata/{pattern}"))


@pytest.mark.parametrize("pattern", ["snap-*.avro", "*-m0.avro"])
@pytest.mark.parametrize("damage", ["missing", "garbage", "empty"])
def test_broken_metadata_files_are_damaged_data(lake: Lake, pattern: str, damage: str) -> None:
    (path,) = _manifest_files(lake, pattern)
    table = lake.load("orders")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"x" * path.stat().st_size if damage == "garbage" else b"")
    with pytest.raises(DamagedData) as error:
        table.plan_files(Anything())
    assert str(path.parent) not in error.value.message


@pytest.mark.parametrize("content", ["{", "[]", "", '{"format-version": 2}', '"x"'])
def test_metadata_that_is_no_metadata_is_refused(lake: Lake, content: str, tmp_path: Path) -> None:
    (tmp_path / "bad.metadata.json").write_text(content)
    point_to(lake, "orders", f"file://{tmp_path}/bad.metadata.json")
    with pytest.raises(Unsupported, match="the metadata of table"):
        lake.load("orders")


def test_metadata_that_is_missing_is_damaged_data(lake: Lake, tmp_path: Path) -> None:
    point_to(lake, "orders", f"file://{tmp_path}/gone.metadata.json")
    with pytest.raises(DamagedData, match=r"the metadata of table .* is missing"):
        lake.load("orders")


@pytest.mark.parametrize("scheme", ["oss", "hdfs", "adl"])
def test_a_location_of_another_scheme_is_refused_by_name(lake: Lake, scheme: str) -> None:
    edit(lake, "orders", lambda document: document.update(location=f"{scheme}://lake/orders"))
    with pytest.raises(Unsupported, match=f"'{scheme}:' locations"):
        lake.load("orders")


def test_a_snapshot_without_a_manifest_list_is_refused(lake: Lake) -> None:
    def old_style(document: dict[str, Any]) -> None:
        snapshot = document["snapshots"][0]
        snapshot["manifests"] = [snapshot.pop("manifest-list")]

    edit(lake, "orders", old_style)
    with pytest.raises(Unsupported, match="the metadata of table"):
        lake.load("orders")


def test_compressed_metadata_is_read(lake: Lake, tmp_path: Path) -> None:
    import gzip

    written = lake.writer.load_table((lake.root, "orders"))
    plain = Path(written.metadata_location.removeprefix("file://")).read_bytes()
    assert json.loads(plain)
    (tmp_path / "x.gz.metadata.json").write_bytes(gzip.compress(plain))
    point_to(lake, "orders", f"file://{tmp_path}/x.gz.metadata.json")
    assert lake.load("orders").plan_files(Anything()).record_count == 3


def test_a_current_snapshot_that_is_not_there_is_damaged_data(lake: Lake) -> None:
    edit(lake, "orders", lambda document: document.update(snapshots=[]))
    with pytest.raises(DamagedData, match="lacks its current snapshot"):
        lake.load("orders")

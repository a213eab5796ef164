"""How tables are changed in Hive Metastores and in Glue: under a lock, and by a version."""

import json
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from hive_metastore.ttypes import (
    CheckLockRequest,
    GetTableRequest,
    LockComponent,
    LockLevel,
    LockRequest,
    LockState,
    LockType,
    UnlockRequest,
)
from pyiceberg.table.update import SetPropertiesUpdate

from flightlake.errors import InvalidSql
from flightlake.lake.commits import Committed, OutcomeUnknown, Refused, commit, renamed
from flightlake.lake.writing import WritingRefused
from flightlake.names import TableIdentifier
from tests.components import hive_metastore
from tests.fix_catalogs import Lake, orders, started
from tests.fix_every_catalog import KINDS, hive_lake
from tests.fix_materialized import NEW, Mill, Mills, mills, with_news

__all__ = ["mills"]

UPDATE = [SetPropertiesUpdate(updates={"a": "b"})]


def changed(catalog: Any, base: Committed) -> Committed:
    return commit(catalog, base, UPDATE, lambda now: now.properties.get("a") == "b")


@pytest.fixture
def hive(tmp_path: Path) -> Lake:
    return hive_lake(started(hive_metastore, partial(hive_metastore.start, "4")), "4")


@pytest.fixture
def base(hive: Lake) -> Committed:
    hive.create("orders").append(orders(1, 2))
    catalog: Any = hive.open()
    found = catalog.current(TableIdentifier(hive.name, hive.root, "orders"))
    assert isinstance(found, Committed)
    return found


@pytest.mark.component("hive-metastore")
def test_a_table_that_somebody_else_has_locked_is_not_changed(hive: Lake, base: Committed) -> None:
    part = LockComponent(
        type=LockType.EXCLUSIVE,
        level=LockLevel.TABLE,
        dbname=hive.root,
        tablename="orders",
        isTransactional=True,
    )
    catalog: Any = hive.open(timedelta(seconds=6))
    with hive.writer._client as client:  # type: ignore[attr-defined]
        lock = client.lock(LockRequest(component=[part], user="ada", hostname="there"))
        with pytest.raises(Refused):
            changed(catalog, base)
        client.unlock(UnlockRequest(lockid=lock.lockid))
    changed(hive.open(), base)
    # And no lock of ours is left: another is given at once.
    with hive.writer._client as client:  # type: ignore[attr-defined]
        lock = client.lock(LockRequest(component=[part], user="ada", hostname="there"))
        assert lock.state == LockState.ACQUIRED
        client.check_lock(CheckLockRequest(lockid=lock.lockid))
        client.unlock(UnlockRequest(lockid=lock.lockid))


@pytest.mark.component("hive-metastore")
def test_the_metastore_shows_the_columns_and_what_others_keep_there(
    hive: Lake, mills: Mills
) -> None:
    mill = with_news(mills(lake=hive))

    def shown() -> Any:
        with hive.writer._client as client:  # type: ignore[attr-defined]
            request = GetTableRequest(dbName=hive.root, tblName="v")
            return client.get_table_req(request).table

    table = shown()
    table.parameters |= {"kept": "by others", "current-snapshot-id": "1"}
    with hive.writer._client as client:  # type: ignore[attr-defined]
        client.alter_table_with_environment_context(hive.root, "v", table, None)
    mill.run(
        "CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT id, item, CAST(1.5 AS decimal(9, 2)) AS d,"
        " TIMESTAMP '2026-01-01T00:00:00Z' AS at FROM orders"
    )
    table = shown()
    assert [(column.name, column.type) for column in table.sd.cols] == [
        ("id", "bigint"),
        ("item", "string"),
        ("d", "decimal(9,2)"),
        ("at", "timestamp"),
    ]
    assert table.tableType == "EXTERNAL_TABLE"
    assert table.parameters["kept"] == "by others"
    assert table.parameters["write.parquet.compression-codec"] == "zstd"
    assert not [name for name in table.parameters if name.startswith("flightlake.")]
    assert "current-snapshot-id" not in table.parameters


@pytest.mark.component("hive-metastore")
def test_names_that_the_metastore_would_not_keep_are_refused(hive: Lake, mills: Mills) -> None:
    mill = with_news(mills(lake=hive))
    for name in ('"V"', '"with space"', '"ü"'):
        with pytest.raises(InvalidSql, match="choose another name"):
            mill.run(f"CREATE MATERIALIZED VIEW {name} AS SELECT 1 AS n")
    view = mill.catalog.current(TableIdentifier(hive.name, hive.root, "v"))
    with pytest.raises(InvalidSql, match="choose another name"):
        renamed(mill.catalog, view, TableIdentifier(hive.name, hive.root, "V"))


@pytest.fixture
def glue(mills: Mills, tmp_path: Path) -> Mill:
    return with_news(mills(lake=KINDS["glue"].lake(tmp_path)))


def on_update(mill: Mill, event: str, work: Any) -> None:
    """Let *work* be called at *event* of each change that is sent."""
    client = mill.catalog._connect()._client(once=True)
    client.meta.events.register(f"{event}.glue.UpdateTable", work)


def answer(code: str, status: int) -> AWSResponse:
    class Raw(BytesIO):
        def stream(self) -> Any:
            yield self.read()

    told = json.dumps({"__type": code, "Message": "no"}).encode()
    return AWSResponse("http://glue", status, {}, Raw(told))


@pytest.mark.component("moto")
def test_a_change_is_sent_to_glue_with_the_version_it_was_made_from(glue: Mill) -> None:
    sent: list[dict[str, Any]] = []
    on_update(glue, "before-parameter-build", lambda params, **_: sent.append(dict(params)))
    before = glue.lake.writer.glue.get_table(DatabaseName=glue.lake.root, Name="v")["Table"]  # type: ignore[attr-defined]
    glue.run("REFRESH MATERIALIZED VIEW v")
    (told,) = sent
    assert told["VersionId"] == before["VersionId"]
    assert told["SkipArchive"] is True
    columns = told["TableInput"]["StorageDescriptor"]["Columns"]
    assert [(column["Name"], column["Type"]) for column in columns] == [
        ("id", "bigint"),
        ("n", "bigint"),
    ]
    assert glue.stored("v") == NEW


@pytest.mark.component("moto")
@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ConcurrentModificationException", 400, Refused),
        ("AccessDeniedException", 400, WritingRefused),
        ("InternalServiceException", 500, OutcomeUnknown),
    ],
)
def test_what_glue_says_of_a_change_is_understood_and_it_is_sent_once(
    glue: Mill, code: str, status: int, error: type[Exception]
) -> None:
    sent: list[Any] = []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return answer(code, status)

    before = glue.files("v")
    on_update(glue, "before-send", refuse)
    with pytest.raises(error):
        glue.run("REFRESH MATERIALIZED VIEW v")
    assert len(sent) == 1
    assert (glue.files("v") > before) == (error is OutcomeUnknown)

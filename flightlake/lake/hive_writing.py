"""Tables of a Hive Metastore, made and changed: which metadata file is a table's.

The metastore itself compares nothing.  So a table is changed under the lock that all writers of
Iceberg tables take by default, after a look at which file it has; and a change is not sent if the
lock has been held for long, after which the metastore may give it to somebody else.

Metastores of version 4 can compare (``expected_parameter_key``), but fail to on databases that
keep parameters in CLOBs (Derby, Oracle), and some of version 3 hang on it: it is not used.

Source: Iceberg's ``HiveTableOperations`` and ``MetastoreLock``; HIVE-26882, HIVE-28121; Hive's
``hive_metastore.thrift``.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hive_metastore.ThriftHiveMetastore import Client
from hive_metastore.ttypes import (
    AlreadyExistsException,
    CheckLockRequest,
    EnvironmentContext,
    FieldSchema,
    InvalidObjectException,
    InvalidOperationException,
    LockComponent,
    LockLevel,
    LockRequest,
    LockState,
    LockType,
    MetaException,
    NoSuchObjectException,
    SerDeInfo,
    StorageDescriptor,
    Table,
    UnlockRequest,
)
from pyiceberg.table.metadata import TableMetadata

from flightlake.lake.hive_types import hive_type
from flightlake.lake.metastore import parameters_of

_KEY = "metadata_location"
_POLL_SECONDS = 0.1
_LIFE_SECONDS = 60.0
"""Within this a lock is held for certain: metastores take it away after 300 seconds."""
_FILES = "org.apache.hadoop.mapred.FileInputFormat", "org.apache.hadoop.mapred.FileOutputFormat"
_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_ZONED = "timestamp with local time zone"


@dataclass(frozen=True, slots=True)
class HiveWriter:
    """Changes tables.

    Args:
        connection: Opens one, whose failures are what ``outages.Calls`` knows.
        look: Returns a table as it is.
        user: Who we say we are.
        seconds: How long to wait for a lock.
    """

    connection: Callable[[], AbstractContextManager[Client]]
    look: Callable[[Client, str, str], Any]
    user: str
    seconds: float

    def swap(
        self,
        database: str,
        name: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None,
    ) -> bool:
        """Put *new* in the place of *old*; see ``PointedTables.swap``."""
        if old is None:
            return self._make(database, name, str(new), metadata)
        with self._locked(database, name) as (client, holds):
            table = client and self._expected(client, database, name, old)
            if not table or not holds():
                return False
            if new is None:
                client.drop_table(database, name, False)
                return True
            assert metadata is not None  # noqa: S101 - of what is put there, it is known
            _show(table, new, old, metadata)
            return _altered(client, database, name, table)

    def swap_name(self, database: str, name: str, old: str, to_database: str, to_name: str) -> bool:
        """Give a table another name; see ``PointedTables.swap_name``."""
        with self._locked(database, name) as (client, holds):
            table = client and self._expected(client, database, name, old)
            if not table or not holds():
                return False
            table.dbName, table.tableName = to_database, to_name
            return _altered(client, database, name, table)

    def _make(self, database: str, name: str, new: str, metadata: TableMetadata | None) -> bool:
        assert metadata is not None  # noqa: S101 - of what is put there, it is known
        now = int(time.time())
        table = Table(
            tableName=name,
            dbName=database,
            owner=self.user,
            createTime=now,
            lastAccessTime=now,
            tableType="EXTERNAL_TABLE",
            parameters={"EXTERNAL": "TRUE"},
        )
        _show(table, new, None, metadata)
        with self.connection() as client:
            try:
                client.create_table(table)
            except AlreadyExistsException:
                return False
        return True

    def _expected(self, client: Client, database: str, name: str, old: str) -> Any:
        """Return the table if its metadata file is *old*, else None."""
        try:
            table = self.look(client, database, name)
        except NoSuchObjectException:
            return None
        return table if (table.parameters or {}).get(_KEY) == old else None

    @contextmanager
    def _locked(self, database: str, name: str) -> Iterator[tuple[Any, Callable[[], bool]]]:
        """Yield a client that holds the lock of a table, or None if somebody else keeps it.

        And with it, what tells whether the lock is still held for certain.
        """
        part = LockComponent(
            type=LockType.EXCLUSIVE,
            level=LockLevel.TABLE,
            dbname=database,
            tablename=name,
            isTransactional=True,
        )
        request = LockRequest(component=[part], user=self.user, hostname=socket.gethostname())
        with self.connection() as client:
            asked = time.monotonic()
            until = asked + self.seconds
            lock = client.lock(request)
            try:
                while lock.state == LockState.WAITING and time.monotonic() < until:
                    time.sleep(_POLL_SECONDS)
                    asked = time.monotonic()
                    lock = client.check_lock(CheckLockRequest(lockid=lock.lockid))
                held = lock.state == LockState.ACQUIRED
                yield client if held else None, lambda: time.monotonic() < asked + _LIFE_SECONDS
            finally:
                with suppress(Exception):  # it ends by itself
                    client.unlock(UnlockRequest(lockid=lock.lockid))


def _altered(client: Client, database: str, name: str, table: Any) -> bool:
    more = EnvironmentContext(properties={"DO_NOT_UPDATE_STATS": "true"})
    try:
        client.alter_table_with_environment_context(database, name, table, more)
    except (NoSuchObjectException, AlreadyExistsException):
        return False
    except (InvalidOperationException, MetaException, InvalidObjectException) as refused:
        # Of a name that is taken, or a table that is gone, it says so in words only.
        if "already exists" in str(refused) or "doesn't exist" in str(refused):
            return False
        raise
    return True


def _show(table: Any, new: str, old: str | None, metadata: TableMetadata) -> None:
    """Let *table* show what is in the metadata file *new*."""
    columns = [
        FieldSchema(field.name, hive_type(field.field_type, _ZONED), field.doc)
        for field in metadata.schema().fields
    ]
    table.sd = StorageDescriptor(
        cols=columns,
        location=metadata.location,
        inputFormat=_FILES[0],
        outputFormat=_FILES[1],
        serdeInfo=SerDeInfo(serializationLib=_LAZY),
    )
    before: Mapping[str, str] = table.parameters or {}
    table.parameters = parameters_of(before, new, old, metadata)

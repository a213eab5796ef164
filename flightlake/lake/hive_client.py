"""Calls to a Hive Metastore over Thrift, with the client that pyiceberg brings.

Imported only where a ``hive`` catalog is configured: Thrift is an optional part, and the
generated client takes half a second to import.

Each call has a connection of its own, as metastores behind balancers want it.  A call that
metastores of version 4 no longer have is made in its newer form, and in the older one where
the newer is unknown (version 2).

Source: Hive's ``hive_metastore.thrift``.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from hive_metastore.ThriftHiveMetastore import Client
from hive_metastore.ttypes import (
    AlreadyExistsException,
    Database,
    GetTableRequest,
    GetTablesRequest,
    NoSuchObjectException,
    UnknownDBException,
)
from pyiceberg.exceptions import ForbiddenError
from pyiceberg.table.metadata import TableMetadata
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TApplicationException, TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from flightlake.lake.hive_writing import HiveWriter
from flightlake.lake.metastore import NoSuchDatabase, Parameters

T = TypeVar("T")

_AT_ONCE = 500
"""Tables asked for in one call: each comes with all its columns."""
_LONGEST = 64 << 20
"""The longest text, and the most members of a list, that an answer may have."""

# It writes a line for every failed connection, which is told by our error.
logging.getLogger("thrift.transport.TSocket").disabled = True


class HiveMetastore:
    """A ``Metastore`` that is reached at the first of *addresses* that answers.

    Args:
        addresses: Hosts and ports.
        seconds: For connecting to all of the addresses, and for each answer.
        user: Who we say we are, and our groups; empty to say nothing.
    """

    def __init__(
        self, addresses: Sequence[tuple[str, int]], seconds: float, user: Sequence[str]
    ) -> None:
        self._addresses = addresses
        self._seconds = seconds
        self._user = user
        # Half of the time is left for what is done under a lock.
        name = user[0] if user else "flightlake"
        self._writer = HiveWriter(self._connection, _table, name, seconds / 2)

    def location(self, database: str) -> str | None:
        with self._connection() as client:
            try:
                found: str | None = client.get_database(database).locationUri
            except (NoSuchObjectException, UnknownDBException) as missing:
                raise NoSuchDatabase from missing
            return found

    def make(self, database: str, location: str | None) -> None:
        with self._connection() as client, suppress(AlreadyExistsException):
            client.create_database(Database(name=database, locationUri=location))

    def keeps(self, name: str) -> bool:
        return re.fullmatch(r"[a-z0-9_]+", name) is not None

    def swap(
        self,
        database: str,
        name: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None,
    ) -> bool:
        return self._writer.swap(database, name, old, new, metadata)

    def swap_name(self, database: str, name: str, old: str, to_database: str, to_name: str) -> bool:
        return self._writer.swap_name(database, name, old, to_database, to_name)

    def databases(self) -> list[str]:
        with self._connection() as client:
            return list(client.get_all_databases())

    def tables(self, database: str) -> Mapping[str, Parameters]:
        found: dict[str, Parameters] = {}
        with self._connection() as client:
            try:
                names = client.get_all_tables(database)
                for start in range(0, len(names), _AT_ONCE):
                    for table in _tables(client, database, names[start : start + _AT_ONCE]):
                        found[table.tableName] = table.parameters or {}
            except (NoSuchObjectException, UnknownDBException) as missing:
                raise NoSuchDatabase from missing
        return found

    def table(self, database: str, name: str) -> Parameters | None:
        with self._connection() as client:
            try:
                table = _table(client, database, name)
            except NoSuchObjectException:
                return None
        # It is found in any case of letters.
        if (table.dbName, table.tableName) != (database, name):
            return None
        return dict(table.parameters or {})

    @contextmanager
    def _connection(self) -> Iterator[Client]:
        """Yield a client; its failures become what ``outages.Calls`` knows."""
        try:
            transport = self._opened()
            try:
                protocol = TBinaryProtocol(
                    transport, string_length_limit=_LONGEST, container_length_limit=_LONGEST
                )
                client = Client(protocol)
                if self._user:
                    client.set_ugi(self._user[0], list(self._user[1:]))
                yield client
            finally:
                transport.close()
        except TTransportException as failure:
            raise ConnectionError("the metastore does not answer") from failure
        except (TProtocolException, UnicodeDecodeError) as failure:
            raise ValueError("the metastore's answer is not of Thrift") from failure
        except TApplicationException as failure:
            if failure.type == TApplicationException.UNKNOWN_METHOD:
                raise ValueError("the metastore lacks a call") from failure
            raise ConnectionError("the metastore failed") from failure
        except TException as failure:
            if "Permission denied" in str(failure) or "AccessControl" in str(failure):
                raise ForbiddenError("the metastore refuses the user") from failure
            raise ConnectionError("the metastore failed") from failure

    def _opened(self) -> TBufferedTransport:
        share = self._seconds / len(self._addresses)
        for number, (host, port) in enumerate(self._addresses, start=1):
            socket = TSocket(host, port)
            socket.setTimeout(1000 * share)
            transport = TBufferedTransport(socket)
            try:
                transport.open()
            except TTransportException:
                if number == len(self._addresses):
                    raise
            else:
                socket.setTimeout(1000 * self._seconds)
                return transport
        raise AssertionError("a metastore has an address")


def _table(client: Client, database: str, name: str) -> Any:
    return _either(
        lambda: client.get_table_req(GetTableRequest(dbName=database, tblName=name)).table,
        lambda: client.get_table(database, name),
    )


def _tables(client: Client, database: str, names: list[str]) -> list[Any]:
    request = GetTablesRequest(dbName=database, tblNames=names)
    return _either(
        lambda: list(client.get_table_objects_by_name_req(request).tables),
        lambda: list(client.get_table_objects_by_name(database, names)),
    )


def _either(newer: Callable[[], T], older: Callable[[], T]) -> T:
    """Return what the newer form of a call returns, or the older one's if it is unknown."""
    try:
        return newer()
    except TApplicationException as unknown:
        if unknown.type != TApplicationException.UNKNOWN_METHOD:
            raise
        return older()

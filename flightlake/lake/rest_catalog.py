"""The ``rest`` catalog: Iceberg's REST protocol.

The requests and the configuration are pyiceberg's.  What differs: nothing is sent before the
first call, every request has a timeout, logging in is ours (``rest_login``), metadata that did
not change since the last statement is not parsed again, and the properties of a table never
reach its object store (who may write a table may not choose where the server's credentials go);
the catalog's own ``config`` and ``storage-credentials`` for the table do.

Source: Iceberg REST catalog OpenAPI specification, ``loadTable``, ``listNamespaces``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pyiceberg.catalog.rest import TableResponse
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, NoSuchViewError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableUpdate
from requests.auth import AuthBase

from flightlake.clock import Clock, SystemClock
from flightlake.errors import NotFound, Unsupported
from flightlake.lake import refusals
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.documents import readable
from flightlake.lake.missing import no_schema, no_table
from flightlake.lake.outages import Calls
from flightlake.lake.planning import Planner
from flightlake.lake.rest_client import CONNECTIONS, RestClient, timely_session
from flightlake.lake.rest_login import FixedToken, NoLogin, RenewedToken, client_credentials
from flightlake.lake.rest_stores import TableStores
from flightlake.lake.rest_writing import RestWriter
from flightlake.lake.table import IcebergTable, open_table
from flightlake.lake.views import IcebergView, open_view
from flightlake.lake.writing import Committed, Fresh, Refusal
from flightlake.names import TableIdentifier, from_namespace, to_namespace

_METADATA_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Shared:
    """What the instances of one catalog for several callers share: threads, and one bound.

    ``parsed`` is by owner and metadata location, whose content never changes.
    """

    calls: Calls
    parsed: BoundedCache[tuple[str, str], TableMetadata]

    @staticmethod
    def of(name: str, timeout: timedelta, personal: bool = False) -> "Shared":
        calls = Calls(name, timeout, threads=CONNECTIONS, personal=personal)
        return Shared(calls, BoundedCache(_METADATA_BYTES))


class RestTables:
    """A ``Catalog`` behind the REST protocol.  See the protocol for what its methods promise."""

    def __init__(
        self,
        name: str,
        properties: Mapping[str, str],
        timeout: timedelta,
        planner: Planner,
        login: AuthBase,
        clock: Clock,
        shared: "Shared | None" = None,
        owner: str = "",
    ) -> None:
        shared = shared or Shared.of(name, timeout)
        self._stores = TableStores(name, owner, clock)
        self.name = name
        self._owner = owner
        self._properties = dict(properties)
        self._login = login
        self._timeout = timeout
        self._planner = planner
        self._calls = shared.calls
        self._parsed = shared.parsed
        self._connected: RestClient | None = None
        seconds = timeout.total_seconds()
        self._writer = RestWriter(name, self._calls, self._client, self._stores, seconds)

    def db_schemas(self) -> list[str]:
        return self._calls.run(self._db_schemas)

    def tables(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._tables(db_schema))

    def load(self, db_schema: str, table: str) -> IcebergTable:
        identifier = TableIdentifier(self.name, db_schema, table)
        return self._calls.run(lambda: self._load(identifier))

    def views(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._views(db_schema))

    def view(self, db_schema: str, name: str) -> IcebergView:
        identifier = TableIdentifier(self.name, db_schema, name)
        return self._calls.run(lambda: self._view(identifier))

    def current(self, identifier: TableIdentifier) -> Committed | None:
        return self._writer.current(identifier)

    def fresh(
        self,
        identifier: TableIdentifier,
        schema: Schema,
        spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Fresh:
        return self._writer.fresh(identifier, schema, spec, properties)

    def attempt(
        self, base: Committed | Fresh, updates: Sequence[TableUpdate]
    ) -> Committed | Refusal:
        return self._writer.attempt(base, updates)

    def drop(self, table: Committed) -> bool:
        return self._writer.drop(table)

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        db_schemas = self.db_schemas()
        if to.db_schema not in db_schemas:
            raise no_schema(self.name, to.db_schema, db_schemas)
        return self._writer.rename(table, to)

    def compares_properties(self) -> bool:
        return False

    def make_schema(self, db_schema: str) -> None:
        namespace = to_namespace(db_schema)
        self._calls.run(lambda: self._client().create_namespace_if_not_exists(namespace))

    def materialized_views(self, db_schema: str) -> list[str]:
        return self._writer.materialized_views(
            self.tables(db_schema), lambda table: self.load(db_schema, table)
        )

    def _client(self) -> RestClient:
        # Two threads may both connect: that costs a request, a lock would cost waiting.
        if self._connected is None:
            self._connected = RestClient(
                self.name, self._timeout.total_seconds(), self._properties, self._login
            )
        return self._connected

    def _db_schemas(self) -> list[str]:
        client = self._client()
        found: list[str] = []
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            parent = waiting.pop()
            try:
                children = client.list_namespaces(parent)
            except NoSuchNamespaceError:  # dropped since it was listed
                continue
            for child in map(tuple, children):
                db_schema = from_namespace(child)
                if db_schema is not None and len(child) == len(parent) + 1:
                    found.append(db_schema)
                    waiting.append(child)
        return sorted(set(found))

    def _tables(self, db_schema: str) -> list[str]:
        client, namespace = self._client(), to_namespace(db_schema)
        try:
            found = client.list_tables(namespace)
            if not found:  # Nessie says so of namespaces that are not there, too
                client.load_namespace_properties(namespace)
        except NoSuchNamespaceError:
            raise no_schema(self.name, db_schema, self._db_schemas()) from None
        return sorted(entry[-1] for entry in found)

    def _views(self, db_schema: str) -> list[str]:
        try:
            return sorted(entry[-1] for entry in self._client().list_views(to_namespace(db_schema)))
        except NoSuchNamespaceError:
            raise no_schema(self.name, db_schema, self._db_schemas()) from None

    def _view(self, identifier: TableIdentifier) -> IcebergView:
        client = self._client()
        namespace = to_namespace(identifier.db_schema)
        try:
            document = client.view_document(namespace, identifier.table)
        except (NoSuchViewError, NoSuchNamespaceError):
            raise NotFound(f"view {identifier} does not exist") from None
        return open_view(identifier, document["metadata"])

    def _load(self, identifier: TableIdentifier) -> IcebergTable:
        client = self._client()
        namespace = to_namespace(identifier.db_schema)
        try:
            document, size = client.document(namespace, identifier.table)
        except (NoSuchTableError, NoSuchNamespaceError):
            raise self._absent(identifier) from None
        refusals.check_document(document["metadata"], str(identifier))
        location = document.get("metadata-location")
        metadata = self._parsed.get((self._owner, location)) if location else None
        if metadata is None:
            metadata = _parsed(document, identifier)
            if location:
                self._parsed.put((self._owner, location), metadata, 10 * size)
        seconds = self._timeout.total_seconds()
        table = open_table(identifier, metadata, client.storage(document), seconds, self._planner)

        def again() -> Mapping[str, str]:
            return self._calls.run(lambda: self._vended(identifier, table.uuid))

        return replace(
            table,
            store=self._stores.of(
                identifier, table.uuid, table.store, client.vended(document), again
            ),
        )

    def _vended(self, identifier: TableIdentifier, uuid: str) -> Mapping[str, str]:
        """Return what the catalog gives for the store of a table, asking it anew."""
        client = self._client()
        document, _ = client.document(to_namespace(identifier.db_schema), identifier.table)
        if document["metadata"].get("table-uuid") != uuid:
            raise NotFound(f"table {identifier} was dropped and made anew")
        return client.vended(document)

    def _absent(self, identifier: TableIdentifier) -> NotFound:
        try:
            return no_table(identifier, self._tables(identifier.db_schema))
        except NotFound as no_such_schema:
            return no_such_schema


def _parsed(document: Mapping[str, Any], identifier: TableIdentifier) -> TableMetadata:
    try:
        told = {**document, "metadata": readable(document["metadata"])}
        return TableResponse.model_validate(told).metadata
    except Exception as broken:
        raise Unsupported(f"the metadata of table {identifier} cannot be read") from broken


def open_rest_catalog(
    name: str,
    properties: Mapping[str, str],
    timeout: timedelta,
    planner: Planner,
    clock: Clock | None = None,
) -> RestTables:
    """Return the catalog at ``uri``, without connecting.

    Raises:
        Unsupported: The URI is missing, or not of HTTP.
    """
    _check_uri(name, properties)
    clock = clock or SystemClock()
    login = _login(properties, timeout.total_seconds(), clock)
    return RestTables(name, properties, timeout, planner, login, clock)


def open_personal(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> Callable[[str, str], RestTables]:
    """Return what opens the catalog for a caller: by his token, and what tells him from others.

    Raises:
        Unsupported: The URI is missing, or not of HTTP.
    """
    _check_uri(name, properties)
    shared = Shared.of(name, timeout, personal=True)

    def open_for(token: str, owner: str) -> RestTables:
        login, clock = FixedToken(token), SystemClock()
        return RestTables(name, properties, timeout, planner, login, clock, shared, owner)

    return open_for


def _check_uri(name: str, properties: Mapping[str, str]) -> None:
    if not properties.get("uri", "").startswith(("http://", "https://")):
        raise Unsupported(f"catalog '{name}' needs a uri that starts with http:// or https://")


def _login(properties: Mapping[str, str], seconds: float, clock: Clock) -> AuthBase:
    credentials = client_credentials(properties)
    if credentials is not None:
        return RenewedToken(credentials, lambda: timely_session(seconds), clock)
    token = properties.get("token")
    return FixedToken(token) if token else NoLogin()

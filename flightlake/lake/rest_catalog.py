"""The ``rest`` catalog: Iceberg's REST protocol.

The requests, authentication and configuration are pyiceberg's.  What differs: nothing is sent
before the first call, every request has a timeout, metadata that did not change since the last
statement is not parsed again, and the properties of a table never reach its object store (who
may write a table may not choose where the server's credentials go); the catalog's own
``config`` and ``storage-credentials`` for the table do.

Source: Iceberg REST catalog OpenAPI specification, ``loadTable``, ``listNamespaces``.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import requests
from pyiceberg.catalog.rest import Capability, Endpoints, IdentifierKind, RestCatalog, TableResponse
from pyiceberg.catalog.rest.response import _handle_non_200_response
from pyiceberg.catalog.rest.scan_planning import StorageCredential
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    NoSuchNamespaceError,
    NoSuchTableError,
    NoSuchViewError,
    UnauthorizedError,
)
from pyiceberg.table.metadata import TableMetadata
from requests.adapters import HTTPAdapter

from flightlake.errors import NotFound, Unsupported
from flightlake.lake import refusals
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.missing import no_schema, no_table
from flightlake.lake.outages import Calls
from flightlake.lake.planning import Planner
from flightlake.lake.table import IcebergTable, open_table
from flightlake.lake.views import IcebergView, open_view
from flightlake.names import TableIdentifier, from_namespace, to_namespace

T = TypeVar("T")

_CONNECTIONS = 16
_METADATA_BYTES = 64 << 20
_WITHOUT_LOGIN = {"auth": {"type": "noop"}}


class _TimelyAdapter(HTTPAdapter):
    """Sends requests that wait for at most *seconds* where nothing else is said."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        super().__init__(pool_maxsize=_CONNECTIONS)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or self._seconds
        return super().send(request, **options)


class _Client(RestCatalog):
    """pyiceberg's client, with timeouts, and with table metadata as it came."""

    def __init__(self, name: str, seconds: float, properties: Mapping[str, Any]) -> None:
        self._seconds = seconds
        super().__init__(name, **properties)

    def _config_headers(self, session: requests.Session) -> None:
        # The first thing done to a new session, before any token is fetched with it.
        for scheme in ("http://", "https://"):
            session.mount(scheme, _TimelyAdapter(self._seconds))
        super()._config_headers(session)

    def document(self, namespace: tuple[str, ...], table: str) -> tuple[dict[str, Any], int]:
        """Return the ``LoadTableResult`` of a table, and its length in bytes.

        Raises:
            NoSuchTableError: There is no such table.
            Exception: What pyiceberg and requests raise.
        """
        names = self._split_identifier_for_path((*namespace, table))
        response = self._session.get(self.url(Endpoints.load_table, prefixed=True, **names))
        try:
            response.raise_for_status()
        except requests.HTTPError as refusal:
            _handle_non_200_response(refusal, {404: NoSuchTableError})
        return _with_metadata(response), len(response.content)

    def view_document(self, namespace: tuple[str, ...], view: str) -> dict[str, Any]:
        """Return the ``LoadViewResult`` of a view.

        Raises:
            NoSuchViewError: There is no such view, or the catalog has no views at all.
            Exception: What pyiceberg and requests raise.
        """
        if Capability.V1_LOAD_VIEW not in self._supported_endpoints:
            raise NoSuchViewError(view)
        names = self._split_identifier_for_path((*namespace, view), IdentifierKind.VIEW)
        response = self._session.get(self.url(Endpoints.load_view, prefixed=True, **names))
        try:
            response.raise_for_status()
        except requests.HTTPError as refusal:
            _handle_non_200_response(refusal, {404: NoSuchViewError})
        return _with_metadata(response)

    def again(self, call: Callable[[], T]) -> T:
        """Return what *call* returns, trying once more with a new token if the old expired."""
        try:
            return call()
        except (AuthorizationExpiredError, UnauthorizedError):
            self._refresh_token()
            return call()

    def storage(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Return the properties that reach a table's files, by the catalog alone."""
        location = document.get("metadata-location")
        credentials = [
            StorageCredential.model_validate(entry)
            for entry in document.get("storage-credentials") or ()
        ]
        chosen = self._resolve_storage_credentials(credentials, location)
        return {**self.properties, **(document.get("config") or {}), **chosen}


def _with_metadata(response: requests.Response) -> dict[str, Any]:
    document = response.json()
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise ValueError("the answer has no metadata")
    return document


class RestTables:
    """A ``Catalog`` behind the REST protocol.  See the protocol for what its methods promise."""

    def __init__(
        self, name: str, properties: Mapping[str, Any], timeout: timedelta, planner: Planner
    ) -> None:
        self.name = name
        self._properties = dict(properties)
        self._timeout = timeout
        self._planner = planner
        self._calls = Calls(name, timeout, threads=_CONNECTIONS)
        self._connected: _Client | None = None
        # By metadata location, whose content never changes.
        self._parsed: BoundedCache[str, TableMetadata] = BoundedCache(_METADATA_BYTES)

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

    def _client(self) -> _Client:
        # Two threads may both connect: that costs a request, a lock would cost waiting.
        if self._connected is None:
            self._connected = _Client(self.name, self._timeout.total_seconds(), self._properties)
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
            document, size = client.again(lambda: client.document(namespace, identifier.table))
        except (NoSuchTableError, NoSuchNamespaceError):
            raise self._absent(identifier) from None
        refusals.check_document(document["metadata"], str(identifier))
        location = document.get("metadata-location")
        metadata = self._parsed.get(location) if location else None
        if metadata is None:
            metadata = _parsed(document, identifier)
            if location:
                self._parsed.put(location, metadata, 10 * size)
        seconds = self._timeout.total_seconds()
        return open_table(identifier, metadata, client.storage(document), seconds, self._planner)

    def _absent(self, identifier: TableIdentifier) -> NotFound:
        try:
            return no_table(identifier, self._tables(identifier.db_schema))
        except NotFound as no_such_schema:
            return no_such_schema


def _parsed(document: Mapping[str, Any], identifier: TableIdentifier) -> TableMetadata:
    try:
        return TableResponse.model_validate(document).metadata
    except Exception as broken:
        raise Unsupported(f"the metadata of table {identifier} cannot be read") from broken


def open_rest_catalog(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> RestTables:
    """Return the catalog at ``uri``, without connecting.

    Raises:
        Unsupported: The URI is missing, or not of HTTP.
    """
    uri = properties.get("uri", "")
    if not uri.startswith(("http://", "https://")):
        raise Unsupported(f"catalog '{name}' needs a uri that starts with http:// or https://")
    login: Mapping[str, Any] = {}
    if "credential" in properties:
        # pyiceberg warns where this is left to itself.
        login = {"oauth2-server-uri": f"{uri.rstrip('/')}/v1/oauth/tokens"}
    elif "token" not in properties:
        login = _WITHOUT_LOGIN
    return RestTables(name, {**login, **properties}, timeout, planner)

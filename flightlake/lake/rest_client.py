"""pyiceberg's REST client, as flightlake needs it.

The requests and the configuration are pyiceberg's.  What differs: every request has a timeout,
logging in is ours (``rest_login``), and the metadata of tables and views comes as it is.
"""

from collections.abc import Mapping
from typing import Any

import requests
from pyiceberg.catalog.rest import Capability, Endpoint, Endpoints, IdentifierKind, RestCatalog
from pyiceberg.catalog.rest.response import _handle_non_200_response
from pyiceberg.catalog.rest.scan_planning import StorageCredential
from pyiceberg.exceptions import NoSuchTableError, NoSuchViewError
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

CONNECTIONS = 16
_OURS = ("credential", "token", "oauth2-server-uri", "scope", "audience", "resource")


class _TimelyAdapter(HTTPAdapter):
    """Sends requests that wait for at most *seconds* where nothing else is said."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        super().__init__(pool_maxsize=CONNECTIONS)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or self._seconds
        return super().send(request, **options)


def timely_session(seconds: float) -> requests.Session:
    """Return a session whose requests wait for at most *seconds*."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _TimelyAdapter(seconds))
    return session


class RestClient(RestCatalog):
    """A connected catalog: what it asks at once is the catalog's configuration.

    Args:
        name: What the catalog is called.
        seconds: How long one request may take.
        properties: pyiceberg's; those about logging in are not used.
        login: Puts credentials into requests.
    """

    def __init__(
        self, name: str, seconds: float, properties: Mapping[str, str], login: AuthBase
    ) -> None:
        self._seconds = seconds
        self._login = login
        given = {key: value for key, value in properties.items() if key not in _OURS}
        # With a login of its own, pyiceberg would ask for tokens before ours is there.
        super().__init__(name, **given, auth={"type": "noop"})  # type: ignore[arg-type]

    def _create_session(self) -> requests.Session:
        session = super()._create_session()
        session.auth = self._login
        return session

    def _config_headers(self, session: requests.Session) -> None:
        # The first thing done to a new session.
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

    def offers(self, capability: Endpoint) -> bool:
        """Return whether the catalog says that it has *capability*."""
        return capability in self._supported_endpoints

    # Changes: each is sent once, and to nowhere else.  The answer is returned whatever it says.

    def commit(self, namespace: tuple[str, ...], table: str, body: bytes) -> requests.Response:
        """Send a ``CommitTableRequest``."""
        names = self._split_identifier_for_path((*namespace, table))
        return self._post(self.url(Endpoints.update_table, prefixed=True, **names), body)

    def stage(self, namespace: tuple[str, ...], body: bytes) -> requests.Response:
        """Send a ``CreateTableRequest``."""
        where = self._encode_namespace_path(namespace)
        return self._post(self.url(Endpoints.create_table, namespace=where), body)

    def rename(self, body: bytes) -> requests.Response:
        """Send a ``RenameTableRequest``."""
        return self._post(self.url(Endpoints.rename_table), body)

    def drop(self, namespace: tuple[str, ...], table: str) -> requests.Response:
        """Ask for a table to be taken out of the catalog, with its files left where they are."""
        names = self._split_identifier_for_path((*namespace, table))
        url = self.url(Endpoints.drop_table, prefixed=True, **names)
        return self._session.delete(url, params={"purgeRequested": "false"}, allow_redirects=False)

    def _post(self, url: str, body: bytes) -> requests.Response:
        return self._session.post(url, data=body, allow_redirects=False)

    def storage(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Return the properties that reach a table's files, by the catalog alone."""
        return {**self.properties, **self.vended(document)}

    def vended(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Return the part of ``storage`` that the catalog has given for this table."""
        return {**_given(document), **self._chosen(document)}

    def _chosen(self, document: Mapping[str, Any]) -> dict[str, str]:
        # A table that is only prepared has no metadata file yet.
        location = document.get("metadata-location") or document["metadata"].get("location")
        credentials = [
            StorageCredential.model_validate(entry)
            for entry in document.get("storage-credentials") or ()
        ]
        return dict(self._resolve_storage_credentials(credentials, location))


def _given(document: Mapping[str, Any]) -> dict[str, str]:
    return dict(document.get("config") or {})


def _with_metadata(response: requests.Response) -> dict[str, Any]:
    document = response.json()
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise ValueError("the answer has no metadata")
    return document

"""Tables of a REST catalog, made and changed.

Each change is one request, which neither we nor a library underneath sends again; only where the
catalog does not let the request in because of a token that has ended (401, 419), it is sent with
a new one.  An answer that may come after the change was made (5xx, a timeout, a connection that
breaks) says nothing.

A commit is held against the table's identity, its snapshot on ``main``, its columns, partitions
and sort order.  The protocol has no way to hold it against properties: see ``commits.commit``.
Dropping and renaming are held against nothing at all; the table is looked at right before.

Source: Iceberg REST catalog OpenAPI specification, ``updateTable``, ``createTable``,
``dropTable``, ``renameTable``.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests
from pyiceberg.catalog.rest import Capability, Endpoint
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.update import TableUpdate
from urllib3.exceptions import NewConnectionError

from flightlake.errors import AlreadyExists, FlightlakeError, NotFound, NotReady, Unsupported
from flightlake.lake.outages import Calls
from flightlake.lake.pointers import views_among, writable
from flightlake.lake.rest_changes import commit_body, rename_body, stage_body
from flightlake.lake.rest_client import RestClient
from flightlake.lake.rest_stores import TableStores
from flightlake.lake.stores import StoreSettings, settings_for
from flightlake.lake.table import IcebergTable
from flightlake.lake.writing import Committed, Fresh, Lost, Refusal, WritingRefused
from flightlake.names import TableIdentifier, to_namespace

_AT_ONCE = 8
_NOT_LET_IN = (401, 403, 419)
_SAYS_NOTHING = (408, 425, 429)
"""Of 400 to 499, those that a gateway gives who may have sent the request on."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RestWriter:
    """Changes tables of the catalog called *name*; see ``WritableCatalog`` for what it promises.

    Args:
        name: Of the catalog.
        calls: Where it is called.
        connected: Gives its client; within a call.
        stores: Of its tables.
        seconds: For one request to a store.
    """

    name: str
    calls: Calls
    connected: Callable[[], RestClient]
    stores: TableStores
    seconds: float

    def current(self, identifier: TableIdentifier) -> Committed | None:
        document = self._document(identifier)
        return None if document is None else self._committed(identifier, document)

    def fresh(
        self,
        identifier: TableIdentifier,
        schema: Schema,
        spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Fresh:
        document = self._staged(identifier, stage_body(identifier, schema, spec, properties))
        metadata = self._metadata(document, identifier)
        here = metadata.location

        def again() -> Mapping[str, str]:
            body = stage_body(identifier, schema, spec, properties, here)
            return self.calls.run(self.connected).vended(self._staged(identifier, body))

        return Fresh(identifier, metadata, self._store(identifier, metadata, document, again, True))

    def attempt(
        self, base: Committed | Fresh, updates: Sequence[TableUpdate]
    ) -> Committed | Refusal:
        name, body = base.identifier, commit_body(base, updates)
        answer = self._sent(Capability.V1_UPDATE_TABLE, lambda to: to.commit(*_parts(name), body))
        if answer.status_code in (404, 409):
            return Refusal()
        try:
            document = answer.json()
            metadata = self._metadata(document, name)
            location = document["metadata-location"]
        except (FlightlakeError, ValueError, TypeError, KeyError) as broken:
            raise Lost from broken
        return Committed(name, location, metadata, base.store)

    def drop(self, table: Committed) -> bool:
        name = table.identifier
        if not self._is_still(table):
            return False
        answer = self._sent(Capability.V1_DELETE_TABLE, lambda to: to.drop(*_parts(name)))
        if answer.status_code == 404:
            # It was there a moment ago.  A lower layer may have sent the request twice, and this
            # be the answer to the second.
            raise Lost
        return answer.status_code != 409

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        if not self._is_still(table):
            return False
        body = rename_body(table.identifier, to)
        answer = self._sent(Capability.V1_RENAME_TABLE, lambda client: client.rename(body))
        return answer.status_code not in (404, 409)

    def materialized_views(
        self, tables: Sequence[str], load: Callable[[str], IcebergTable]
    ) -> list[str]:
        """Return those of *tables* that hold materialized views; each of them is loaded."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"views-{self.name}") as threads:
            found = threads.map(lambda table: views_among([table], load), tables)
            return [name for names in found for name in names]

    def _is_still(self, table: Committed) -> bool:
        now = self._document(table.identifier)
        return now is not None and now.get("metadata-location") == table.location

    def _document(self, identifier: TableIdentifier) -> Document | None:
        def work() -> Document | None:
            try:
                return self.connected().document(*_parts(identifier))[0]
            except (NoSuchTableError, NoSuchNamespaceError):
                return None

        return self.calls.run(work)

    def _committed(self, identifier: TableIdentifier, document: Document) -> Committed:
        metadata = self._metadata(document, identifier)

        def again() -> Mapping[str, str]:
            found = self._document(identifier)
            if found is None or found["metadata"].get("table-uuid") != str(metadata.table_uuid):
                raise NotFound(f"table {identifier} was dropped, renamed or made anew")
            return self.calls.run(self.connected).vended(found)

        store = self._store(identifier, metadata, document, again, False)
        return Committed(identifier, document.get("metadata-location") or "", metadata, store)

    def _metadata(self, document: Document, identifier: TableIdentifier) -> TableMetadata:
        return writable(lambda: TableMetadataUtil.parse_obj(document["metadata"]), identifier)

    def _store(
        self,
        identifier: TableIdentifier,
        metadata: TableMetadata,
        document: Document,
        again: Callable[[], Mapping[str, str]],
        staged: bool,
    ) -> StoreSettings:
        client = self.calls.run(self.connected)
        store = settings_for(metadata.location, client.storage(document), self.seconds)
        uuid = f"{metadata.table_uuid}{' staged' if staged else ''}"
        return self.stores.of(identifier, uuid, store, client.vended(document), again)

    def _staged(self, identifier: TableIdentifier, body: bytes) -> Document:
        (namespace, _) = _parts(identifier)
        try:
            answer = self._sent(Capability.V1_CREATE_TABLE, lambda to: to.stage(namespace, body))
        except Lost as lost:  # and nothing is: what is prepared is nowhere
            raise NotReady(f"catalog '{self.name}' does not answer") from lost
        if answer.status_code == 404:
            raise NotFound(f"catalog '{self.name}' has no schema '{identifier.db_schema}'")
        if answer.status_code == 409:
            raise AlreadyExists(f"{identifier} is there already; choose another name")
        try:
            found: Document = answer.json()
            if found["metadata"]["location"]:
                return found
        except (ValueError, TypeError, KeyError):
            pass
        raise Unsupported(
            f"catalog '{self.name}' cannot make a table together with its rows (stage-create)"
        )

    def _sent(
        self, capability: Endpoint, send: Callable[[RestClient], requests.Response]
    ) -> requests.Response:
        """Return the catalog's answer: it was done, or, with 404 and 409, it was not.

        Raises:
            Lost: Whether it was done, or still will be, is not known.
            FlightlakeError: It was not done, and will not be.
        """
        client = self.calls.run(self.connected)
        if not client.offers(capability):
            raise Unsupported(f"catalog '{self.name}' does not offer what this needs: {capability}")

        def work() -> requests.Response | None:
            try:
                return send(client)
            except requests.ConnectionError as failure:
                if _never_sent(failure):
                    return None
                raise

        try:
            answer = self.calls.run(work)
        except FlightlakeError as lost:
            raise Lost from lost
        if answer is None:
            raise NotReady(f"catalog '{self.name}' does not answer")
        status = answer.status_code
        if status in _SAYS_NOTHING or (status >= 500 and status != 501):
            raise Lost
        if status in _NOT_LET_IN:
            raise WritingRefused(
                f"catalog '{self.name}' does not let this server write; its operator must give"
                " it the right to"
            )
        if status < 300 or status in (404, 409):
            return answer
        raise Unsupported(
            f"catalog '{self.name}' does not take this change: it answers {status} to {capability}"
        )


def _parts(identifier: TableIdentifier) -> tuple[tuple[str, ...], str]:
    return to_namespace(identifier.db_schema), identifier.table


def _never_sent(failure: requests.ConnectionError) -> bool:
    """Return whether there was no connection that anything could have been sent through."""
    if isinstance(failure, requests.ConnectTimeout):
        return True
    inner = failure.args[0] if failure.args else None
    return isinstance(getattr(inner, "reason", inner), NewConnectionError)

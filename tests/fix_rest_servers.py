"""Lakes in REST catalogs beyond Iceberg's own."""

import json
from typing import Any

import requests
from pyiceberg.catalog.rest import RestCatalog
from requests.adapters import HTTPAdapter

from tests.components import nessie
from tests.fix_catalogs import Lake, new_lake, started


class _LastColumn(HTTPAdapter):
    """Tells what Nessie 0.99 asks for and the specification has dropped since."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        if request.method == "POST" and b"add-schema" in (request.body or b""):
            told = json.loads(request.body or b"")
            for update in told.get("updates", ()):
                if update["action"] == "add-schema":
                    update["last-column-id"] = _greatest_id(update["schema"])
            request.prepare_body(json.dumps(told), None)
        return super().send(request, **options)


def _greatest_id(part: Any) -> int:
    """Return the greatest id of a field anywhere in a schema as JSON."""
    if isinstance(part, list):
        return max(map(_greatest_id, part), default=0)
    if not isinstance(part, dict):
        return 0
    own = [value for key, value in part.items() if key == "id" or key.endswith("-id")]
    return max([*own, *map(_greatest_id, part.values())])


class _NessieCatalog(RestCatalog):
    """pyiceberg's catalog, so that it can write new columns to Nessie."""

    def _create_session(self) -> requests.Session:
        session = super()._create_session()
        session.mount("http://", _LastColumn())
        return session


def nessie_lake(server: nessie.Server | None = None) -> Lake:
    """Return a lake in Nessie, in the one all tests share or in *server*; its files on S3."""
    found: nessie.Server = server or started(nessie)
    return new_lake("rest", found.properties, _NessieCatalog)

"""The object stores of the engine: one registration per bucket and credentials.

Stores with credentials that end ask for them again themselves (``key_server``); those that were
used last are kept.
"""

import json
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from datafusion import SessionContext
from datafusion.object_store import AmazonS3, GoogleCloud, MicrosoftAzure

from flightlake.engine.key_server import KeyServer
from flightlake.errors import NotReady
from flightlake.lake.locations import Scheme
from flightlake.lake.stores import StoreSettings
from flightlake.lake.vending import VendedKeys

_AZURITE = "AZURITE_BLOB_STORAGE_URL"


class Stores:
    """Registers stores with the engine context when they are first needed.  Thread-safe."""

    def __init__(self, engine: SessionContext) -> None:
        self._engine = engine
        self._known: set[StoreSettings] = set()
        self._vended: OrderedDict[StoreSettings, None] = OrderedDict()
        self._keys = KeyServer()

    def ensure(self, settings: StoreSettings) -> None:
        """Make the engine able to read URLs of *settings* (``StoreSettings.engine_urls``)."""
        if settings.keys is not None:
            with _MAKING:
                self._ensure_vended(settings, settings.keys)
            return
        if settings.scheme == "file" or settings in self._known:
            return
        with _MAKING:
            if settings in self._known:
                return
            store = _made(settings)
            self._engine.register_object_store(f"{settings.scheme}://", store, host=settings.host)
            self._known.add(settings)

    def close(self) -> None:
        """Hand out no more credentials."""
        self._keys.close()

    def _ensure_vended(self, settings: StoreSettings, keys: VendedKeys) -> None:
        self._keys.serve(keys)  # whoever has them now: the catalog may have been opened anew
        if settings not in self._vended:
            with self._keys.told(keys):
                store = _s3(settings)
            self._engine.register_object_store("s3://", store, host=settings.host)
        self._vended[settings] = None
        self._vended.move_to_end(settings)
        while len(self._vended) > _MAX_VENDED:
            # A plan that is older than so many others is not read any more.
            oldest, _ = self._vended.popitem(last=False)
            self._engine.deregister_object_store("s3://", host=oldest.host)
            if oldest.keys is not None:
                self._keys.forget(oldest.keys.name)


_MAX_VENDED = 4_096
_MAKING = threading.Lock()
"""Held while a store is made: some look into the environment of the process, once."""


def _made(settings: StoreSettings) -> Any:
    """Return the engine's store for *settings*.

    Raises:
        NotReady: The engine cannot use them: it panics at a key or a file that it cannot read.
    """
    try:
        return _STORES[settings.scheme](settings)
    except BaseException as failure:
        if type(failure).__name__ != "PanicException":  # which is no Exception
            raise
        raise NotReady(
            "the store of a table cannot be opened: this server's credentials for it cannot be read"
        ) from None


def _s3(settings: StoreSettings) -> AmazonS3:
    return AmazonS3(
        bucket_name=settings.authority,
        region=settings.region,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
        session_token=settings.session_token,
        endpoint=settings.endpoint,
        allow_http=settings.allow_http,
    )


def _google(settings: StoreSettings) -> GoogleCloud:
    if settings.endpoint is None:
        file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        return GoogleCloud(settings.authority, service_account_path=file or None)
    # The engine learns an emulator's address from the file of a service account alone.
    account = {
        "gcs_base_url": settings.endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "account.json"
        path.write_text(json.dumps(account))
        return GoogleCloud(settings.authority, service_account_path=str(path))


def _azure(settings: StoreSettings) -> MicrosoftAzure:
    login = settings.azure
    assert login is not None  # noqa: S101 - stores.settings_for says so
    emulated = settings.endpoint is not None
    before = os.environ.get(_AZURITE)
    if settings.endpoint is not None:
        # The engine learns an emulator's address from this variable alone.
        os.environ[_AZURITE] = settings.endpoint
    try:
        return MicrosoftAzure(
            settings.authority,
            account=login.account,
            access_key=login.account_key,
            sas_query_pairs=login.sas_pairs,
            tenant_id=login.tenant_id,
            client_id=login.client_id,
            client_secret=login.client_secret,
            use_emulator=emulated,
            allow_http=settings.allow_http,
        )
    finally:
        if emulated:
            os.environ.pop(_AZURITE)
            if before is not None:
                os.environ[_AZURITE] = before


_STORES: Mapping[Scheme, Callable[[StoreSettings], Any]] = {
    "s3": _s3,
    "gs": _google,
    "abfss": _azure,
}

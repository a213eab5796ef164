"""The object stores of the engine: one registration per bucket and credentials."""

import threading

from datafusion import SessionContext
from datafusion.object_store import AmazonS3

from flightlake.lake.stores import StoreSettings


class Stores:
    """Registers stores with the engine context when they are first needed.  Thread-safe."""

    def __init__(self, engine: SessionContext) -> None:
        self._engine = engine
        self._known: set[StoreSettings] = set()
        self._lock = threading.Lock()

    def ensure(self, settings: StoreSettings) -> None:
        """Make the engine able to read URLs of *settings* (``StoreSettings.engine_urls``)."""
        if settings.scheme == "file" or settings in self._known:
            return
        with self._lock:
            if settings in self._known:
                return
            store = AmazonS3(
                bucket_name=settings.authority,
                region=settings.region,
                access_key_id=settings.access_key_id,
                secret_access_key=settings.secret_access_key,
                session_token=settings.session_token,
                endpoint=settings.endpoint,
                allow_http=settings.allow_http,
            )
            self._engine.register_object_store("s3://", store, host=settings.host)
            self._known.add(settings)

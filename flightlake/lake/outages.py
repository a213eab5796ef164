"""Calls to a catalog, which may be down, slow or broken: an answer in time, or our error."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import requests
from pydantic import ValidationError
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    BadRequestError,
    ForbiddenError,
    NotInstalledError,
    OAuthError,
    RESTError,
    ServerError,
    UnauthorizedError,
)
from sqlalchemy.exc import SQLAlchemyError

from flightlake.errors import (
    FlightlakeError,
    InternalError,
    NotAuthenticated,
    NotPermitted,
    NotReady,
    Unsupported,
)

T = TypeVar("T")

_REFUSED = (AuthorizationExpiredError, ForbiddenError, UnauthorizedError, OAuthError)
_DOWN = (SQLAlchemyError, requests.RequestException, OSError, ServerError, RESTError)


class Calls:
    """Runs calls to one catalog in threads of its own, each for at most ``timeout``.

    The libraries underneath have timeouts of their own, set by who makes them; this is the
    promise to the client, which also covers name resolution, retries and their sum.
    """

    def __init__(
        self, catalog: str, timeout: timedelta, threads: int = 16, personal: bool = False
    ) -> None:
        self._catalog = catalog
        self._timeout = timeout
        self._personal = personal
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"catalog-{catalog}")

    def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns.

        Raises:
            NotReady: No answer in time, an outage, or credentials that are refused.
            NotAuthenticated, NotPermitted: The same, where they are the caller's.
            Unsupported: An answer that cannot be understood.
            InternalError: Anything else.
            FlightlakeError: Whatever of them *work* raises.
        """
        future: Future[T] = self._threads.submit(work)
        try:
            return future.result(self._timeout.total_seconds())
        except TimeoutError as late:
            future.cancel()
            raise self._silent() from late
        except FlightlakeError:
            raise
        except Exception as failure:
            raise self._translated(failure) from failure

    def _silent(self) -> NotReady:
        return NotReady(f"catalog '{self._catalog}' does not answer")

    def _translated(self, failure: Exception) -> FlightlakeError:
        name = f"catalog '{self._catalog}'"
        if isinstance(failure, _REFUSED) and self._personal:
            if isinstance(failure, ForbiddenError):
                return NotPermitted(f"{name} does not let you see this")
            return NotAuthenticated(f"{name} does not accept your token; log in with a new one")
        if isinstance(failure, _REFUSED):
            return NotReady(f"{name} refuses the credentials of this server")
        if isinstance(failure, NotInstalledError | ImportError):
            return Unsupported(f"{name} needs a database driver that is not installed")
        if isinstance(failure, BadRequestError | ValidationError | ValueError):
            return Unsupported(f"{name} gives an answer that this server cannot read")
        if isinstance(failure, _DOWN):
            return self._silent()
        return InternalError(f"{name} cannot be used because of a defect in this server")

"""Calls to AWS Glue's data catalog, by boto3.

Imported only where a ``glue`` catalog is configured: boto3 is an optional part.

Source: AWS Glue API, ``GetDatabases``, ``GetDatabase``, ``GetTables``, ``GetTable``.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError
from pyiceberg.exceptions import ForbiddenError
from pyiceberg.table.metadata import TableMetadata

from flightlake.lake.glue_writing import OTHERS, swapped
from flightlake.lake.metastore import NoSuchDatabase, Parameters
from flightlake.lake.writing import CannotRename

_ABSENT = ("EntityNotFoundException", "InvalidInputException", "ValidationException")
_REFUSED = (
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class _Absent(Exception):
    """There is no such database or table."""


class GlueMetastore:
    """A ``Metastore`` in Glue.

    Args:
        properties: As ``glue_catalog.open_glue_catalog`` has them.
        seconds: For one call with all its retries.
    """

    def __init__(self, properties: Mapping[str, str], seconds: float) -> None:
        self._properties = properties
        self._seconds = seconds
        self._lock = threading.Lock()
        self._made: dict[bool, Any] = {}

    def databases(self) -> list[str]:
        with _translated():
            pages = self._client().get_paginator("get_databases").paginate(**self._catalog())
            return [database["Name"] for page in pages for database in page["DatabaseList"]]

    def tables(self, database: str) -> Mapping[str, Parameters]:
        try:
            with _translated():
                pages = self._client().get_paginator("get_tables")
                found = pages.paginate(DatabaseName=database, **self._catalog())
                return {
                    table["Name"]: table.get("Parameters") or {}
                    for page in found
                    for table in page["TableList"]
                }
        except _Absent as absent:
            raise NoSuchDatabase from absent

    def table(self, database: str, name: str) -> Parameters | None:
        try:
            with _translated():
                found = self._client().get_table(
                    DatabaseName=database, Name=name, **self._catalog()
                )["Table"]
                # Glue finds them in any case of letters.
                same = (found.get("DatabaseName", database), found["Name"]) == (database, name)
                return dict(found.get("Parameters") or {}) if same else None
        except _Absent:
            return None

    def location(self, database: str) -> str | None:
        try:
            with _translated():
                found = self._client().get_database(Name=database, **self._catalog())["Database"]
                location: str | None = found.get("LocationUri")
                return location
        except _Absent as absent:
            raise NoSuchDatabase from absent

    def make(self, database: str, location: str | None) -> None:
        given = {"Name": database, **({"LocationUri": location} if location else {})}
        with _translated():
            client = self._client()
            with suppress(client.exceptions.AlreadyExistsException):
                client.create_database(DatabaseInput=given, **self._catalog())

    def keeps(self, name: str) -> bool:
        return name == name.lower()

    def swap(
        self,
        database: str,
        name: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None,
    ) -> bool:
        where = {"DatabaseName": database, **self._catalog()}
        with _translated():
            try:
                return swapped(self._client(once=True), where, name, old, new, metadata)
            except ClientError as refused:
                if _code(refused) in OTHERS:
                    return False
                raise

    def swap_name(self, database: str, name: str, old: str, to_database: str, to_name: str) -> bool:
        # Made under the new name and deleted under the old, a table would have both for a while.
        raise CannotRename(
            "Glue cannot rename tables in one step; make the view under its new name, and drop the"
            " old one"
        )

    def _catalog(self) -> dict[str, str]:
        id_ = self._properties.get("glue.id")
        return {"CatalogId": id_} if id_ else {}

    def _client(self, once: bool = False) -> Any:
        """Return a client; *once*: that sends nothing twice."""
        # Made by the first call, not before: looking for credentials may ask the network.
        with self._lock:
            if once not in self._made:
                self._made[once] = self._new_client(once)
            return self._made[once]

    def _new_client(self, once: bool) -> Any:
        def option(name: str) -> str | None:
            return self._properties.get(f"glue.{name}") or self._properties.get(f"client.{name}")

        session = boto3.Session(
            profile_name=option("profile-name"),
            region_name=option("region") or os.environ.get("AWS_REGION"),
            aws_access_key_id=option("access-key-id"),
            aws_secret_access_key=option("secret-access-key"),
            aws_session_token=option("session-token"),
        )
        attempts = 1 if once else 1 + int(self._properties.get("glue.max-retries") or 1)
        share = self._seconds / attempts
        mode = self._properties.get("glue.retry-mode") or "standard"
        return session.client(
            "glue",
            endpoint_url=self._properties.get("glue.endpoint") or None,
            config=Config(
                connect_timeout=share,
                read_timeout=share,
                max_pool_connections=16,
                retries={"total_max_attempts": attempts, "mode": mode},
            ),
        )


def _code(refused: ClientError) -> str:
    return str(refused.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what boto3 raises into what ``outages.Calls`` knows.

    Raises:
        _Absent: There is no such database or table.
    """
    try:
        yield
    except ClientError as refused:
        code = _code(refused)
        if code in _ABSENT:
            raise _Absent from refused
        if code in _REFUSED:
            raise ForbiddenError("Glue refuses the credentials") from refused
        raise ConnectionError("Glue failed") from refused
    except ParamValidationError as wrong:  # no name that Glue could have
        raise _Absent from wrong
    except _NO_CREDENTIALS as missing:
        raise ForbiddenError("there are no credentials for Glue") from missing
    except (ResponseParserError, AttributeError, KeyError, TypeError) as broken:
        raise ValueError("the answer is not of Glue") from broken
    except BotoCoreError as failure:
        raise ConnectionError("Glue does not answer") from failure

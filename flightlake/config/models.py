"""What can be configured.  ``docs/configuration.md`` describes every key; a test compares.

Keys that are not here are refused.  Checks that need more than one value are in ``checks.py``.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from flightlake.config.values import (
    Algorithms,
    Count,
    Duration,
    Memory,
    MemoryAmount,
    OptionalPath,
    Property,
    RequiredPath,
    Size,
    Texts,
    lasting,
)

Port = Annotated[Count, Field(ge=0, le=65535)]
NotNegative = Annotated[Count, Field(ge=0)]


class Section(BaseModel):
    """A table of the configuration; it never changes, and knows all its keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=True
    )


class Tls(Section):
    """``[server.tls]``."""

    mode: Literal["self-signed", "files", "off"] = "self-signed"
    certificate_file: OptionalPath = None
    key_file: OptionalPath = None


class Server(Section):
    """``[server]``."""

    host: str = "127.0.0.1"
    port: Port = 31337
    reuse_port: bool = False
    drain_timeout: Duration = timedelta(seconds=30)
    allow_plaintext_credentials: bool = False
    tls: Tls = Tls()


class Management(Section):
    """``[management]``."""

    host: str = "127.0.0.1"
    port: Port = 31338


class State(Section):
    """``[state]``."""

    directory: RequiredPath = Path("flightlake-state")


class TrustedJwt(Section):
    """``[[auth.jwt]]``."""

    issuer: Annotated[str, Field(min_length=1)]
    audience: Annotated[str, Field(min_length=1)]
    jwks_url: str = ""
    key_file: OptionalPath = None
    algorithms: Algorithms = ("RS256", "ES256")
    subject_claim: Annotated[str, Field(min_length=1)] = "sub"
    roles_claim: str = ""


class Auth(Section):
    """``[auth]``."""

    users_file: OptionalPath = None
    anonymous: bool = False
    issuer: Annotated[str, Field(min_length=1)] = "flightlake"
    audience: Annotated[str, Field(min_length=1)] = "flightlake"
    token_lifetime: Annotated[Duration, lasting("1m", "30d")] = timedelta(hours=1)
    key_rotation: Annotated[Duration, lasting("1h", "366d")] = timedelta(days=7)
    jwt: tuple[TrustedJwt, ...] = ()


class Catalog(Section):
    """``[catalogs.NAME]``."""

    type: Literal["sql", "rest", "hive", "glue"]
    uri: str = ""
    warehouse: str = ""
    properties: Mapping[str, Property] = {}
    property_files: Mapping[str, RequiredPath] = {}
    timeout: Annotated[Duration, lasting("1ms", "366d")] = timedelta(seconds=10)
    caller_token: bool = False
    writable: bool = False

    def all_properties(self) -> dict[str, str]:
        """Return all properties for pyiceberg, those in files read now.

        Raises:
            OSError: A file cannot be read.
        """
        found = {"type": self.type, **self.properties}
        if self.uri:
            found["uri"] = self.uri
        if self.warehouse:
            found["warehouse"] = self.warehouse
        for name, path in self.property_files.items():
            found[name] = path.read_text("utf-8").rstrip("\r\n")
        return found


class SessionDefaults(Section):
    """``[session]``."""

    catalog: str = ""
    schema_: Annotated[str, Field(alias="schema")] = ""


class Limits(Section):
    """``[limits]``; zero means: by the size of the machine."""

    running: NotNegative = 0
    queued: NotNegative = 100
    queue_timeout: Duration = timedelta(seconds=30)
    statement_timeout: Annotated[Duration, lasting("1ms", "366d")] = timedelta(hours=1)
    statement_bytes: Annotated[Size, Field(ge=1, le=64 * 2**20)] = 1_000_000
    memory: MemoryAmount = Memory(share=0.6)
    metadata_memory: Annotated[Size, Field(ge=2**20)] = 512 * 2**20
    spill_directory: OptionalPath = None
    spill_limit: Annotated[Size, Field(ge=0)] = 50 * 2**30
    message_bytes: Annotated[Size, Field(ge=64 * 2**10, le=4 * 2**20)] = 2 * 2**20
    threads: NotNegative = 0


class Refresh(Section):
    """``[refresh]``; zero slots means: by the size of the machine."""

    enabled: bool = True
    slots: NotNegative = 0
    timeout: Annotated[Duration, lasting("1s", "366d")] = timedelta(hours=1)
    suspend_after: Annotated[Count, Field(ge=1, le=1000)] = 5
    ownership: Literal["none", "peers", "catalog"] = "none"
    instance: str = ""
    peers: Texts = ()
    catalog: str = ""
    heartbeat: Annotated[Duration, lasting("100ms", "1h")] = timedelta(seconds=5)
    keep_history: Annotated[Duration, lasting("1d", "3660d")] = timedelta(days=30)
    keep_snapshots: Annotated[Duration, lasting("1s", "3660d")] = timedelta(days=1)
    keep_unreferenced: Annotated[Duration, lasting("1h", "366d")] = timedelta(days=1)
    upkeep_every: Annotated[Duration, lasting("0s", "366d")] = timedelta(hours=6)
    compact_every: Annotated[Duration, lasting("0s", "366d")] = timedelta(minutes=10)
    compact_files: Annotated[Count, Field(ge=0, le=10_000)] = 16
    compact_below: Annotated[Size, Field(ge=2**10, le=256 * 2**20)] = 64 * 2**20


class Logging(Section):
    """``[logging]``."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sql_text: bool = False


class Settings(Section):
    """The whole configuration."""

    server: Server = Server()
    management: Management = Management()
    state: State = State()
    auth: Auth = Auth()
    catalogs: Mapping[str, Catalog] = {}
    session: SessionDefaults = SessionDefaults()
    limits: Limits = Limits()
    refresh: Refresh = Refresh()
    logging: Logging = Logging()

    @property
    def spill_directory(self) -> Path:
        """Where statements spill: as configured, or below the state directory."""
        return self.limits.spill_directory or self.state.directory / "spill"

    @property
    def writable(self) -> frozenset[str]:
        """The names of the catalogs that may be written."""
        return frozenset(name for name, entry in self.catalogs.items() if entry.writable)

    @property
    def default_catalog(self) -> str:
        """The catalog of a new session: as configured, or the only one, or none (empty)."""
        if self.session.catalog or len(self.catalogs) != 1:
            return self.session.catalog
        return next(iter(self.catalogs))

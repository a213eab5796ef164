"""The composition root: the only module that knows all concrete classes.

``build`` makes the parts from the configuration and connects them; nothing listens yet.
``App.start`` begins to serve, ``App.run`` serves until a signal, ``App.stop`` ends it.
"""

import os
import signal
import threading
from collections.abc import Sequence
from datetime import timedelta

import pyarrow as pa

from flightlake import __version__
from flightlake.auth import Gate
from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import FileKeys, RemoteKeys
from flightlake.auth.keys import KeyRing
from flightlake.auth.passwords import Passwords
from flightlake.auth.throttle import Throttle
from flightlake.auth.tokens import Tokens, key_retention
from flightlake.auth.users import UsersFile
from flightlake.clock import Clock, SystemClock
from flightlake.commands import ACTIONS, COMMANDS, REFUSED, UPLOADS
from flightlake.commands.command import Services
from flightlake.config import Settings, cores, memory_bytes
from flightlake.config.models import TrustedJwt
from flightlake.engine.engine import Defaults, Engine, EngineSettings
from flightlake.engine.functions import KEYWORDS, functions
from flightlake.engine.spill import SpillDirectory
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.server_info import server_info
from flightlake.lake.callers import CallerCatalogs, Configured, open_catalogs
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.service import QueryService, StatementLimits
from flightlake.query.tickets import PREPARED_LIFETIME
from flightlake.query.view_statements import ViewStatements
from flightlake.query.workers import Workers
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.service import MaterializedViews
from flightlake.server.codec import Encoding
from flightlake.server.dispatch import Tables
from flightlake.server.drain import Traffic
from flightlake.server.flight_server import FlightServer, Listening
from flightlake.server.malloc import keep_message_memory
from flightlake.server.probes import ProbeServer
from flightlake.server.self_signed import self_signed
from flightlake.server.service import FlightService
from flightlake.server.tls import CertificateFiles
from flightlake.telemetry import AuthenticationFinished, Observer, Observers
from flightlake.telemetry.logs import JsonLog, take_over_logging
from flightlake.telemetry.prometheus import Metrics


class App:
    """A server with all its parts, between ``start`` and ``stop``."""

    def __init__(
        self,
        flight: FlightServer,
        probes: ProbeServer,
        query: QueryService,
        spill: SpillDirectory,
        state: "State",
        host: str,
        scheme: str,
        drain_timeout: timedelta,
    ) -> None:
        self._flight = flight
        self._probes = probes
        self._query = query
        self._spill = spill
        self._state = state
        self._host = f"[{host}]" if ":" in host else host
        self._scheme = scheme
        self._drain_timeout = drain_timeout
        self._told_to_stop = threading.Event()
        self.location = ""
        self.management_port = 0

    def start(self) -> None:
        """Listen and serve; ``location`` is the URI and ``management_port`` the port of probes.

        Raises:
            PreconditionFailed: An address cannot be listened on.
        """
        self.management_port = self._probes.start()
        try:
            port = self._flight.start()
        except BaseException:
            self._probes.stop()
            raise
        self.location = f"{self._scheme}://{self._host}:{port}"
        self._state.name = "ready"

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT end ``run``; one that comes before ``start`` is not lost."""

        def handle(number: int, frame: object) -> None:
            if self._told_to_stop.is_set():
                self._flight.force()
            self._told_to_stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle)

    def run(self) -> bool:
        """Serve until a signal that is heeded, then drain and stop; a second one cuts that short.

        Returns whether all clients were served to the end.
        """
        # The system may give a signal to any thread; Python runs its handler on this one alone, and
        # a wait without end is not cut short for it.
        while not self._told_to_stop.wait(0.1):
            pass
        return self.stop(self._drain_timeout)

    def stop(self, drain: timedelta = timedelta()) -> bool:
        """Refuse new statements, serve issued tickets for at most *drain*, then end."""
        self._state.name = "draining"
        drained = self._flight.drain(drain) if drain else True
        self._flight.stop()
        self._query.close()
        self._probes.stop()
        self._spill.close()
        return drained


class State:
    """What the probes say: ``starting``, ``ready`` or ``draining``."""

    name = "starting"

    def problems(self) -> Sequence[str]:
        return () if self.name == "ready" else (self.name,)

    def not_started(self) -> Sequence[str]:
        return (self.name,) if self.name == "starting" else ()


def build(settings: Settings) -> App:
    """Return the server that *settings* describe.

    Raises:
        FlightlakeError: Something it needs is not there.
    """
    keep_message_memory()
    clock = SystemClock()
    log = JsonLog(clock=clock, level=settings.logging.level, sql_text=settings.logging.sql_text)
    take_over_logging(log, level=settings.logging.level)
    metrics = Metrics(__version__)
    observer = Observers((log, metrics))
    keys = KeyRing(
        settings.state.directory / "keys",
        rotation=settings.auth.key_rotation,
        retention=key_retention(settings.auth.token_lifetime),
        clock=clock,
    )
    gate = _gate(settings, keys, clock, observer)
    catalogs = _catalogs(settings)
    spill = SpillDirectory(settings.spill_directory)
    # The engine can be told of a directory or of a limit, and forgets the one when told of the
    # other (Engine); without a directory it spills where programs put temporary files.
    os.environ["TMPDIR"] = str(spill.path)
    query, views = _statements(settings, catalogs, spill, clock, observer)
    found = functions()
    services = Services(
        catalogs=catalogs.of(None),
        query=query,
        sealer=Sealer(keys, clock),
        gate=gate,
        clock=clock,
        sql_info=server_info(
            version=__version__,
            arrow_version=pa.__version__,
            keywords=KEYWORDS,
            numeric_functions=found.numeric,
            string_functions=found.string,
            system_functions=found.system,
            datetime_functions=found.datetime,
            statement_bytes=settings.limits.statement_bytes,
            prepared_lifetime=PREPARED_LIFETIME,
            read_only=not settings.writable,
        ),
        catalogs_of=catalogs.of,
        views=views,
    )
    traffic, state = Traffic(), State()
    service = FlightService(
        Tables(COMMANDS, UPLOADS, ACTIONS, REFUSED),
        services,
        gate,
        traffic,
        clock,
        Encoding(message_bytes=settings.limits.message_bytes),
    )
    server = settings.server
    listening = Listening(server.host, server.port, server.reuse_port)
    probes, certificates = settings.management, _certificates(settings, clock)
    credentials = None if certificates is None else certificates.credentials()
    return App(
        FlightServer(service, traffic, observer, clock, listening, credentials),
        ProbeServer(probes.host, probes.port, state.problems, metrics.render, state.not_started),
        query,
        spill,
        state,
        server.host,
        "grpc" if credentials is None else "grpc+tls",
        server.drain_timeout,
    )


def _gate(settings: Settings, keys: KeyRing, clock: Clock, observer: Observer) -> Gate:
    auth = settings.auth
    tokens = Tokens(
        keys,
        issuer=auth.issuer,
        audience=auth.audience,
        lifetime=auth.token_lifetime,
        clock=clock,
    )
    passwords = None
    if auth.users_file is not None:
        passwords = Passwords(UsersFile(auth.users_file), Throttle(clock=clock), clock=clock)
    issuers = [_issuer(entry, clock) for entry in auth.jwt]

    def attempt(method: str, accepted: bool, subject: str | None, peer: str) -> None:
        observer.observe(AuthenticationFinished(method, accepted, subject, peer))

    return CredentialGate(
        tokens,
        passwords=passwords,
        foreign=ForeignTokens(issuers, clock=clock) if issuers else None,
        anonymous=auth.anonymous,
        allow_plaintext=settings.server.allow_plaintext_credentials,
        keep_tokens=any(entry.caller_token for entry in settings.catalogs.values()),
        attempt=attempt,
        clock=clock,
    )


def _issuer(entry: TrustedJwt, clock: Clock) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=entry.issuer,
        audience=entry.audience,
        keys=FileKeys(entry.key_file)
        if entry.key_file is not None
        else RemoteKeys(entry.jwks_url, clock=clock),
        algorithms=tuple(entry.algorithms),
        subject_claim=entry.subject_claim,
        roles_claim=entry.roles_claim,
    )


def _catalogs(settings: Settings) -> CallerCatalogs:
    configured = [
        Configured(name, entry.type, entry.all_properties(), entry.timeout, entry.caller_token)
        for name, entry in settings.catalogs.items()
    ]
    return open_catalogs(configured, settings.limits.metadata_memory)


def _statements(
    settings: Settings,
    catalogs: CallerCatalogs,
    spill: SpillDirectory,
    clock: Clock,
    observer: Observer,
) -> tuple[QueryService, ViewStatements]:
    limits, shared = settings.limits, catalogs.of(None)
    running = limits.running or 2 * cores()
    engine = Engine(
        EngineSettings(
            memory_bytes=limits.memory.of(memory_bytes()),
            spill_directory=spill.path,
            spill_bytes=limits.spill_limit,
            threads=limits.threads or cores(),
        ),
        shared,
    )
    workers = Workers(running)
    planning = Planning(engine, workers, catalogs.of)
    slots = Slots(running, limits.queued, limits.queue_timeout, clock, observer)
    bounds = StatementLimits(limits.statement_timeout, limits.statement_bytes)
    defaults = Defaults(settings.default_catalog, settings.session.schema_)
    query = QueryService(planning, slots, bounds, defaults, clock, observer)
    views = MaterializedViews(Refresher(engine, shared, workers, clock), settings.writable)
    return query, ViewStatements(views, query, slots, bounds, clock, observer)


def _certificates(settings: Settings, clock: Clock) -> CertificateFiles | None:
    tls = settings.server.tls
    if tls.mode == "off":
        return None
    if tls.certificate_file is not None and tls.key_file is not None:
        return CertificateFiles(tls.certificate_file, tls.key_file)
    return self_signed(settings.state.directory, clock.now())

"""From the configuration to the parts of a server, connected; nothing listens yet."""

import os
import secrets
import socket

import pyarrow as pa

from flightlake import __version__
from flightlake.app.access import credential_gate
from flightlake.app.running import App, State
from flightlake.app.statements import statements
from flightlake.app.system import history_store
from flightlake.app.upkeep import compactor, housekeeping, maintenance
from flightlake.auth.keys import KeyRing
from flightlake.auth.tokens import key_retention
from flightlake.clock import Clock, SystemClock
from flightlake.commands import ACTIONS, COMMANDS, REFUSED, UPLOADS
from flightlake.commands.command import Services
from flightlake.config import Settings
from flightlake.engine.functions import KEYWORDS, functions
from flightlake.engine.spill import SpillDirectory
from flightlake.engine.system_tables import SCHEMAS
from flightlake.flightsql.handles import Sealer
from flightlake.flightsql.server_info import server_info
from flightlake.lake.callers import CallerCatalogs, Configured, open_catalogs
from flightlake.query.tickets import PREPARED_LIFETIME
from flightlake.refresh.history import RefreshHistory
from flightlake.server.codec import Encoding
from flightlake.server.dispatch import Tables
from flightlake.server.drain import Traffic
from flightlake.server.flight_server import FlightServer, Listening
from flightlake.server.malloc import keep_message_memory
from flightlake.server.probes import ProbeServer
from flightlake.server.self_signed import self_signed
from flightlake.server.service import FlightService
from flightlake.server.tls import CertificateFiles
from flightlake.telemetry import Observers
from flightlake.telemetry.logs import JsonLog, take_over_logging
from flightlake.telemetry.prometheus import Metrics


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
    history = RefreshHistory(clock, _instance(), settings.writable)
    observer = Observers((log, metrics, history))
    keys = KeyRing(
        settings.state.directory / "keys",
        rotation=settings.auth.key_rotation,
        retention=key_retention(settings.auth.token_lifetime),
        clock=clock,
    )
    gate = credential_gate(settings, keys, clock, observer)
    catalogs = open_lake(settings)
    spill = SpillDirectory(settings.spill_directory)
    # The engine can be told of a directory or of a limit, and forgets the one when told of the
    # other (Engine); without a directory it spills where programs put temporary files.
    os.environ["TMPDIR"] = str(spill.path)
    store = history_store(settings, history, catalogs, clock)
    query, views, scheduler, jobs = statements(
        settings, catalogs, spill, clock, observer, history, store
    )
    compacting = compactor(settings, jobs.refresher, clock, jobs.runs)
    upkeep = maintenance(settings, catalogs, clock, observer, compacting)
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
        system_tables=SCHEMAS,
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
        store,
        scheduler,
        housekeeping(settings, upkeep, views.is_refreshed, scheduler.is_mine, clock, observer),
        spill,
        state,
        server.host,
        "grpc" if credentials is None else "grpc+tls",
        server.drain_timeout,
        clock,
    )


def _instance() -> str:
    """Return what this process is called, which no other and no later one is."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def open_lake(settings: Settings) -> CallerCatalogs:
    """Return the catalogs that *settings* name; none of them is asked yet."""
    configured = [
        Configured(name, entry.type, entry.all_properties(), entry.timeout, entry.caller_token)
        for name, entry in settings.catalogs.items()
    ]
    return open_catalogs(configured, settings.limits.metadata_memory)


def _certificates(settings: Settings, clock: Clock) -> CertificateFiles | None:
    tls = settings.server.tls
    if tls.mode == "off":
        return None
    if tls.certificate_file is not None and tls.key_file is not None:
        return CertificateFiles(tls.certificate_file, tls.key_file)
    return self_signed(settings.state.directory, clock.now())

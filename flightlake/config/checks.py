"""What must hold between the values of a configuration, and between it and the machine.

Each check yields pairs of a key and a sentence, so that everything wrong is found in one go.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightlake.auth.jwks import check_url
from flightlake.auth.jwt import parse_keys
from flightlake.auth.users import UsersFile
from flightlake.config.catalog_checks import check_catalog
from flightlake.config.models import (
    Auth,
    Catalog,
    Management,
    Server,
    SessionDefaults,
    State,
)
from flightlake.config.refresh_checks import check_refresh
from flightlake.errors import FlightlakeError
from flightlake.names import nearest

Problems = Iterator[tuple[str, str]]

_CATALOG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_OWN_KEYS = ("type", "uri", "warehouse")


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the sections it is called with.

    One *to_serve* is for servers only.  One that is *patient* is also right about sections
    from which the malformed keys were left out.
    """

    sections: tuple[str, ...]
    run: Callable[..., Problems]
    to_serve: bool = False
    patient: bool = False


def check(sections: Mapping[str, Any], partial: Set[str], *, to_serve: bool) -> Problems:
    """Yield the problems of *sections*, where those named in *partial* lack malformed keys."""
    for item in CHECKS:
        if item.to_serve and not to_serve:
            continue
        if not item.patient and not partial.isdisjoint(item.sections):
            continue
        if all(name in sections for name in item.sections):
            yield from item.run(*(sections[name] for name in item.sections))


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach *host*."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(server: Server) -> Problems:
    tls = server.tls
    files = {"certificate_file": tls.certificate_file, "key_file": tls.key_file}
    if tls.mode != "files":
        for name, path in files.items():
            if path is not None:
                yield f"server.tls.{name}", f'it is not used with mode = "{tls.mode}"; set "files"'
    else:
        for name, path in files.items():
            if path is None:
                yield f"server.tls.{name}", 'this key is required with mode = "files"'
    local = is_loopback(server.host)
    if tls.mode == "off" and not local and not server.allow_plaintext_credentials:
        yield (
            "server.tls.mode",
            f'"off" on {server.host} would refuse all credentials; use TLS, or set '
            "server.allow_plaintext_credentials = true if something in front of this server has it",
        )


def _tls_files(server: Server) -> Problems:
    tls = server.tls
    if tls.mode != "files" or tls.certificate_file is None or tls.key_file is None:
        return
    files = {"certificate_file": tls.certificate_file, "key_file": tls.key_file}
    problems = [
        (f"server.tls.{name}", text)
        for name, path in files.items()
        if (text := _unreadable(path)) is not None
    ]
    yield from problems
    if not problems:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                tls.certificate_file, tls.key_file, password=""
            )
        except (ssl.SSLError, OSError, ValueError):
            yield (
                "server.tls.certificate_file",
                "the certificate and the key do not belong together, or are not in PEM format",
            )


def _ports(server: Server, management: Management) -> Problems:
    if server.port == management.port != 0:
        yield "management.port", f"{server.port} is the port of [server] as well"


def _hosts(server: Server, management: Management) -> Problems:
    for name, host in (("server", server.host), ("management", management.host)):
        if not host or re.search(r"[\s/]", host):
            yield f"{name}.host", "this must be an address or a host name"


def _anonymous(server: Server, auth: Auth) -> Problems:
    if auth.anonymous and not is_loopback(server.host):
        yield (
            "auth.anonymous",
            f"is for development on this machine; {server.host} can be reached by others: "
            "set server.host to 127.0.0.1 or anonymous to false",
        )


def _somebody_can_log_in(auth: Auth) -> Problems:
    if auth.users_file is None and not auth.jwt and not auth.anonymous:
        yield (
            "auth",
            "nobody could log in: set users_file, or add [[auth.jwt]], or, for development, "
            "set anonymous = true",
        )


def _users_file(auth: Auth) -> Problems:
    if auth.users_file is None:
        return
    if not auth.users_file.exists():
        yield (
            "auth.users_file",
            f"{auth.users_file} does not exist; make it with `flightlake user add`",
        )
        return
    try:
        UsersFile(auth.users_file)
    except FlightlakeError as error:
        yield "auth.users_file", error.message


def _jwt(auth: Auth) -> Problems:
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(auth.jwt):
        key = f"auth.jwt[{number}]"
        if bool(entry.jwks_url) == (entry.key_file is not None):
            yield key, "give either jwks_url or key_file"
        if entry.jwks_url:
            try:
                check_url(entry.jwks_url)
            except ValueError as error:
                yield f"{key}.jwks_url", str(error)
        if (entry.issuer, entry.audience) in seen:
            yield f"{key}.issuer", "an earlier entry has the same issuer and audience"
        seen.add((entry.issuer, entry.audience))


def _jwt_files(auth: Auth) -> Problems:
    for number, entry in enumerate(auth.jwt):
        if entry.key_file is None:
            continue
        key = f"auth.jwt[{number}].key_file"
        text = _unreadable(entry.key_file)
        if text is not None:
            yield key, text
            continue
        try:
            parse_keys(entry.key_file.read_bytes())
        except ValueError:
            yield key, f"{entry.key_file} is neither a PEM public key nor a JWK set"


def _catalogs(catalogs: Mapping[str, Catalog], session: SessionDefaults) -> Problems:
    lower = [name.lower() for name in catalogs]
    for name, catalog in catalogs.items():
        key = f"catalogs.{name}"
        if not _CATALOG_NAME.fullmatch(name):
            yield key, "a catalog's name is of letters, digits, _ and -, and begins with a letter"
        if lower.count(name.lower()) > 1:
            yield key, "another catalog has the same name but for upper and lower case"
        given = {*catalog.properties, *catalog.property_files}
        if not catalog.uri and "uri" not in given and catalog.type != "glue":
            yield f"{key}.uri", "this key is required"
        yield from check_catalog(key, catalog)
        if catalog.caller_token:
            yield from _caller_token(key, catalog, given)
        for own in _OWN_KEYS:
            if own in catalog.properties or (own in given and (own != "uri" or catalog.uri)):
                yield f"{key}.properties", f"`{own}` belongs to [{key}] itself"
        for twice in sorted(catalog.properties.keys() & catalog.property_files.keys()):
            yield f"{key}.property_files", f"`{twice}` is in properties as well"
    if session.catalog and session.catalog not in catalogs:
        similar = nearest(session.catalog, catalogs)
        hint = f"; did you mean `{similar}`?" if similar else ""
        yield "session.catalog", f"there is no [catalogs.{session.catalog}]{hint}"


def _caller_token(key: str, catalog: Catalog, given: Set[str]) -> Problems:
    if catalog.type != "rest":
        yield f"{key}.caller_token", 'only catalogs of type "rest" are read with a token'
    for other in sorted(given & {"credential", "token"}):
        yield f"{key}.caller_token", f"`{other}` is the server's own login: leave out one of them"


def _caller_token_without_issuer(catalogs: Mapping[str, Catalog], auth: Auth) -> Problems:
    for name, catalog in catalogs.items():
        if catalog.caller_token and not auth.jwt:
            yield f"catalogs.{name}.caller_token", "nobody could have a token: add [[auth.jwt]]"


def _property_files(catalogs: Mapping[str, Catalog]) -> Problems:
    for name, catalog in catalogs.items():
        for property_name, path in catalog.property_files.items():
            text = _unreadable(path)
            if text is not None:
                yield f"catalogs.{name}.property_files.{property_name}", text


def _state(state: State) -> Problems:
    existing = next(path for path in (state.directory, *state.directory.parents) if path.exists())
    if not existing.is_dir():
        yield "state.directory", f"{existing} is a file"
    elif not os.access(existing, os.W_OK | os.X_OK) and existing != state.directory:
        yield "state.directory", f"{state.directory} does not exist and cannot be made"


def _unreadable(path: Path) -> str | None:
    """Return what hinders reading *path*, or None."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return None


CHECKS = (
    Check(("server",), _tls, patient=True),
    Check(("server", "management"), _ports, patient=True),
    Check(("server", "management"), _hosts, patient=True),
    Check(("server", "auth"), _anonymous, patient=True),
    Check(("auth",), _jwt),
    Check(("catalogs", "session"), _catalogs),
    Check(("catalogs", "auth"), _caller_token_without_issuer),
    Check(("refresh", "catalogs"), check_refresh),
    Check(("auth",), _somebody_can_log_in, to_serve=True),
    Check(("auth",), _users_file, to_serve=True, patient=True),
    Check(("auth",), _jwt_files, to_serve=True),
    Check(("server",), _tls_files, to_serve=True),
    Check(("catalogs",), _property_files, to_serve=True),
    Check(("state",), _state, to_serve=True),
)
"""All checks, in the order in which their problems are told."""

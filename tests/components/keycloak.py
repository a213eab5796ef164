"""Keycloak, an identity provider, from Maven Central: real tokens that end after some seconds."""

import functools
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.components import CACHE, Unavailable, nessie
from tests.components.processes import Process, free_port, run

NAME = "keycloak"
_VERSION = "26.7.3"
_INSTALL_SECONDS = 600
_FIRST_SECONDS = 300
_READY_SECONDS = 300
_DONE = ".prepared"

CLIENT = "flightlake"
SECRET = "a-secret-of-tests"
USER, PASSWORD = "carol", "open sesame"
TOKEN_SECONDS = 4
_REALM = {
    "realm": "lake",
    "enabled": True,
    "sslRequired": "none",
    "accessTokenLifespan": TOKEN_SECONDS,
    "clients": [
        {
            "clientId": CLIENT,
            "secret": SECRET,
            "enabled": True,
            "publicClient": False,
            "serviceAccountsEnabled": True,
            "directAccessGrantsEnabled": True,
            "protocolMappers": [
                {
                    "name": "audience",
                    "protocol": "openid-connect",
                    "protocolMapper": "oidc-audience-mapper",
                    "config": {
                        "included.custom.audience": "flightlake",
                        "access.token.claim": "true",
                    },
                }
            ],
        }
    ],
    "users": [
        {
            "username": USER,
            "email": "carol@example.org",
            "firstName": "Carol",
            "lastName": "Example",
            "enabled": True,
            "emailVerified": True,
            "credentials": [{"type": "password", "value": PASSWORD}],
        }
    ],
}


@dataclass(frozen=True)
class Server:
    """A running Keycloak with the realm ``lake``."""

    port: int
    process: Process

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realms/lake"

    @property
    def token_uri(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/token"

    @property
    def jwks_uri(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/certs"

    def user_token(self) -> str:
        """Return a new token of ``carol``."""
        form = {"grant_type": "password", "client_id": CLIENT, "client_secret": SECRET}
        answer = requests.post(
            self.token_uri, {**form, "username": USER, "password": PASSWORD}, timeout=120
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return requests.get(self.issuer, timeout=_READY_SECONDS).ok
        except requests.RequestException:
            return False


def ensure() -> Path:
    """Return a prepared installation: its first start, which takes long, is behind it.

    Raises:
        Unavailable: There is no Maven or Java, or the download fails.
    """
    folder = CACHE / NAME / _VERSION
    if (folder / _DONE).exists():
        return folder
    if shutil.which("mvn") is None:
        raise Unavailable("there is no mvn; install Maven")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    what = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{_VERSION}:zip"
    run(
        ["mvn", "-q", "-B", "dependency:copy", what, f"-DoutputDirectory={making}"],
        _INSTALL_SECONDS,
    )
    (archive,) = making.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(making)
    archive.unlink()
    (home,) = making.iterdir()
    realm = home / "data" / "import" / "lake.json"
    realm.parent.mkdir(parents=True)
    realm.write_text(json.dumps(_REALM))
    working = Path(tempfile.mkdtemp(prefix="flightlake-keycloak-"))
    _started(home, working, "--import-realm", seconds=_FIRST_SECONDS).process.stop()
    (home / _DONE).touch()
    home.rename(folder)
    shutil.rmtree(making)
    return folder


def _started(home: Path, working: Path, *more: str, seconds: float) -> Server:
    port = free_port()
    where = [f"--http-port={port}", "--http-host=127.0.0.1"]
    management = f"--http-management-port={free_port()}"
    java_home = str(nessie.java().parent.parent)
    arguments = ["sh", str(home / "bin" / "kc.sh"), "start-dev", *where, management, *more]
    lean = {"JAVA_HOME": java_home, "JAVA_OPTS_KC_HEAP": "-Xmx512m"}
    process = Process(arguments, working, lean)
    server = Server(port, process)
    process.wait_until(server.answers, seconds)
    return server


def launch() -> Server:
    """Start a Keycloak of its own.

    Raises:
        Unavailable: It cannot be had.
    """
    working = Path(tempfile.mkdtemp(prefix="flightlake-keycloak-"))
    home = working / "home"
    # What is written is copied; the rest, which is large, is linked.
    shutil.copytree(ensure(), home, copy_function=_copied)
    return _started(home, working, seconds=_READY_SECONDS)


def _copied(source: str, target: str) -> None:
    if f"{os.sep}data{os.sep}" in source:
        shutil.copy2(source, target)
    else:
        os.link(source, target)


@functools.cache
def start() -> Server:
    """Return the Keycloak that all tests share; it runs until the tests end."""
    return launch()

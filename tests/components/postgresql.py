"""PostgreSQL, as Debian packages it."""

import functools
import os
import pwd
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.components import Unavailable
from tests.components.processes import Process, free_port, listens, run

NAME = "postgresql"
_PROGRAMS = ("initdb", "postgres")
_INSTALL_SECONDS = 300
_INIT_SECONDS = 300


@dataclass(frozen=True)
class Server:
    """A running server with one empty database, ``lake``."""

    port: int
    password: str
    process: Process

    @property
    def uri(self) -> str:
        """The database as SQLAlchemy names it."""
        return f"postgresql+psycopg2://tester:{self.password}@127.0.0.1:{self.port}/postgres"


def _folder() -> Path | None:
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in [*newest_first, Path("/usr/local/bin"), Path("/usr/bin")]:
        if all((folder / program).exists() for program in _PROGRAMS):
            return folder
    return None


def ensure() -> Path:
    """Return the folder with PostgreSQL's programs, installing Debian's package if allowed.

    Raises:
        Unavailable: It is not there and cannot be installed.
    """
    folder = _folder()
    if folder is None and os.geteuid() == 0 and shutil.which("apt-get"):
        package = ["--no-install-recommends", "postgresql"]
        run(["apt-get", "install", "--yes", *package], _INSTALL_SECONDS)
        folder = _folder()
    if folder is None:
        raise Unavailable("no initdb and postgres; install Debian's package postgresql")
    return folder


def _account() -> str | None:
    """Return who the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unavailable("there is no account postgres or nobody to run it as")


def launch() -> Server:
    """Start a server of its own, in an empty folder.

    Raises:
        Unavailable: It cannot be had.
    """
    programs, account = ensure(), _account()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-postgresql-"))
    password = secrets.token_hex(8)
    secret = folder / "password"
    secret.write_text(password)
    data = folder / "data"
    if account is not None:
        shutil.chown(folder, account)
        shutil.chown(secret, account)
    told = ["--username=tester", f"--pwfile={secret}", "--auth=scram-sha-256", "--no-sync"]
    run([str(programs / "initdb"), "-D", str(data), *told], _INIT_SECONDS, account)
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": "60",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    process = Process(
        [str(programs / "postgres"), "-D", str(data), *options],
        folder,
        user=account,
        stop_signal=signal.SIGINT,
    )
    process.wait_until(
        lambda: listens(port) and "ready to accept" in process.log.read_text(errors="replace")
    )
    return Server(port, password, process)


@functools.cache
def start() -> Server:
    """Return the server that all tests share; it runs until the tests end."""
    return launch()

"""``flightlake serve`` as its operator meets it: a configuration file, a process, its output."""

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from tests.components.processes import free_port
from tests.fix_auth import CHEAP

USER, PASSWORD = "ada", "canary-password-of-ada"
READY_SECONDS = 180.0
DEADLINE = 120.0
"""Seconds after which a condition that a test waits for is taken to have failed: only what never
comes takes so long, however busy the machine is."""


def settled(condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Wait until *condition* holds; fail, naming *what*, if it does not in time."""
    deadline, waiting = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        waiting.wait(0.02)


def toml(document: Mapping[str, Any], prefix: str = "") -> str:
    """Return *document*, of tables, lists of tables, texts, numbers and truths, as TOML."""
    lines, tables = [], []
    for key, value in document.items():
        name = f"{prefix}{json.dumps(key)}"
        if isinstance(value, Mapping):
            tables.append(f"\n[{name}]\n{toml(value, f'{name}.')}")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            tables += [f"\n[[{name}]]\n{toml(item, f'{name}.')}" for item in value]
        else:
            lines.append(f"{json.dumps(key)} = {json.dumps(value)}\n")
    return "".join(lines + tables)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return *under* with the values of *over* in its place, table by table."""
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        found[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return found


def configure(folder: Path, *settings: Mapping[str, Any], name: str = "flightlake.toml") -> Path:
    """Write a configuration with one user into *folder*; *settings* go over each other."""
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "users.toml"
    if not users.exists():
        UsersFile(users).add(User(USER, hash_password(PASSWORD, CHEAP), frozenset({"analyst"})))
    document: dict[str, Any] = {
        "server": {"port": 0},
        "management": {"port": free_port()},
        "state": {"directory": str(folder / "state")},
        "auth": {"users_file": str(users)},
    }
    for layer in settings:
        document = merged(document, layer)
    path = folder / name
    path.write_text(toml(document))
    return path


class Server:
    """A running ``flightlake serve``; killed, at the latest, on leaving its ``with`` block.

    ``location`` is from its ready line; ``log`` is the file of its standard error.
    """

    def __init__(
        self, config: Path, environment: Mapping[str, str] | None = None, *, ready: bool = True
    ) -> None:
        self.config = config
        text = config.read_text()
        self.management = int(re.search(r'\["management"\]\n"port" = (\d+)', text)[1])  # type: ignore[index]
        self.state = Path(json.loads(re.search(r'"directory" = (".*")', text)[1]))  # type: ignore[index]
        self.log = config.with_name(f"{config.stem}-{time.monotonic_ns()}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flightlake", "serve", "--config", str(config)],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        self.output = ""
        self.location = ""
        if ready:
            try:
                self.wait_until_ready()
            except BaseException:
                self.kill()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def port(self) -> int:
        return int(self.location.rpartition(":")[2])

    def wait_until_ready(self) -> None:
        """Wait for the ready line."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + READY_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while "\n" not in self.output:
                assert selector.select(max(0, deadline - time.monotonic())), self.said()
                more = os.read(self.process.stdout.fileno(), 65536).decode()
                assert more, f"the server ended: {self.said()}"
                self.output += more
        found = re.match(r"ready (grpc(?:\+tls)?://\S+:\d+)\n", self.output)
        assert found, self.output
        self.location = found[1]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = DEADLINE) -> int:
        """Wait for the end; return the exit code, with all of standard output in ``output``."""
        code = self.process.wait(seconds)
        self._read_rest()
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._read_rest()

    def _read_rest(self) -> None:
        out = self.process.stdout
        if out is not None and not out.closed:
            self.output += out.read().decode()
            out.close()

    def said(self) -> str:
        """Return all of its standard error so far."""
        return self.log.read_text(errors="replace")

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the lines of its log, those of *event* if it is given."""
        lines = [json.loads(line) for line in self.said().splitlines(keepends=True) if "\n" in line]
        return [line for line in lines if event is None or line["event"] == event]

    def probe(self, path: str) -> tuple[int, str]:
        """Return status and body of a page of the management port; 0 if it is closed."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.management}{path}", timeout=DEADLINE
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with contextlib.closing(refused):
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a metric that have *labels*."""
        total = 0.0
        for line in self.probe("/metrics")[1].splitlines():
            if re.match(rf"flightlake_{name}(?:{{| )", line) and all(
                f'{label}="{value}"' in line for label, value in labels.items()
            ):
                total += float(line.rpartition(" ")[2])
        return total

    def wait_for_running(self, count: int) -> None:
        """Wait until exactly *count* statements hold a slot."""
        settled(
            lambda: self.metric("queries_running") == count,
            f"{count} running statements, but {self.metric('queries_running'):g}",
        )

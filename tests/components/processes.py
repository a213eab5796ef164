"""Programs that tests start, wait for, and stop."""

import atexit
import contextlib
import functools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.components import Unavailable

READY_SECONDS = 180.0
STOP_SECONDS = 10.0
_PAUSE_SECONDS = 60.0


_FIRST_PORT = 10_240
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, and that nobody is given by chance.

    The kernel takes the ports of connections, and those of whoever binds to port 0, from a range
    of its own.  A port below that range stays free until the one that it is meant for comes, and
    between its end and its next start.  No port is returned twice.
    """
    for port in _ports():
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@functools.cache
def _ports() -> Iterator[int]:
    """Return the ports to try, each once; tests that run at the same time begin elsewhere."""
    try:
        below = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        below = 32_768
    ports = range(_FIRST_PORT, below if below > 2 * _FIRST_PORT else 32_768)
    begin = random.SystemRandom().randrange(len(ports))
    return iter((*ports[begin:], *ports[:begin]))


def listens(port: int) -> bool:
    """Whether somebody accepts connections on *port* of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A running program; stopped at the end at the latest, its *folder* removed.

    Its output is in ``log``, and *folder* is its working directory.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._stop_signal = stop_signal
        self.log = folder / "log"
        self._folder = folder
        self._arguments = list(arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                user=self._user,
                start_new_session=True,
            )
        atexit.register(self.stop)
        return process

    def begin(self) -> None:
        """Start the program once more, as it was started, after ``end``."""
        self._process = self._started()

    def wait_until(self, ready: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Return once *ready* holds.

        Raises:
            Unavailable: The program ended, or is not ready in time; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-500:]
                self.stop()
                raise Unavailable(f"it did not start: {said}")
            time.sleep(0.02)

    def pause(self) -> None:
        """Let the program and its children keep their connections and answer nothing."""
        for member in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGSTOP)
            # The signal takes a moment.  A child that has just ended stays a zombie (Z).
            deadline = time.monotonic() + _PAUSE_SECONDS
            while _state(member) not in "TZX" and time.monotonic() < deadline:
                time.sleep(0.01)

    def resume(self) -> None:
        """Let a paused program go on."""
        for member in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGCONT)

    def _family(self) -> list[int]:
        """Return the program's process id and those of its children and theirs."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(_after_name(entry)[1])
                parents.setdefault(parent, []).append(int(entry.parent.name))
        family, waiting = [], [self._process.pid]
        while waiting:
            member = waiting.pop()
            family.append(member)
            waiting.extend(parents.get(member, []))
        return family

    def stop(self) -> None:
        """End the program and whatever it started; does nothing the second time."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def end(self) -> None:
        """End the program, and keep its folder for ``begin``."""
        atexit.unregister(self.stop)
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, self._stop_signal)
                self.resume()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def _after_name(stat: Path) -> list[str]:
    """Return state, parent and so on; the name before is in brackets and may hold anything."""
    return stat.read_text().rpartition(")")[2].split()


def _state(process: int) -> str:
    try:
        return _after_name(Path(f"/proc/{process}/stat"))[0]
    except OSError:
        return "X"


def run(arguments: Sequence[str], seconds: float, user: str | None = None) -> None:
    """Run a program to its end.

    Raises:
        Unavailable: It is not there, fails, or takes longer than *seconds*.
    """
    try:
        done = subprocess.run(
            list(arguments), capture_output=True, text=True, timeout=seconds, user=user, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable(f"{arguments[0]} cannot be run: {failure}") from failure
    if done.returncode != 0:
        said = (done.stderr or done.stdout)[-500:]
        raise Unavailable(f"{arguments[0]} failed: {said}")

"""``flightlake demo`` as a newcomer meets it: a process, its output, Ctrl-C."""

import os
import re
import selectors
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import pytest

SCALE = "0.01"


class Demo:
    """A running ``flightlake demo`` whose output is read as it comes."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flightlake", "demo", "--directory", str(directory),
             "--port", "0", "--scale", SCALE, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.output)):
                ready = selector.select(max(0, deadline - time.monotonic()))
                assert ready, f"no {pattern!r} within {seconds} s in:\n{self.output}"
                # Not readline(): what it has read ahead, select() does not see.
                more = os.read(self.process.stdout.fileno(), 65536).decode()
                assert more, f"the demo ended: {self.output}\n{self.process.communicate()[1]}"
                self.output += more
        return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run once."""
    folder = tmp_path_factory.mktemp("demo") / "lakehouse"
    with Demo(folder, "--check") as demo:
        output, errors = demo.process.communicate(timeout=120)
        assert demo.process.returncode == 0, errors
        (folder.parent / "first-output.txt").write_text(output)
    return folder


def test_both_data_sets_answer(directory: Path) -> None:
    output = (directory.parent / "first-output.txt").read_text()
    assert re.search(r"Sally Thomas\s+1\s+1\s+8\.1\b", output)
    assert re.search(r"George Bailey\s+2\s+4\s+3\.75\b", output)
    assert re.search(r"Anne Kretchmar\s+0\s+0\s+0\n", output)
    assert len(re.findall(r"^\s*\d+\s+[\d.]+\s+199\d-\d\d-\d\d\s+0\s*$", output, re.M)) == 10


def test_the_second_start_is_ready_within_five_seconds(directory: Path) -> None:
    began = time.monotonic()
    with Demo(directory) as demo:
        demo.wait_for("is used again")
        demo.wait_for("stays up until Ctrl-C")
        assert time.monotonic() - began < 5
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 0


def test_the_printed_lines_let_a_client_in(directory: Path) -> None:
    with Demo(directory) as demo:
        demo.wait_for("stays up until Ctrl-C")
        superset = demo.wait_for(r"adbc_flight_sql://demo:([\w-]+)@127\.0\.0\.1:(\d+)\?")
        assert f"jdbc:arrow-flight-sql://127.0.0.1:{superset[2]}?" in demo.output
        program = demo.output.partition("pip install adbc-driver-flightsql:\n\n")[2]
        program = textwrap.dedent(program.partition("\nThe server stays up")[0])
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
        )
        assert "60175" in done.stdout, done.stderr  # lineitem at scale 0.01

        options = adbc_driver_flightsql.DatabaseOptions
        wrong = {
            "username": "demo",
            "password": "guessed",
            options.TLS_SKIP_VERIFY.value: "true",
        }
        with pytest.raises(adbc_driver_flightsql.dbapi.ProgrammingError):
            adbc_driver_flightsql.dbapi.connect(
                f"grpc+tls://127.0.0.1:{superset[2]}", db_kwargs=wrong, autocommit=True
            )
        demo.process.terminate()
        assert demo.process.wait(30) == 0


def test_secrets_are_for_the_owner_only(directory: Path) -> None:
    server = directory / "server"
    for path in (server / "password", server / "users.toml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.stat().st_mode) == 0o700


def test_a_second_demo_in_the_folder_is_refused_in_one_line(directory: Path) -> None:
    with Demo(directory) as first:
        first.wait_for("stays up until Ctrl-C")
        with Demo(directory, "--check") as second:
            _, errors = second.process.communicate(timeout=60)
            assert second.process.returncode == 1
            assert re.fullmatch(r"flightlake: another demo uses .*\n", errors)


def test_a_demo_that_was_killed_while_serving_starts_again(directory: Path) -> None:
    with Demo(directory) as demo:
        demo.wait_for("stays up until Ctrl-C")
        demo.process.kill()
        demo.process.wait(30)
    with Demo(directory, "--check") as again:
        output, errors = again.process.communicate(timeout=60)
        assert again.process.returncode == 0, errors
        assert "is used again" in output

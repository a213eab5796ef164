import io
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pytest
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from flightlake.cli import sql_prompt, sql_target
from tests.fix_plain_flight_sql import PlainFlightSqlServer, endless, of_table

ROW = pa.record_batch({"n": [1]})


@pytest.fixture(scope="module")
def server() -> Iterator[PlainFlightSqlServer]:
    answers = {"select 1": of_table(pa.table({"n": [1]})), "endless": endless(ROW)}
    with PlainFlightSqlServer(answers) as running:
        yield running


def typed(keys: str) -> str:
    with create_pipe_input() as source:
        source.send_text(keys)
        return sql_prompt.new_session(InMemoryHistory(), source, DummyOutput()).prompt()


def test_enter_ends_a_statement_only_after_its_semicolon() -> None:
    assert typed("select\r1\r;\r") == "select\n1\n;"


def test_enter_ends_a_backslash_command_at_once() -> None:
    assert typed("\\d\r") == "\\d"


def test_a_semicolon_in_quotes_does_not_end_a_statement() -> None:
    assert typed("select ';\r';\r") == "select ';\n';"


@pytest.fixture
def answer(server: PlainFlightSqlServer) -> Iterator[object]:
    connection = sql_target.connect(sql_target.Target(server.uri))

    def run(text: str) -> str:
        out = io.StringIO()
        sql_prompt.answer(connection, text, "table", 100, out)
        return out.getvalue()

    yield run
    connection.close()


def test_the_prompt_shows_rows_count_and_time(answer) -> None:  # type: ignore[no-untyped-def]
    assert re.search(r"1\n\(1 row\) in \d+\.\d\d s\n$", answer("select 1;"))


def test_an_error_does_not_end_the_prompt(answer) -> None:  # type: ignore[no-untyped-def]
    assert answer("select 2;").startswith("no such statement here")
    assert "(1 row)" in answer("select 1;")


def test_an_unknown_backslash_command_is_refused(answer) -> None:  # type: ignore[no-untyped-def]
    assert answer("\\dx") == "\\dx is not a command: \\? shows what there is\n"
    assert "\\q" in answer("\\?")


class Terminal:
    """``flightlake sql`` in a pseudo-terminal; ``see`` waits for text to appear in it."""

    def __init__(self, uri: str, home: Path, *words: str) -> None:
        self._fd, child = pty.openpty()
        environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_STATE_HOME": "",
            "TERM": "xterm",
            "COLUMNS": "120",
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody here answers where the cursor is
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flightlake", "sql", "--uri", uri, *words],
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(child)
        self._seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def see(self, pattern: str) -> None:
        deadline = time.monotonic() + 120
        while not (found := re.search(pattern, self._seen)):
            readable, _, _ = select.select([self._fd], [], [], max(0, deadline - time.monotonic()))
            assert readable, f"{pattern!r} did not appear in {self._seen!r}"
            self._seen += os.read(self._fd, 4096).decode(errors="replace")
        self._seen = self._seen[found.end() :]


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_ctrl_c_cancels_the_statement_and_keeps_the_prompt(
    server: PlainFlightSqlServer, tmp_path: Path
) -> None:
    with Terminal(server.uri, tmp_path) as terminal:
        terminal.see(r"\\\? for help")
        terminal.see("sql>")
        server.released.clear()
        terminal.type("endless;\r")
        terminal.see(r"1 rows? .* \(Ctrl-C cancels\)")
        terminal.type("\x03")
        terminal.see("cancelled")
        assert server.released.wait(120)
        terminal.type("select 1;\r")
        terminal.see(r"\(1 row\)")
        terminal.type("\\q\r")
        assert terminal.process.wait(120) == 0
    history = (tmp_path / ".local" / "state" / "flightlake" / "sql_history").read_text()
    assert "endless;" in history


def test_ctrl_c_ends_a_single_statement_with_code_130(
    server: PlainFlightSqlServer, tmp_path: Path
) -> None:
    with Terminal(server.uri, tmp_path, "endless") as terminal:
        server.released.clear()
        terminal.see(r"\(Ctrl-C cancels\)")
        terminal.type("\x03")
        terminal.see("flightlake: cancelled")
        assert server.released.wait(120)
        assert terminal.process.wait(120) == 130

"""The interactive prompt of ``flightlake sql``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import adbc_driver_manager
import pyarrow as pa
from prompt_toolkit import PromptSession
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from flightlake.cli import sql_catalog
from flightlake.cli.sql_output import Format, write, write_table
from flightlake.cli.sql_progress import Progress
from flightlake.cli.sql_script import split
from flightlake.cli.sql_statement import Statement
from flightlake.cli.sql_table import draw
from flightlake.cli.sql_target import explained
from flightlake.errors import FlightlakeError, InvalidRequest

_HELP = """\
A statement ends with ; and may take several lines. Ctrl-C cancels a running statement.
  \\d             tables and views
  \\d NAME        columns of a table: NAME, SCHEMA.NAME or CATALOG.SCHEMA.NAME
  \\q             quit (so does Ctrl-D)
  \\?             this help"""


def run(connection: Any, uri: str, form: Format, limit: int) -> int:
    """Read and run statements until the user quits; return the exit code."""
    out = sys.stdout
    out.write(f"{sql_catalog.server(connection)} at {uri}. \\? for help, \\q to quit.\n")
    session = new_session(_history())
    while True:
        try:
            text = session.prompt()
        except KeyboardInterrupt:
            continue  # a new line, as in a shell
        except EOFError:
            return 0
        if text.strip().rstrip(";").strip() == "\\q":
            return 0
        answer(connection, text, form, limit, out)


def new_session(
    history: History, source: Input | None = None, screen: Output | None = None
) -> "PromptSession[str]":
    """Return a prompt in which Enter ends what is whole and else starts a new line."""
    session: PromptSession[str] = PromptSession(
        "sql> ",
        history=history,
        multiline=Condition(lambda: not is_whole(session.default_buffer.text)),
        prompt_continuation=lambda width, line, wrapped: "...> ".rjust(width),
        enable_history_search=True,
        input=source,
        output=screen,
    )
    return session


def is_whole(text: str) -> bool:
    """Return whether *text* is something to run: nothing, a backslash command, or ``…;``."""
    return not text.strip() or text.lstrip().startswith("\\") or not split(text).rest


def answer(connection: Any, text: str, form: Format, limit: int, out: TextIO) -> None:
    """Run what was typed and show the result, or one line that says what was wrong."""
    try:
        if text.lstrip().startswith("\\"):
            _backslash(connection, text.strip().rstrip(";").split(), out)
            return
        for sql in split(text).statements:
            _run_statement(connection, sql, form, limit, out)
    except FlightlakeError as error:
        out.write(f"{error.message}\n")
    except adbc_driver_manager.Error as error:
        out.write(f"{explained(error).message}\n")
    except KeyboardInterrupt:
        out.write("cancelled\n")


def _run_statement(connection: Any, sql: str, form: Format, limit: int, out: TextIO) -> None:
    with (
        Progress(sys.stderr, shares_terminal=form != "table") as progress,
        Statement(connection, sql, progress.tick) as statement,
    ):
        if form == "table":
            write_table(statement, limit, out, footer=" in {seconds:.2f} s")
        else:
            write(statement, form, limit, out)


def _backslash(connection: Any, words: list[str], out: TextIO) -> None:
    shown: dict[tuple[str, int], Callable[[], pa.Table]] = {
        ("\\d", 1): lambda: sql_catalog.tables(connection),
        ("\\d", 2): lambda: sql_catalog.columns(connection, words[1]),
    }
    table = shown.get((words[0], len(words)))
    if table is not None:
        draw(table(), out)
    elif words == ["\\?"]:
        out.write(_HELP + "\n")
    else:
        raise InvalidRequest(f"{' '.join(words)} is not a command: \\? shows what there is")


def _history() -> History:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(state) / "flightlake"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "sql_history"
        file.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()  # a home that cannot be written to is no reason to stop
    return FileHistory(str(file))

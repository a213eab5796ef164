"""A line on the terminal that says how far a running statement is."""

from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.status import Status

from flightlake.cli.sql_values import size

_PATIENCE = 0.5
"""Seconds before anything is shown: most statements are over by then."""


class Progress:
    """Rows, bytes and seconds so far, on *stream*, if that is a terminal.

    ``shares_terminal`` says that the result itself is being written while the statement runs: if
    that goes to the same terminal there is nothing to see between its lines.
    """

    def __init__(self, stream: TextIO, *, shares_terminal: bool = False) -> None:
        self._console = Console(file=stream, highlight=False)
        self._wanted = self._console.is_terminal and not shares_terminal
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def tick(self, rows: int, count: int, seconds: float) -> None:
        """Show *rows*, *count* bytes and *seconds*."""
        if not self._wanted or seconds < _PATIENCE:
            return
        text = f"{rows:,} rows  {size(count)}  {seconds:.1f} s  (Ctrl-C cancels)"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def stop(self) -> None:
        """Remove the line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

"""Arrow tables drawn for a terminal."""

from collections.abc import Iterable, Sequence
from typing import TextIO

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flightlake.cli import sql_values

_BOUNDLESS = 100_000  # columns of a "terminal" that is a file or a pipe: nothing is cut off
_LONGEST_CELL = 2_000  # characters


def draw(table: pa.Table, out: TextIO) -> None:
    """Draw *table*; where it is wider than the terminal, value by value instead.

    Values are shown as they are, over several lines if they have them, except that control
    characters, which could rule the terminal, are replaced, and very long values end in an
    ellipsis.
    """
    width = Console(file=out).width if out.isatty() else _BOUNDLESS
    # rich itself must neither squeeze nor wrap: what does not fit is shown in another way.
    console = Console(
        file=out, width=_BOUNDLESS, height=25, markup=False, highlight=False, emoji=False
    )
    columns = [
        [text for chunk in column.chunks for text in sql_values.texts(chunk)]
        for column in table.columns
    ]
    if not columns:
        return
    grid = _grid(table.schema, columns)
    if console.measure(grid).maximum <= width:
        console.print(grid)
    else:
        _print_records(console, table.schema.names, columns, width)


def _grid(schema: pa.Schema, columns: Sequence[Sequence[str | None]]) -> Table:
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for field in schema:
        grid.add_column(
            Text(_printable(field.name)),
            justify="right" if sql_values.is_number(field.type) else "left",
            no_wrap=True,
        )
    for row in zip(*columns, strict=True):
        grid.add_row(*(_cell(text) for text in row))
    return grid


def _print_records(
    console: Console,
    names: Iterable[str],
    columns: Sequence[Sequence[str | None]],
    width: int,
) -> None:
    labels = [_printable(name) for name in names]
    margin = max(len(label) for label in labels)
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        heading = f"── row {number:,} "
        console.print(Text(heading.ljust(min(width, 60), "─"), style="dim"))
        for label, text in zip(labels, row, strict=True):
            for line in _cell(text).split("\n", allow_blank=True):
                shown = Text.assemble((label.ljust(margin), "bold"), "  ", line)
                shown.truncate(width, overflow="ellipsis")
                console.print(shown, no_wrap=True)
                label = ""


def _cell(text: str | None) -> Text:
    if text is None:
        return Text("NULL", style="dim italic")
    if len(text) > _LONGEST_CELL:
        text = text[: _LONGEST_CELL - 1] + "…"
    return Text("\n".join(_printable(line) for line in text.rstrip("\n").split("\n")))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _STANDS_FOR.get(c, "\ufffd") for c in text)


_STANDS_FOR = {"\n": "⏎", "\t": "→", "\u00a0": " "}

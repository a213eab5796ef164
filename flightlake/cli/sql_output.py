"""A statement's result in the form that was asked for: table, csv, json or arrow."""

import json
from typing import Literal, TextIO

import pyarrow as pa

from flightlake.cli import sql_values
from flightlake.cli.sql_statement import Statement
from flightlake.cli.sql_table import draw
from flightlake.errors import InvalidRequest

Format = Literal["table", "csv", "json", "arrow"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "arrow")

_COUNT_LIMIT = 10_000_000
"""How many rows beyond the limit are read only to be counted."""


def write(statement: Statement, form: Format, limit: int, out: TextIO) -> None:
    """Write the statement's whole result; *limit* is for tables only, 0 means none.

    Raises:
        FlightlakeError: The statement failed.
        InvalidRequest: Arrow is asked for on a terminal.
    """
    if form == "table":
        write_table(statement, limit, out)
    elif form == "csv":
        _write_csv(statement, out)
    elif form == "json":
        _write_json(statement, out)
    else:
        _write_arrow(statement, out)


def write_table(statement: Statement, limit: int, out: TextIO, footer: str = "") -> None:
    """Draw the first *limit* rows, and say how many there are in all and *footer*."""
    schema = statement.schema()
    shown: list[pa.RecordBatch] = []
    kept = 0
    for batch in statement:
        if not limit or kept < limit:
            shown.append(batch.slice(0, limit - kept) if limit else batch)
            kept += shown[-1].num_rows
        elif statement.rows - limit > _COUNT_LIMIT:
            break  # "more than" will do; leaving the statement cancels it
    draw(pa.Table.from_batches(shown, schema), out)
    out.write(_count(kept, statement.rows) + footer.format(seconds=statement.seconds) + "\n")


def _count(shown: int, rows: int) -> str:
    if shown == rows:
        return f"({rows:,} row{'' if rows == 1 else 's'})"
    more = rows - shown
    counted = f"{more:,}" if more <= _COUNT_LIMIT else f"more than {_COUNT_LIMIT:,}"
    return f"({shown:,} rows shown, {counted} more row{'' if more == 1 else 's'})"


def _write_csv(statement: Statement, out: TextIO) -> None:
    """RFC 4180 with a header; NULL is nothing at all, an empty string is ``""``."""
    names = statement.schema().names
    out.write(",".join(_csv_field(name) for name in names) + "\r\n")
    for batch in statement:
        columns = [sql_values.texts(column) for column in batch.columns]
        out.writelines(
            ",".join(_csv_field(text) for text in row) + "\r\n"
            for row in zip(*columns, strict=True)
        )


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if not text or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_json(statement: Statement, out: TextIO) -> None:
    """One object per row and line."""
    names = sql_values.distinct(statement.schema().names)
    for batch in statement:
        columns = [sql_values.plain(column) for column in batch.columns]
        for row in zip(*columns, strict=True):
            record = dict(zip(names, row, strict=True))
            out.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def _write_arrow(statement: Statement, out: TextIO) -> None:
    """An Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html)."""
    if out.isatty():
        raise InvalidRequest("--format arrow is not for a terminal: send it to a file or program")
    with pa.ipc.new_stream(out.buffer, statement.schema()) as writer:
        for batch in statement:
            writer.write_batch(batch)
    out.flush()

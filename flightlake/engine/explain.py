"""EXPLAIN's text, without the paths of the server's files."""

import re

import pyarrow as pa

_FILES = re.compile(r"file_groups=\{(\d+) groups?: \[.*?\]\]?\}")


def without_paths(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *batch* with lists of files in its text columns replaced by their number."""
    columns = [
        pa.array([_told(text) for text in column.to_pylist()], column.type)
        if pa.types.is_string(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _told(text: str | None) -> str | None:
    return None if text is None else _FILES.sub(_numbers, text)


def _numbers(match: re.Match[str]) -> str:
    return f"file_groups={{{match.group(1)} groups}}"

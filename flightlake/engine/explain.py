"""EXPLAIN's text, without the paths of the server's files."""

import re

import pyarrow as pa

# A label of a metric: EXPLAIN ANALYZE VERBOSE counts for each file.
_FILE_NAME = re.compile(r"filename=[^\n]*?(?=\}=|, \w+=)")
_FILES = re.compile(r"file_groups=\{(\d+) groups?: \[.*?\]\]?\}")


def without_paths(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *batch* with files left out of its text columns; lists become numbers."""
    columns = [
        pa.array([_told(text) for text in column.to_pylist()], column.type)
        if pa.types.is_string(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _told(text: str | None) -> str | None:
    return None if text is None else _FILE_NAME.sub("filename=…", _FILES.sub(_numbers, text))


def _numbers(match: re.Match[str]) -> str:
    return f"file_groups={{{match.group(1)} groups}}"

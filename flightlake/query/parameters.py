"""Bound parameters: an Arrow IPC stream in a handle, one row per execution."""

from collections.abc import Sequence

import pyarrow as pa

from flightlake.errors import InvalidRequest

Row = tuple[pa.Scalar, ...]


def encode_rows(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> bytes:
    """Return *batches* as one IPC stream; columns keep their order, whatever their names."""
    # Clients may give several columns the same name, or none.
    names = [str(number) for number in range(1, len(schema) + 1)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])
    ) as writer:
        for batch in batches:
            writer.write_batch(batch.rename_columns(names))
    return bytes(sink.getvalue())


def decode_rows(parameters: bytes | None) -> list[Row]:
    """Return the rows in *parameters*; one empty row where nothing was bound.

    Raises:
        InvalidRequest: They cannot be read.
    """
    if parameters is None:
        return [()]
    try:
        table = pa.ipc.open_stream(pa.py_buffer(parameters)).read_all()
    except (pa.ArrowException, OSError):
        raise InvalidRequest("the bound parameters cannot be read; bind them again") from None
    columns = [column.combine_chunks() for column in table.columns]
    return [tuple(column[row] for column in columns) for row in range(table.num_rows)]

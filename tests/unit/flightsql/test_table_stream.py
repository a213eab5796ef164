"""A table as a stream."""

import pyarrow as pa

from flightlake.flightsql.table_stream import TableStream

SCHEMA = pa.schema([pa.field("a", pa.utf8(), nullable=False)])


def test_the_rows_come_out() -> None:
    table = pa.table({"a": ["x", "y"]}, schema=SCHEMA)
    assert pa.Table.from_batches(list(TableStream(table))) == table


def test_an_empty_table_makes_one_empty_batch() -> None:
    (batch,) = TableStream(SCHEMA.empty_table())
    assert batch.num_rows == 0
    assert batch.schema == SCHEMA


def test_a_closed_stream_gives_nothing() -> None:
    stream = TableStream(pa.table({"a": ["x"]}, schema=SCHEMA))
    stream.close()
    stream.close()
    assert list(stream) == []

"""Which columns of a Parquet file are worth a dictionary of their values."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SAMPLE = 1 << 14
_FEWEST = 1 << 12
_PART = 8
"""A sample is a part of the rows: to count many of few takes as long as to encode them."""
_DISTINCT = 0.9
"""Where of so many values of a column this part are different, a dictionary of them would be given
up half way, after its work was done: a tenth of the CPU of encoding, and larger files."""


def repeating(table: pa.Table) -> list[str]:
    """Return the columns of *table* that are worth a dictionary, as Parquet names them."""
    names: list[str] = []
    wanted = min(_SAMPLE, max(_FEWEST, table.num_rows // _PART))
    step = max(1, table.num_rows // wanted)
    sample = table.take(np.arange(0, table.num_rows, step))
    for column in table.schema:
        if pa.types.is_nested(column.type):
            names += _leaves(column.name, column.type)
        elif sample.num_rows < _FEWEST or _repeats(sample.column(column.name)):
            names.append(column.name)
    return names


def _repeats(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values).as_py() < _DISTINCT * len(values))


def _leaves(path: str, type_: pa.DataType) -> list[str]:
    if pa.types.is_struct(type_):
        inside = [(member.name, member.type) for member in type_]
    elif pa.types.is_map(type_):
        inside = [("key_value.key", type_.key_type), ("key_value.value", type_.item_type)]
    elif pa.types.is_nested(type_):
        inside = [("list.element", type_.value_type)]
    else:
        return [path]
    return [leaf for name, of in inside for leaf in _leaves(f"{path}.{name}", of)]

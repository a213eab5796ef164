"""Files that pyarrow wrote, without field ids, and pyiceberg added to a table."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from tests.corpus.place import NAMESPACE, WAREHOUSE
from tests.corpus.writers.by_pyiceberg import PLAIN, Steps, by_pyiceberg, evolve, plain, written
from tests.corpus.writers.recipe import Recipe


def _added(name: str, table: pa.Table, **options: Any) -> Steps:
    def step(target: Table) -> None:
        folder = WAREHOUSE / NAMESPACE / target.name()[-1] / "added"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name, **options)
        target.add_files([f"file://{folder / name}"])

    return step


def recipes() -> list[Recipe]:
    """Return the tables."""
    return list(_recipes())


def _recipes() -> Iterator[Recipe]:
    columns = pa.table(
        {
            "id": [1, 2, 3],
            "grp": ["a", None, "b"],
            "v": [0.5, float("nan"), None],
            "day": [None] * 3,
        },
        schema=PLAIN,
    )
    moved = columns.select(["day", "v", "grp", "id"])
    fewer = columns.select(["id", "grp"])
    files: dict[str, pa.Table] = {"same": columns, "moved": moved, "fewer": fewer}
    for word, table in files.items():
        made = written(PLAIN, _added("file one.parquet", table))
        yield by_pyiceberg(f"py_added_{word}", "add-files name-mapping v2", made)
    odd = "a b%20c+d=e&f,g;ü.parquet"
    yield by_pyiceberg(
        "py_added_odd_name", "add-files names v2", written(PLAIN, _added(odd, columns))
    )
    yield by_pyiceberg(
        "py_added_no_suffix", "add-files names v2", written(PLAIN, _added("part-0", columns))
    )
    renamed = written(PLAIN, _added("one.parquet", columns), evolve)
    yield by_pyiceberg(
        "py_added_then_evolved", "add-files name-mapping schema-evolution v2", renamed
    )
    options = {"data_page_version": "2.0", "compression": "zstd", "use_dictionary": False}
    yield by_pyiceberg(
        "py_added_pages_v2",
        "add-files writer-settings v2",
        written(PLAIN, _added("p.parquet", columns, **options)),
    )
    slow = {"read.parquet.vectorization.enabled": "false"}  # Spark does not read these otherwise
    bytes_ = {
        "column_encoding": {
            "v": "BYTE_STREAM_SPLIT",
            "id": "DELTA_BINARY_PACKED",
            "grp": "DELTA_BYTE_ARRAY",
        },
        "use_dictionary": False,
    }
    yield by_pyiceberg(
        "py_added_encodings",
        "add-files writer-settings v2",
        written(PLAIN, _added("e.parquet", columns, **bytes_), **slow),
    )
    none = columns.slice(0, 0)
    yield by_pyiceberg(
        "py_added_empty",
        "add-files empty v2",
        written(PLAIN, _added("n.parquet", none), plain(0, 3)),
    )

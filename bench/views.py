"""Materialized views over TPC-H, beside plain DataFusion that writes the same rows to one file.

Both read the same Parquet files and write zstd of level 1.  The view comes through the server, with
all that it takes to be one: sources pinned, field ids, statistics, manifests and one commit.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table as Written

from bench.answers import difference
from bench.data import Lakehouse, tpch_lakehouse
from bench.mill import Mill, Times
from bench.mill import mill as open_mill
from bench.processes import peak_resident_bytes, reset_peak, resident_bytes
from bench.report import Table
from bench.servers import VIEWS
from bench.worker import Worker, worker
from flightlake.config.machine import cores

QUERIES: Mapping[str, tuple[str, str]] = {
    "few": (
        "aggregate, 4 rows (query 1)",
        "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS quantity,"
        " sum(l_extendedprice) AS price, sum(l_extendedprice * (1 - l_discount)) AS discounted,"
        " avg(l_discount) AS discount, count(*) AS n FROM lineitem"
        " WHERE l_shipdate <= DATE '1998-09-02' GROUP BY l_returnflag, l_linestatus",
    ),
    "groups": (
        "aggregate, 2.1 M rows",
        "SELECT l_partkey, l_suppkey, l_returnflag, sum(l_quantity) AS quantity,"
        " sum(l_extendedprice * (1 - l_discount)) AS price, count(*) AS n FROM lineitem"
        " GROUP BY l_partkey, l_suppkey, l_returnflag",
    ),
    "large": (
        "join and aggregate (query 18, all orders)",
        "SELECT c_name, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) AS quantity"
        " FROM customer JOIN orders ON c_custkey = o_custkey"
        " JOIN lineitem ON o_orderkey = l_orderkey"
        " GROUP BY c_name, o_orderkey, o_orderdate, o_totalprice",
    ),
    "join": (
        "join, 6.0 M rows",
        "SELECT l_orderkey, l_linenumber, l_partkey, l_quantity, l_extendedprice, l_discount,"
        " l_shipdate, l_shipmode, o_orderdate, o_orderpriority, c_name, c_mktsegment"
        " FROM lineitem JOIN orders ON l_orderkey = o_orderkey"
        " JOIN customer ON o_custkey = c_custkey",
    ),
}
_COPIED = ("l_orderkey", "l_linenumber", "l_partkey", "l_quantity", "l_extendedprice",
           "l_discount", "l_shipdate", "l_shipmode")  # fmt: skip
CHANGING: Mapping[str, tuple[str, str]] = {
    "filtered": (
        "filter and projection",
        f"SELECT l_orderkey, l_partkey, l_extendedprice * (1 - l_discount) AS price, l_shipdate"
        f" FROM {VIEWS}.lines WHERE l_quantity > 10",
    ),
    "joined": (
        "join with orders",
        "SELECT l_orderkey, l_linenumber, l_quantity, l_extendedprice, o_orderdate, o_custkey"
        f" FROM {VIEWS}.lines JOIN orders ON l_orderkey = o_orderkey",
    ),
}
_MEMORY = ("512MiB", "1GiB", "2GiB")
_AGAIN = 7
"""How often a view is refreshed in full while the memory is watched, after it was made."""
_LARGE = ("groups", "join")
_NOOPS = 20
_ONE_OF = 100
_LOOKED_AT = 50_000


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers.

    Raises:
        RuntimeError: A view does not have the rows that DataFusion writes.
    """
    lakehouse = tpch_lakehouse(scale, say)
    with open_mill(lakehouse) as mill:
        whole = _whole(mill, lakehouse, rounds, say)
        idle = _idle(mill, say)
        changed = _changed(mill, lakehouse, rounds, say)
    memory = _memory(lakehouse, say)
    return {
        "scale": scale, "rounds": rounds, "whole": whole, "idle": idle, "changed": changed,
        "memory": memory,
    }  # fmt: skip


def _whole(
    mill: Mill, lakehouse: Lakehouse, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    file = mill.folder / "plain.parquet"
    plain = worker("datafusion_file", tables=lakehouse.data_files(), cores=cores(), file=str(file))
    found: dict[str, Any] = {}
    with plain as writer:
        for name, (_, sql) in QUERIES.items():
            say(f"{name}: checking the rows")
            view = f"{VIEWS}.{name}"
            mill.run(f"CREATE MATERIALIZED VIEW {view} AS {sql}")
            writer.query(sql)
            rows = _check(mill.table(name), file)
            times = {"create": Times(), "full": Times(), "plain": Times()}
            for turn in range(rounds):
                say(f"{name}: round {turn + 1} of {rounds}")
                _turn(mill, writer, view, sql, times, turn)
            found[name] = {
                "rows": rows,
                "files": len(mill.table(name).inspect.files()),
                "bytes": sum(mill.table(name).inspect.files()["file_size_in_bytes"].to_pylist()),
                "plain_bytes": file.stat().st_size,
                **{what: some.medians() for what, some in times.items()},
            }
    return found


def _turn(
    mill: Mill, writer: Worker, view: str, sql: str, times: dict[str, Times], turn: int
) -> None:
    def plain() -> None:
        took = writer.query(sql)
        times["plain"].wall.append(took.wall)
        times["plain"].cpu.append(took.cpu)

    def create() -> None:
        mill.run(f"DROP MATERIALIZED VIEW {view}")
        mill.run(f"CREATE MATERIALIZED VIEW {view} AS {sql}", times["create"])

    def full() -> None:
        mill.run(f"REFRESH MATERIALIZED VIEW {view} FULL", times["full"])

    steps = [plain, create, full]
    for step in range(len(steps)):  # nobody is always the first after another
        steps[(turn + step) % len(steps)]()


def _check(view: Written, file: Path) -> int:
    """Return how many rows *view* has, all of which *file* has, too."""
    ours, theirs = view.scan().to_arrow(), pq.read_table(file)
    if len(ours) != len(theirs):
        raise RuntimeError(f"the view has {len(ours)} rows, and the file {len(theirs)}")
    order = [(name, "ascending") for name in ours.column_names[:3]]  # which tell rows apart
    some = [rows.cast(ours.schema).sort_by(order).slice(0, _LOOKED_AT) for rows in (ours, theirs)]
    problem = difference(*some)
    if problem is not None:
        raise RuntimeError(f"the rows of a view differ: {problem}")
    return len(ours)


def _idle(mill: Mill, say: Callable[[str], None]) -> dict[str, Any]:
    say("views that nothing has to be done for")
    found = {}
    for name in QUERIES:
        times = Times()
        for _ in range(_NOOPS):
            row = mill.run(f"REFRESH MATERIALIZED VIEW {VIEWS}.{name}", times)
            if row["strategy"] != "NOOP":
                raise RuntimeError(f"a refresh without a change was {row['strategy']}")
        found[name] = {**times.medians(), "slowest": max(times.wall)}
    return found


def _changed(
    mill: Mill, lakehouse: Lakehouse, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    source = pa.concat_tables(
        pq.read_table(path, columns=list(_COPIED)) for path in lakehouse.data_files()["lineitem"]
    )
    # Without the ids of the table they come from.
    source = source.cast(pa.schema([column.remove_metadata() for column in source.schema]))
    lines = mill.table("few").catalog.create_table(
        (VIEWS.partition(".")[2], "lines"), source.schema
    )
    lines.append(source)
    change = source.slice(0, len(source) // _ONE_OF)
    del source
    found: dict[str, Any] = {}
    for name, (_, sql) in CHANGING.items():
        view, times, strategies = f"{VIEWS}.{name}", {"full": Times(), "delta": Times()}, []
        mill.run(f"CREATE MATERIALIZED VIEW {view} AS {sql}")
        for turn in range(rounds):
            say(f"{name}: a change of 1 %, round {turn + 1} of {rounds}")
            lines.append(change)
            row = mill.run(f"REFRESH MATERIALIZED VIEW {view}", times["delta"])
            strategies.append(row["strategy"])
            mill.run(f"REFRESH MATERIALIZED VIEW {view} FULL", times["full"])
        found[name] = {
            "strategies": sorted(set(strategies)),
            **{what: some.medians() for what, some in times.items()},
        }
    return found


def _memory(
    lakehouse: Lakehouse, say: Callable[[str], None]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return by how many bytes a server has grown at most by limit and view.

    While it made the view, its first large one; and until all rows were made ``_AGAIN`` times more.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for limit in _MEMORY:
        for name in _LARGE:
            say(f"{name}: memory with a limit of {limit}")
            with open_mill(lakehouse, limit) as mill:
                mill.run(f"CREATE MATERIALIZED VIEW {VIEWS}.few AS {QUERIES['few'][1]}")
                before = resident_bytes(mill.pid)
                reset_peak(mill.pid)
                mill.run(f"CREATE MATERIALIZED VIEW {VIEWS}.{name} AS {QUERIES[name][1]}")
                first = peak_resident_bytes(mill.pid) - before
                for _ in range(_AGAIN):
                    mill.run(f"REFRESH MATERIALIZED VIEW {VIEWS}.{name} FULL")
                grown = peak_resident_bytes(mill.pid) - before
                found.setdefault(limit, {})[name] = (first, grown)
    return found


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as tables."""
    of = f"scale {result['scale']:g}, median of {result['rounds']}"
    whole = [
        (
            QUERIES[name][0],
            *(f"{some[what][kind]:.2f}" for what in ("create", "full", "plain")
              for kind in ("wall", "cpu")),
            *(f"{some[what][kind] / some['plain'][kind]:.2f}" for what in ("create", "full")
              for kind in ("wall", "cpu")),
            f"{some['bytes'] / 1e6:.1f} in {some['files']}",
            f"{some['plain_bytes'] / 1e6:.1f}",
        )
        for name, some in result["whole"].items()
    ]  # fmt: skip
    heads = ("", "CREATE: s", "CPU s", "FULL: s", "CPU s", "plain: s", "CPU s", "CREATE / plain",
             "CPU", "FULL / plain", "CPU", "MB, files", "plain MB")  # fmt: skip
    idle = [
        (QUERIES[name][0], *(f"{some[what] * 1000:.1f}" for what in ("wall", "slowest", "cpu")))
        for name, some in result["idle"].items()
    ]
    changed = [
        (
            CHANGING[name][0],
            ", ".join(some["strategies"]),
            *(f"{some[what][kind] * 1000:.0f}" for what in ("delta", "full")
              for kind in ("wall", "cpu")),
            *(f"{some['delta'][kind] / some['full'][kind]:.3f}" for kind in ("wall", "cpu")),
        )
        for name, some in result["changed"].items()
    ]  # fmt: skip
    memory = [
        (limit, *(f"{grown / 2**20:.0f}" for name in _LARGE for grown in some[name]))
        for limit, some in result["memory"].items()
    ]
    return [
        Table(f"Making all rows of a view, and DataFusion writing one file, {of}", heads, whole),
        Table(
            f"Refreshing a view of which nothing has changed, milliseconds, median of {_NOOPS}",
            ("", "wall", "slowest", "CPU"),
            idle,
        ),
        Table(
            f"Refreshing after 1 % of lineitem was appended, {of}",
            ("", "strategy", "ms", "CPU ms", "FULL: ms", "CPU ms", "time / FULL", "CPU / FULL"),
            changed,
        ),
        Table(
            "Growth of resident memory while a view is made, peak, MiB, by limits.memory",
            ("", *(head for name in _LARGE for head in (QUERIES[name][0], f"{_AGAIN} times more"))),
            memory,
        ),
    ]

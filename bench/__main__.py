"""``python -m bench``: measure, print tables, and keep the numbers in ``bench/results``."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from bench import (
    deletes,
    history,
    increments,
    machine,
    planning,
    prune,
    schedule,
    select1,
    stream,
    tpch,
    views,
)
from bench.report import Table, save

Run = Callable[[float, int, Callable[[str], None]], dict[str, Any]]

BENCHMARKS: dict[str, tuple[Run, Callable[[Any], list[Table]]]] = {
    "tpch": (tpch.run, tpch.table),
    "deletes": (deletes.run, deletes.table),
    "stream": (stream.run, stream.table),
    "select1": (select1.run, select1.table),
    "prune": (prune.run, prune.table),
    "planning": (planning.run, planning.table),
    "history": (history.run, history.table),
    "schedule": (schedule.run, schedule.table),
    "views": (views.run, views.table),
    "increments": (increments.run, increments.table),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--scale", type=float, default=1.0, help="of TPC-H (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (default 5)")
    args = parser.parse_args()
    for name in args.name:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark '{name}': choose from {', '.join(BENCHMARKS)}")
    described = machine.describe()
    print(", ".join(f"{key} {value}" for key, value in described.items() if key != "packages"))
    print(", ".join(f"{key} {value}" for key, value in described["packages"].items()))
    for name in args.name or BENCHMARKS:
        run, tables = BENCHMARKS[name]
        result = run(args.scale, args.rounds, lambda text, name=name: _say(name, text))
        print()
        for table in tables(result):
            print(table.markdown(), end="\n\n")
        print(f"kept in {save(name, {'machine': described, **result})}")
    return 0


def _say(name: str, text: str) -> None:
    print(f"{name}: {text} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

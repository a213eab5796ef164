"""A guard against silent loss: rows read are held against the manifests' record counts.

After a statement has run to its end, every scan that had to return all rows of its files has
counted them; if they are not as many as the manifests say, the statement fails, even though its
rows have been sent.  A scan counts only if it has no condition and no limit, and if whatever is
above it in the plan reads it to the end: only operators known to do so are believed to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from datafusion import ExecutionPlan

from flightlake.engine.scan import scanned_keys
from flightlake.errors import DamagedData
from flightlake.lake.stores import StoreSettings

_READ_TO_THE_END = (
    "ProjectionExec",
    "FilterExec",
    "CoalescePartitionsExec",
    "CoalesceBatchesExec",
    "RepartitionExec",
    "UnionExec",
    "AggregateExec",
    "SortExec",
    "SortPreservingMergeExec",
)
_MAY_STOP = ("fetch=", "lim=", "limit=")
_KEEP_THE_RIGHT = ("join_type=Right,", "join_type=RightAnti,", "join_type=Full,")


@dataclass(frozen=True, slots=True)
class Counted:
    """The files of one scan in the plan: their paths, and the rows each is said to have."""

    table: str
    store: StoreSettings
    paths: Sequence[str]
    rows: Mapping[str, int]


class LossGuard:
    """Watches one execution of *plan*, whose files are those of *scans*."""

    def __init__(self, plan: ExecutionPlan, scans: Sequence[Counted]) -> None:
        # The scans only: what is above them may hold much memory.
        self._leaves = list(_read_whole(plan))
        self._scans = scans

    def check(self) -> None:
        """Compare, once all rows have been read.

        Raises:
            DamagedData: A scan returned fewer or more rows than it should have.
        """
        if not self._leaves:
            return
        expected = _expected(self._scans)
        for leaf in self._leaves:
            metrics = leaf.metrics()
            rows = None if metrics is None else metrics.output_rows
            for keys in scanned_keys(leaf):
                said = [found for key in keys if (found := expected.get(key)) is not None]
                if rows is None or not said or len(said) < len(keys):
                    continue
                wanted = sum(count for _, count in said)
                if rows != wanted:
                    raise DamagedData(
                        f"files of table {said[0][0]} returned {rows} rows where its manifests"
                        f" say {wanted}; do not use the rows that were sent"
                    )


def _expected(scans: Sequence[Counted]) -> dict[tuple[str, str], tuple[str, int] | None]:
    """Return table and rows of each file by store and key; None for one that is listed twice."""
    found: dict[tuple[str, str], tuple[str, int] | None] = {}
    for scan in scans:
        host = scan.store.engine_store
        twice: set[str] = set()
        for path, key in zip(scan.paths, scan.store.engine_keys(scan.paths), strict=True):
            listed = key in twice
            twice.add(key)
            rows = scan.rows.get(path)
            found[(host, key)] = None if listed or rows is None else (scan.table, rows)
    return found


def _read_whole(plan: ExecutionPlan) -> Iterator[ExecutionPlan]:
    """Yield the scans in *plan* that return all rows of their files by the time it has ended."""
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        shown = node.display()
        children = node.children()
        if not children:
            if shown.startswith("DataSourceExec: file_groups") and not any(
                sign in shown for sign in ("predicate=", "limit=", "fetch=")
            ):
                yield node
        elif shown.startswith("HashJoinExec"):
            # The left side is always read whole, before the first row of the right one.
            waiting.append(children[0])
            if any(kind in shown for kind in _KEEP_THE_RIGHT) and not _may_stop(shown):
                waiting.append(children[1])
        elif shown.startswith(_READ_TO_THE_END) and not _may_stop(shown):
            waiting.extend(children)


def _may_stop(shown: str) -> bool:
    return any(sign in shown for sign in _MAY_STOP)

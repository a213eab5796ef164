"""The algorithm is broken in one place at a time, and the stories have to notice."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flightlake.engine import lineage, plan_terms
from flightlake.lake import changes
from flightlake.lake.portions import Portion
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier
from flightlake.refresh import choosing, telescoping, touching, windows
from tests.fix_incremental_story import QUERIES, TABLES, Story, all_partitions, forget
from tests.fix_materialized import Mills, mills

__all__ = ["all_partitions", "mills"]

pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records")


def _old_is_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(telescoping, "as_before", lambda window, pins: pins[window.identifier])


def _compaction_is_append(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changes, "_may_be_rewritten", lambda *_: False)
    patch.setattr(changes.Changes, "only_added", property(lambda self: True))


def _removed_files_do_not_matter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changes.Changes, "only_added", property(lambda self: not self.deletes))


def _deletes_do_not_matter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changes.Changes, "deletes", property(lambda self: False))


def _no_partition_of_null(patch: pytest.MonkeyPatch) -> None:
    real = touching.partition_values
    patch.setattr(choosing, "partition_values", lambda *given: real(*given) - {None})


def _only_added_files_touch(patch: pytest.MonkeyPatch) -> None:
    def portions(window: windows.Window) -> tuple[Portion, ...]:
        found = window.changes
        return () if found is None else tuple(Portion(one.chosen) for one in found.added)

    patch.setattr(windows.Window, "portions", property(portions))


def _other_branches_stay(patch: pytest.MonkeyPatch) -> None:
    real = telescoping._emptied

    def emptied(products: Any, table: TableIdentifier) -> Any:
        found = real(products, table)
        return frozenset() if found is not None and "branch" in str(found) else found

    patch.setattr(telescoping, "_emptied", emptied)


def _nothing_is_emptied(patch: pytest.MonkeyPatch) -> None:
    real = telescoping._emptied

    def emptied(products: Any, table: TableIdentifier) -> Any:
        found = real(products, table)
        return frozenset() if isinstance(found, frozenset) else found

    patch.setattr(telescoping, "_emptied", emptied)


def _a_table_is_joined_once(patch: pytest.MonkeyPatch) -> None:
    real = telescoping._emptied
    patch.setattr(
        telescoping,
        "_emptied",
        lambda products, table: real([dict.fromkeys(one, 1) for one in products], table),
    )


def _every_query_is_a_sum(patch: pytest.MonkeyPatch) -> None:
    def products(plan: Any) -> Any:
        return [Counter(lineage._scanned(plan))]

    patch.setattr(choosing, "products", products)


def _every_column_follows(patch: pytest.MonkeyPatch) -> None:
    def followed(survey: Any, column: str, changed: frozenset[TableIdentifier]) -> Any:
        return frozenset((table, "k") for table in changed)

    patch.setattr(choosing, "followed", followed)


def _nulls_of_outer_joins_follow(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(lineage._KEPT, "LEFT", (True, True, True))


def _no_file_matters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(IcebergTable, "some_match", lambda *_: False)


def _what_is_no_step_is_none(patch: pytest.MonkeyPatch) -> None:
    real = changes._between

    def between(*given: Any) -> Any:
        found = real(*given)
        return [] if isinstance(found, changes.Unclear) else found

    patch.setattr(changes, "_between", between)


def _inner_joins_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plan_terms, "join_kind", lambda join: "INNER")


MUTANTS: Mapping[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "the old state of a table is the new one": (_old_is_new, "append", "joined crossed"),
    "compaction is an append": (_compaction_is_append, "append compact", "filtered"),
    "files that went are not missed": (_removed_files_do_not_matter, "append delete", "filtered"),
    "deletes by position do not matter": (_deletes_do_not_matter, "append mark", "filtered"),
    "the partition of null is forgotten": (_no_partition_of_null, "append", "distinct grouped"),
    "only files that came touch partitions": (_only_added_files_touch, "delete", "grouped ranked"),
    "a branch without a table of its own is added again": (_other_branches_stay, "append", "half"),
    "a branch with a table of its own is added again": (_nothing_is_emptied, "append", "united"),
    "a table joined with itself is linear": (_a_table_is_joined_once, "append", "selves pairs"),
    "every query is a sum of products": (_every_query_is_a_sum, "append", "counted grouped"),
    "outer joins are inner joins": (_inner_joins_only, "append", "left lost whole"),
    "partitions follow any column": (_every_column_follows, "append", "whole first lost"),
    "the null side of an outer join follows": (_nulls_of_outer_joins_follow, "append", "lost"),
    "no file can match": (_no_file_matters, "append", "filtered grouped"),
    "a rollback is nothing": (_what_is_no_step_is_none, "append rollback", "filtered counted"),
}
"""How the algorithm is broken, what has to happen for that to be seen, and in which views."""


@pytest.mark.usefixtures("all_partitions")
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_stories_notice_when_the_algorithm_is_broken(
    mills: Mills, monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    broken, happens, views = MUTANTS[mutant]
    mill = mills()
    for seed in range(10):
        for name in (*TABLES, *QUERIES):
            forget(mill, name)
        chance = random.Random(seed)  # noqa: S311 - it can be told again
        story = Story(mill, chance, happens.split(), ["a", "b"])
        story.begin(views.split())
        with monkeypatch.context() as patch:
            broken(patch)
            try:
                story.tell(steps=6, at_once=3)
            except AssertionError:
                break
    else:
        pytest.fail("nobody noticed")

"""A query of a WITH that is named more than once is computed once, and nobody can tell."""

import threading
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.engine import engine as engine_module
from flightlake.engine.engine import Plan
from flightlake.engine.ordering import ordered
from flightlake.engine.result import Result
from flightlake.engine.sql_text import read
from flightlake.errors import Cancelled, FlightlakeError
from flightlake.lake.layout_terms import LayoutTerm
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Lab, Labs, big_rows, data_files, tuples

GROUPS = "groups AS (SELECT grp, count(*) AS n, sum(id) AS s FROM big GROUP BY grp)"
BEST = f"WITH {GROUPS} SELECT grp, n FROM groups WHERE s = (SELECT max(s) FROM groups)"
HELD = [
    BEST,
    f"WITH {GROUPS} SELECT a.grp, a.n, b.s FROM groups a JOIN groups b ON a.grp = b.grp",
    f"WITH {GROUPS} SELECT * FROM groups WHERE n > 3 UNION ALL SELECT * FROM groups",
    f"WITH {GROUPS}, more AS (SELECT grp, s * 2 AS t FROM groups WHERE n = 10)"
    " SELECT grp, t FROM more UNION ALL SELECT grp, t + 1 FROM more WHERE t > 700",
    f"WITH {GROUPS} SELECT few.name, g.s FROM few LEFT JOIN groups g ON few.id = g.n"
    " WHERE EXISTS (SELECT 1 FROM groups WHERE s > 700)",
    "WITH g (a, b) AS (SELECT grp, max(x) FROM big WHERE id > 30 GROUP BY grp)"
    " SELECT * FROM g WHERE b = (SELECT min(b) FROM g)",
    "WITH d AS (SELECT DISTINCT grp FROM big) SELECT (SELECT count(*) FROM d) AS c, grp FROM d",
]
NOT_HELD = {
    "named once": f"WITH {GROUPS} SELECT * FROM groups",
    "no groups": "WITH r AS (SELECT id FROM big) SELECT * FROM r UNION ALL SELECT * FROM r",
    "others are left out": f"WITH {GROUPS} SELECT * FROM groups WHERE grp = 'g1'"
    " UNION ALL SELECT * FROM groups WHERE grp = 'g2'",
    "rows beside groups": "WITH r AS (SELECT b.id, g.n FROM big b JOIN (SELECT grp, count(*) AS n"
    " FROM big GROUP BY grp) g ON b.grp = g.grp) SELECT * FROM r UNION ALL SELECT * FROM r",
    "another value each time": "WITH r AS (SELECT grp, max(random()) AS m FROM big GROUP BY grp)"
    " SELECT a.grp FROM r a JOIN r b ON a.grp = b.grp",
    "the time": "WITH r AS (SELECT grp, max(now()) AS m FROM big GROUP BY grp)"
    " SELECT a.grp FROM r a JOIN r b ON a.grp = b.grp",
    "filters that come late": "WITH r AS (SELECT id, count(*) AS n FROM big GROUP BY id) SELECT"
    " few.id FROM few JOIN r ON few.id = r.id JOIN r q ON q.id = r.id WHERE few.name LIKE 'n1%'",
    "shown only": f"EXPLAIN {BEST}",
    "not only tables": BEST.replace("FROM big", "FROM flightlake_system.queries, big"),
}


@pytest.fixture
def holding(lake: Lake, labs: Labs) -> Lab:
    """An engine that holds rows however few were read."""
    return labs(lake, held_rows=0)


def bag(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize("sql", HELD)
def test_the_rows_are_those_of_the_statement_as_a_whole(holding: Lab, lab: Lab, sql: str) -> None:
    plan = holding.plan(sql)
    assert plan.held is not None
    whole = lab.plan(sql)
    assert whole.held is None
    assert plan.schema.equals(whole.schema, check_metadata=True)
    found = holding.collect(plan)
    assert bag(found.to_pylist()) == bag(lab.collect(whole).to_pylist())
    assert found.num_rows > 0
    # The plan that is kept runs as often as one likes.
    assert bag(holding.collect(holding.plan(sql)).to_pylist()) == bag(found.to_pylist())


def test_the_groups_are_made_once(holding: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _executed(holding, BEST, monkeypatch)
    assert [text.count("Aggregate: groupBy=[[big.grp]]") for text in shown] == [1, 0]
    assert [text.count("TableScan: ") for text in shown] == [1, 2]


def test_the_last_of_several_is_held(holding: Lab) -> None:
    plan = holding.plan(HELD[3])
    assert plan.held is not None
    assert plan.held.first.text.engine_sql.endswith("SELECT * FROM more")


@pytest.mark.parametrize("why", NOT_HELD)
def test_what_would_not_save_work_is_run_as_it_is(holding: Lab, why: str) -> None:
    assert holding.plan(NOT_HELD[why]).held is None


def test_few_rows_are_not_worth_it(lab: Lab) -> None:
    assert lab.plan(BEST).held is None


def test_values_that_are_bound_are_not_looked_at(holding: Lab) -> None:
    sql = BEST.replace("GROUP BY", "WHERE id > $1 GROUP BY")
    assert holding.plan(sql, values={"1": pa.scalar(5)}).held is None


def test_rows_that_were_added_are_seen(own_lake: Lake, labs: Labs) -> None:
    lab = labs(own_lake, held_rows=0)
    assert lab.rows(BEST) == [("g11", 10)]
    own_lake.writer.load_table((own_lake.root, "big")).append(big_rows(50))
    assert lab.rows(BEST) == [("g50", 10)]


def test_both_steps_read_the_snapshots_of_the_plan(own_lake: Lake, labs: Labs) -> None:
    lab = labs(own_lake, held_rows=0)
    sql = (
        f"WITH {GROUPS} SELECT (SELECT max(s) FROM groups) AS a,"
        " (SELECT sum(n) FROM groups) AS b, (SELECT count(*) FROM big) AS c"
    )
    plan = lab.plan(sql)
    assert plan.held is not None
    own_lake.writer.load_table((own_lake.root, "big")).append(big_rows(50))
    before = [(1145, 120, 120)]
    assert tuples(lab.collect(plan)) == before
    assert lab.rows(sql, pins=plan.pins) == before
    assert lab.rows(sql) == [(5045, 130, 130)]


def test_rows_that_take_too_much_memory_are_not_held_again(lake: Lake, labs: Labs) -> None:
    lab = labs(lake, held_rows=0)
    lab.engine._holding = replace(lab.engine._holding, at_most=100)
    sql = HELD[1]
    assert lab.plan(sql).held is not None
    assert len(lab.rows(sql)) == 12
    fresh = lab.plan(sql, pins=lab.plan(sql).pins)  # which is not taken from the kept plans
    assert fresh.held is None
    assert len(lab.collect(fresh)) == 12


def test_what_fails_only_because_all_is_computed_does_not_fail(holding: Lab) -> None:
    sql = (
        "WITH r AS (SELECT grp, 1 / (sum(id) - 45) AS q, sum(id) AS s FROM big GROUP BY grp)"
        " SELECT a.q FROM r a WHERE s <> 45 UNION ALL SELECT s FROM r WHERE s = 145"
    )
    assert sum(row[0] == 145 for row in holding.rows(sql)) == 1


def test_a_missing_file_is_told(own_lake: Lake, labs: Labs, tmp_path: Any) -> None:
    lab = labs(own_lake, held_rows=0)
    plan = lab.plan(BEST)
    assert plan.held is not None
    data_files(tmp_path, "big")[3].unlink()
    with pytest.raises(FlightlakeError, match="is missing"):
        lab.collect(plan)


def test_rows_in_an_order_are_not_those_of_the_two_steps(holding: Lab) -> None:
    plan = ordered(holding.plan(HELD[2]), [LayoutTerm("identity", "s")])
    assert plan.held is None
    sums = holding.collect(plan).column("s").to_pylist()
    assert sums == sorted(sums)


def test_the_first_step_ends_when_nobody_wants_the_rows(
    holding: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ", ".join(f"big b{number}" for number in range(8))  # 120 ** 8 rows
    sql = (
        f"WITH g AS (SELECT b1.grp, count(*) AS n FROM {many} GROUP BY b1.grp)"
        " SELECT * FROM g WHERE n = (SELECT max(n) FROM g)"
    )
    plan = holding.plan(sql)
    assert plan.held is not None
    call = Cancellation()
    begun = threading.Event()
    iterate = Result.__iter__

    def watched(result: Result) -> Any:
        begun.set()
        return iterate(result)

    monkeypatch.setattr(Result, "__iter__", watched)
    ended: list[BaseException] = []

    def start() -> None:
        try:
            holding.engine.start(plan, call)
        except FlightlakeError as failure:
            ended.append(failure)

    thread = threading.Thread(target=start)
    thread.start()
    assert begun.wait(300)
    call.cancel()
    thread.join(300)
    assert [type(failure) for failure in ended] == [Cancelled]


def test_planning_ends_when_nobody_wants_the_plan(
    holding: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Cancellation()
    make = holding.engine._planner

    def cancelling(text: Any, *rest: Any) -> Any:
        if text.engine_sql != BEST:
            call.cancel()
        return make(text, *rest)

    monkeypatch.setattr(holding.engine, "_planner", cancelling)
    with pytest.raises(Cancelled):
        holding.engine.plan(read(BEST), holding.defaults, {}, {}, MOMENT, call)


def _executed(lab: Lab, sql: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the plans of what is executed for *sql*, in order, as the engine shows them."""
    shown: list[str] = []
    require = engine_module._require_files

    def watched(plan: Plan, physical: Any) -> None:
        shown.append(plan.frame.optimized_logical_plan().display_indent())
        require(plan, physical)

    monkeypatch.setattr(engine_module, "_require_files", watched)
    lab.rows(sql)
    return shown

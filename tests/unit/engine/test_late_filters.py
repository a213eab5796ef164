"""Which statements have the filters of their joins reach into scans."""

import pytest

from flightlake.engine.late_filters import may_pay, pay
from tests.fix_engine import Lab

BELOW_MEAN = "SELECT avg(x) FROM big WHERE big.grp = few.name"


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (f"SELECT id FROM few WHERE id = 10 AND id > ({BELOW_MEAN})", True),
        (
            "SELECT few.id FROM few JOIN (SELECT id, count(*) n FROM big GROUP BY id) b"
            " ON few.id = b.id WHERE few.name LIKE 'n1%'",
            True,
        ),
        (f"SELECT id FROM few WHERE id > ({BELOW_MEAN})", False),
        ("SELECT id FROM few WHERE id > (SELECT avg(x) FROM big) AND name = 'n1'", False),
        ("SELECT count(*) FROM few JOIN big ON few.id = big.id WHERE few.name = 'n1'", False),
        ("SELECT grp, count(*) FROM big WHERE id < 50 GROUP BY grp", False),
    ],
)
def test_filters_reach_scans_whose_rows_would_be_grouped_for_nothing(
    lab: Lab, sql: str, wanted: bool
) -> None:
    plan = lab.engine._contexts.plain.create_dataframe_from_logical_plan(
        lab.plan(sql).frame.logical_plan()
    )
    assert (may_pay(sql) and pay(plan.optimized_logical_plan().display_indent())) == wanted


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            "SELECT b.id, n, few.name FROM few"
            " JOIN (SELECT id, count(*) n, max(grp) g FROM big GROUP BY id) b ON few.id = b.id"
            " WHERE few.name IN ('n1', 'n2') ORDER BY 1",
            [(10, 1, "n1"), (20, 1, "n2")],
        ),
        (
            "SELECT id FROM big WHERE grp = 'g7' AND x >="
            " (SELECT avg(b.x) + 2 FROM big b WHERE b.grp = big.grp) ORDER BY id",
            [(77,), (78,), (79,)],
        ),
    ],
)
def test_rows_are_the_same(lab: Lab, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert lab.rows(sql) == rows


def test_only_such_statements_are_executed_so(lab: Lab) -> None:
    groups = "SELECT id, count(*) AS n FROM big GROUP BY id"
    joined = f"SELECT n FROM few JOIN ({groups}) b ON few.id = b.id"
    assert "FilterExec" in _physical(lab, "SELECT id FROM few WHERE name = 'n1'")
    assert "FilterExec" not in _physical(lab, f"{joined} WHERE few.name = 'n1'")
    assert "FilterExec" in _physical(lab, "SELECT id FROM few WHERE name = 'n1'")


def _physical(lab: Lab, sql: str) -> str:
    shown: str = lab.plan(sql).frame.execution_plan().display_indent()
    return shown

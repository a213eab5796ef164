"""Policies survive being written down, and are refused if they are not what was written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.errors import PreconditionFailed
from flightlake.names import TableIdentifier
from flightlake.refresh.grammar import parse
from flightlake.refresh.policy import POLICY, OnChange, Policy, clauses, policy_json, policy_of
from flightlake.refresh.schedules import Cron, Every
from flightlake.refresh.statements import Create

VIEW = TableIdentifier("lake", "shop", "v")
_durations = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3660))
_texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20)


@st.composite
def _policies(draw: st.DrawFn) -> Policy:
    downstream = draw(st.booleans())
    return Policy(
        target_lag=None if downstream else draw(st.none() | _durations),
        downstream=downstream,
        schedule=draw(
            st.none()
            | st.builds(Every, _durations)
            | st.sampled_from([Cron("0 3 * * *"), Cron("*/5 1 * * MON", "Europe/Paris")])
        ),
        on_change=draw(st.none() | st.builds(OnChange, st.none() | _durations)),
        comment=draw(_texts),
        timeout=draw(st.none() | _durations),
        suspend_after=draw(st.none() | st.integers(1, 1000)),
        history_retention=draw(st.none() | _durations),
        priority=draw(st.integers(0, 1000)),
    )


@given(_policies(), _texts)
def test_a_policy_is_read_as_it_was_written(policy: Policy, owner: str) -> None:
    owned = Policy(**{name: getattr(policy, name) for name in Policy.__slots__} | {"owner": owner})
    assert policy_of({POLICY: policy_json(owned)}, VIEW) == owned


@given(_policies())
def test_a_policy_is_read_as_its_clauses_say(policy: Policy) -> None:
    sql = "\n".join(["CREATE MATERIALIZED VIEW v", *clauses(policy), "AS SELECT 1"])
    statement = parse(sql)
    assert isinstance(statement, Create)
    assert statement.policy == policy


def test_a_view_without_a_policy_is_refreshed_by_hand() -> None:
    assert policy_of({}, VIEW) == Policy()
    assert not Policy().automatic


@pytest.mark.parametrize(
    "broken",
    ["", "x", "[]", '{"target-lag": -1}', '{"target-lag": true}', '{"schedule": {"cron": "x"}}',
     '{"schedule": {}}', '{"on-change": 5}', '{"priority": "high"}',
     '{"schedule": {"cron": "0 3 * * *", "zone": "Mars"}}', '{"target-lag": 1e300}',
     '{"target-lag": Infinity}', '{"timeout": 1e13}', '{"priority": 1e999}',
     '{"suspend-after": 1e999}', "[" * 100_000],
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(broken: str) -> None:
    with pytest.raises(PreconditionFailed, match="cannot be read"):
        policy_of({POLICY: broken}, VIEW)
